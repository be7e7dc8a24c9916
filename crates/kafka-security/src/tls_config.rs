use std::path::PathBuf;
use std::sync::Arc;

use kafka_core::Result;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::pem;

/// Whom the client trusts, and what it shows of itself.
///
/// Without a CA the roots of Mozilla's programme are trusted, as a browser does.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    pub(crate) roots: Option<Pem>,
    pub(crate) identity: Option<(Pem, Pem)>,
    pub(crate) provider: Option<Arc<CryptoProvider>>,
}

/// Certificates or a key: in a file, or in memory.
#[derive(Clone)]
pub(crate) enum Pem {
    File(PathBuf),
    Text(crate::Secret),
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(_) => f.write_str("PEM in memory"),
        }
    }
}

impl TlsConfig {
    /// Mozilla's roots, no client certificate.
    pub fn new() -> Self {
        Self::default()
    }

    /// `ssl_ca_location`: a PEM file of the authorities that are trusted, instead of Mozilla's roots.
    #[must_use]
    pub fn ca_location(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots = Some(Pem::File(path.into()));
        self
    }

    /// The authorities that are trusted, as PEM in memory, instead of Mozilla's roots.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<String>) -> Self {
        self.roots = Some(Pem::Text(pem.into().into()));
        self
    }

    /// `ssl_cert_location` and `ssl_key_location`: PEM files of the certificate chain that the client shows, its own
    /// first, and of its key (PKCS#8, PKCS#1 or SEC1, not encrypted).
    #[must_use]
    pub fn identity_location(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some((Pem::File(certificate.into()), Pem::File(key.into())));
        self
    }

    /// The certificate chain that the client shows and its key, as PEM in memory.
    #[must_use]
    pub fn identity_pem(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.identity = Some((Pem::Text(certificate.into().into()), Pem::Text(key.into().into())));
        self
    }

    /// Uses other cryptography than the default, `rustls-graviola`.
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    pub(crate) fn read_roots(&self) -> Result<Option<Vec<CertificateDer<'static>>>> {
        self.roots.as_ref().map(pem::certificates).transpose()
    }

    pub(crate) fn read_identity(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
        let read = |(certificate, key)| Ok((pem::certificates(certificate)?, pem::private_key(key)?));
        self.identity.as_ref().map(|(certificate, key)| read((certificate, key))).transpose()
    }
}
