//! PEM from files and from memory, with errors that say which file and what is wrong with it.

use std::borrow::Cow;

use kafka_core::{Error, ErrorKind, Result};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::tls_config::Pem;

/// The certificates in `pem`, in order; one at least.
pub(crate) fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(pem)?;
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| invalid(pem, "is not valid PEM").with_source(error))?;
    if certificates.is_empty() {
        return Err(invalid(pem, "holds no certificate; expected `-----BEGIN CERTIFICATE-----`"));
    }
    Ok(certificates)
}

/// The first private key in `pem`.
pub(crate) fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>> {
    let text = read(pem)?;
    if memchr(&text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return Err(invalid(
            pem,
            "is encrypted; write it without a pass phrase: `openssl pkcs8 -in KEY -out PLAIN`",
        ));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        invalid(
            pem,
            "holds no private key in PKCS#8, PKCS#1 or SEC1 form; expected `-----BEGIN PRIVATE KEY-----`",
        )
        .with_source(error)
    })
}

fn read(pem: &Pem) -> Result<Zeroizing<Vec<u8>>> {
    match pem {
        Pem::Text(text) => Ok(Zeroizing::new(text.expose().as_bytes().to_vec())),
        Pem::File(path) => std::fs::read(path)
            .map(Zeroizing::new)
            .map_err(|error| invalid(pem, &format!("cannot be read: {error}")).with_source(error)),
    }
}

fn invalid(pem: &Pem, problem: &str) -> Error {
    let what = match pem {
        Pem::File(path) => Cow::Owned(format!("`{}`", path.display())),
        Pem::Text(_) => Cow::Borrowed("the PEM in memory"),
    };
    Error::new(ErrorKind::InvalidInput, format!("{what} {problem}"))
}

fn memchr(text: &[u8], marker: &[u8]) -> bool {
    text.windows(marker.len()).any(|window| window == marker)
}
