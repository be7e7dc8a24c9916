use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;

use crate::Secret;

/// Whom the client trusts, and what it shows of itself.
///
/// Without a CA the roots of Mozilla's programme are trusted, as a browser does. Files are read when a
/// [`TlsConnector`](crate::TlsConnector) is made, and again when they change.
///
/// ```
/// use kafka_security::{TlsConfig, TlsVersion};
///
/// let tls = TlsConfig::new()
///     .ca_location("/etc/kafka/ca.pem")
///     .identity_location("/etc/kafka/client.pem", "/etc/kafka/client.key")
///     .key_password("the key's pass phrase")
///     .enabled_protocols([TlsVersion::Tls13]);
/// assert!(!format!("{tls:?}").contains("pass phrase"));
/// ```
#[derive(Clone, Debug)]
pub struct TlsConfig {
    pub(crate) roots: Option<Pem>,
    pub(crate) truststore_password: Option<Secret>,
    pub(crate) identity: Option<IdentitySource>,
    pub(crate) key_password: Option<Secret>,
    pub(crate) keystore_password: Option<Secret>,
    pub(crate) endpoint_identification: bool,
    pub(crate) protocols: Vec<TlsVersion>,
    pub(crate) provider: Option<Arc<CryptoProvider>>,
    pub(crate) watch_interval: Duration,
}

/// Certificates or a key: in a file, or in memory.
#[derive(Clone)]
pub(crate) enum Pem {
    File(PathBuf),
    Text(Secret),
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(_) => f.write_str("PEM in memory"),
        }
    }
}

/// Where the client's certificate and key are.
#[derive(Clone, Debug)]
pub(crate) enum IdentitySource {
    /// Two places.
    Pair { certificate: Pem, key: Pem },
    /// One place for both: PEM, or a PKCS#12 store.
    Store(Pem),
}

impl fmt::Display for IdentitySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pair { certificate, key } => write!(f, "{certificate:?} and {key:?}"),
            Self::Store(store) => write!(f, "{store:?}"),
        }
    }
}

/// A version of TLS. Older ones than these are broken and not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl TlsVersion {
    /// Java's name of it, which Kafka's settings use: `TLSv1.2`, `TLSv1.3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TlsVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Tls12, Self::Tls13].into_iter().find(|it| it.name().eq_ignore_ascii_case(text)).ok_or(())
    }
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            roots: None,
            truststore_password: None,
            identity: None,
            key_password: None,
            keystore_password: None,
            endpoint_identification: true,
            protocols: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            provider: None,
            watch_interval: Duration::from_secs(10),
        }
    }
}

impl TlsConfig {
    /// Mozilla's roots, no client certificate, TLS 1.2 and 1.3.
    pub fn new() -> Self {
        Self::default()
    }

    /// `ssl_ca_location` or `ssl.truststore.location`: the authorities that are trusted, instead of Mozilla's roots.
    ///
    /// A PEM file with one or more certificates, a directory of such files (`*.pem`, `*.crt`, `*.cer`, and the hashed
    /// names that `openssl rehash` makes), or a PKCS#12 trust store as `keytool` writes it.
    #[must_use]
    pub fn ca_location(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots = Some(Pem::File(path.into()));
        self
    }

    /// `ssl.truststore.certificates`: the authorities that are trusted, as PEM in memory, instead of Mozilla's roots.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<String>) -> Self {
        self.roots = Some(Pem::Text(pem.into().into()));
        self
    }

    /// `ssl.truststore.password`, for a PKCS#12 trust store.
    #[must_use]
    pub fn truststore_password(mut self, password: impl Into<Secret>) -> Self {
        self.truststore_password = Some(password.into());
        self
    }

    /// `ssl_cert_location` and `ssl_key_location`: PEM files of the certificate chain that the client shows, its own
    /// first, and of its key: PKCS#8, also encrypted (see [`key_password`](Self::key_password)), PKCS#1 or SEC1.
    #[must_use]
    pub fn identity_location(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let (certificate, key) = (Pem::File(certificate.into()), Pem::File(key.into()));
        self.identity = Some(IdentitySource::Pair { certificate, key });
        self
    }

    /// `ssl.keystore.certificate.chain` and `ssl.keystore.key`: the certificate chain that the client shows and its key,
    /// as PEM in memory.
    #[must_use]
    pub fn identity_pem(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        let (certificate, key) = (Pem::Text(certificate.into().into()), Pem::Text(key.into().into()));
        self.identity = Some(IdentitySource::Pair { certificate, key });
        self
    }

    /// `ssl.keystore.location`: one file with the certificate chain that the client shows and its key.
    ///
    /// What it is, is seen from its content: PEM (Java's `ssl.keystore.type=PEM`), or PKCS#12 as `keytool` and `openssl`
    /// write it, with exactly one key. The older JKS is refused with the command that converts it.
    #[must_use]
    pub fn keystore_location(mut self, path: impl Into<PathBuf>) -> Self {
        self.identity = Some(IdentitySource::Store(Pem::File(path.into())));
        self
    }

    /// `ssl.keystore.password`, for a PKCS#12 key store.
    #[must_use]
    pub fn keystore_password(mut self, password: impl Into<Secret>) -> Self {
        self.keystore_password = Some(password.into());
        self
    }

    /// `ssl_key_password`: the pass phrase of an encrypted PKCS#8 key. A PKCS#12 store has one for store and key: it is
    /// taken from here where there is no [`keystore_password`](Self::keystore_password).
    #[must_use]
    pub fn key_password(mut self, password: impl Into<Secret>) -> Self {
        self.key_password = Some(password.into());
        self
    }

    /// `ssl_endpoint_identification_algorithm`: whether the broker's certificate must carry the name that was connected
    /// to (`https`). Default: true.
    ///
    /// Without it, whoever holds any certificate of a trusted authority can pose as the broker: it is for clusters whose
    /// certificates lack their names, and logs a warning. Everything else is checked all the same.
    #[must_use]
    pub fn endpoint_identification(mut self, check: bool) -> Self {
        self.endpoint_identification = check;
        self
    }

    /// `ssl.enabled.protocols`: the versions that are offered. Default: TLS 1.2 and 1.3.
    #[must_use]
    pub fn enabled_protocols(mut self, versions: impl IntoIterator<Item = TlsVersion>) -> Self {
        self.protocols = versions.into_iter().collect();
        self
    }

    /// Uses other cryptography than the default, `rustls-graviola`.
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// How often the files are looked at while no connection is opened; each new connection looks too. Default: 10 s.
    #[must_use]
    pub fn watch_interval(mut self, interval: Duration) -> Self {
        self.watch_interval = interval;
        self
    }
}
