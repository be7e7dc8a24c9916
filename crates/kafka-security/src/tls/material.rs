//! Certificates and keys as the files hold them now.

use std::fs;
use std::path::{Path, PathBuf};

use kafka_core::Result;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::{Zeroize, Zeroizing};

use super::config::{IdentitySource, Pem};
use super::{key_store, pem};
use crate::{Secret, TlsConfig, TlsError, TlsErrorKind};

/// What a [`TlsConfig`] names, read.
#[derive(PartialEq)]
pub(crate) struct Material {
    /// `None`: those of Mozilla's programme.
    pub(crate) roots: Option<Vec<CertificateDer<'static>>>,
    pub(crate) identity: Option<Identity>,
}

/// What the client shows of itself. The key is wiped when dropped.
#[derive(PartialEq)]
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Material {
    pub(crate) fn read(config: &TlsConfig) -> Result<Self> {
        let roots = config
            .roots
            .as_ref()
            .map(|roots| authorities(roots, config.truststore_password.as_ref()))
            .transpose()?;
        let identity = config.identity.as_ref().map(|source| identity(source, config)).transpose()?;
        Ok(Self { roots, identity })
    }

    /// The files that [`read`](Self::read) looks at.
    pub(crate) fn paths(config: &TlsConfig) -> Vec<PathBuf> {
        let identity = match &config.identity {
            Some(IdentitySource::Pair { certificate, key }) => vec![certificate, key],
            Some(IdentitySource::Store(store)) => vec![store],
            None => vec![],
        };
        let all = config.roots.iter().chain(identity);
        all.filter_map(|pem| if let Pem::File(path) = pem { Some(path.clone()) } else { None }).collect()
    }
}

fn authorities(roots: &Pem, password: Option<&Secret>) -> Result<Vec<CertificateDer<'static>>> {
    if let Pem::File(path) = roots
        && path.is_dir()
    {
        return directory(path);
    }
    let bytes = read(roots)?;
    let origin = origin(roots);
    if key_store::is_store(&bytes) {
        key_store::certificates(&bytes, &origin, password)
    } else {
        pem::certificates(&bytes, &origin)
    }
}

fn identity(source: &IdentitySource, config: &TlsConfig) -> Result<Identity> {
    let key_password = config.key_password.as_ref();
    let (chain, key) = match source {
        IdentitySource::Pair { certificate, key } => {
            let chain = pem::certificates(&read(certificate)?, &origin(certificate))?;
            (chain, pem::private_key(&read(key)?, &origin(key), key_password)?)
        }
        IdentitySource::Store(store) => {
            let (bytes, origin) = (read(store)?, origin(store));
            let password = config.keystore_password.as_ref().or(key_password);
            if key_store::is_store(&bytes) {
                key_store::identity(&bytes, &origin, password)?
            } else {
                let key = pem::private_key(&bytes, &origin, key_password.or(password))?;
                (pem::certificates(&bytes, &origin)?, key)
            }
        }
    };
    Ok(Identity { chain, key })
}

/// The certificates of all files in a directory whose names say that they hold some.
fn directory(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unreadable = |error: std::io::Error| {
        let message = format!("the directory `{}` cannot be read: {error}", path.display());
        TlsError::new(TlsErrorKind::Unreadable).with_source(error).into_error(message)
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.is_file() && is_named_like_a_certificate(&file) {
            files.push(file);
        }
    }
    files.sort_unstable();
    let mut all: Vec<CertificateDer<'static>> = Vec::new();
    for file in files {
        let file = Pem::File(file);
        match pem::certificates(&read(&file)?, &origin(&file)) {
            // The links of `openssl rehash` name certificates a second time.
            Ok(certificates) => certificates.into_iter().for_each(|certificate| {
                if !all.contains(&certificate) {
                    all.push(certificate);
                }
            }),
            Err(error) if TlsError::of(&error).is_some_and(|it| it.kind() == TlsErrorKind::NoCertificate) => {
            }
            Err(error) => return Err(error),
        }
    }
    if all.is_empty() {
        let message = format!(
            "the directory `{}` holds no certificate; expected PEM files named `*.pem`, `*.crt` or `*.cer`",
            path.display()
        );
        return Err(TlsError::new(TlsErrorKind::NoCertificate).into_error(message));
    }
    Ok(all)
}

fn is_named_like_a_certificate(path: &Path) -> bool {
    let part =
        |part: Option<&std::ffi::OsStr>| part.and_then(|it| it.to_str()).unwrap_or_default().to_owned();
    let (stem, extension) = (part(path.file_stem()), part(path.extension()));
    let is_hash = stem.len() == 8 && stem.bytes().all(|b| b.is_ascii_hexdigit());
    match extension.to_ascii_lowercase().as_str() {
        "pem" | "crt" | "cer" => !stem.starts_with('.'),
        number => is_hash && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()),
    }
}

fn read(pem: &Pem) -> Result<Zeroizing<Vec<u8>>> {
    match pem {
        Pem::Text(text) => Ok(Zeroizing::new(text.expose().as_bytes().to_vec())),
        Pem::File(path) => fs::read(path).map(Zeroizing::new).map_err(|error| {
            let message = format!("`{}` cannot be read: {error}", path.display());
            TlsError::new(TlsErrorKind::Unreadable).with_source(error).into_error(message)
        }),
    }
}

/// What errors call it.
fn origin(pem: &Pem) -> String {
    match pem {
        Pem::File(path) => format!("`{}`", path.display()),
        Pem::Text(_) => "the PEM in memory".to_owned(),
    }
}
