use std::fmt;

use kafka_core::{Error, ErrorKind};
use rustls::AlertDescription;

/// What exactly is wrong with TLS, for programs that tell cases apart.
///
/// It lies beneath the [`kafka_core::Error`] that says it in words: see [`TlsError::of`].
#[derive(Clone, Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
}

/// The sort of a [`TlsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// A file that the settings name cannot be read.
    Unreadable,
    /// Neither PEM nor a key store, or damaged.
    Garbage,
    /// There is no certificate where one should be.
    NoCertificate,
    /// There is no private key where one should be.
    NoPrivateKey,
    /// The key or the store is encrypted, and no pass phrase is set.
    PasswordMissing,
    /// The pass phrase does not open the key or the store.
    WrongPassword,
    /// A key, a store or an encryption of a sort that is not supported.
    UnsupportedFormat,
    /// The private key is not the certificate's.
    KeyMismatch,
    /// This processor or provider cannot do the cryptography.
    Cryptography,
    /// The broker's certificate was signed by nobody who is trusted.
    UnknownIssuer,
    /// The broker's certificate is no longer valid.
    Expired,
    /// The broker's certificate is not valid yet.
    NotYetValid,
    /// The broker's certificate does not carry the name that was connected to.
    WrongName,
    /// The broker's certificate cannot be accepted for another reason.
    BadCertificate,
    /// The broker asked for a client certificate, and none is set.
    ClientCertificateRequired,
    /// The broker does not accept the client's certificate.
    ClientCertificateRefused,
    /// The broker ended the handshake with this alert.
    Alert(AlertDescription),
    /// The other end does not speak TLS.
    NotTls,
    /// The connection ended in the middle of the handshake.
    EndedInHandshake,
    /// Broker and client know no common version or cipher suite.
    NothingInCommon,
    /// The other end speaks TLS, and not by its rules.
    Protocol,
}

impl TlsErrorKind {
    /// How the error as a whole is classed.
    fn error_kind(self) -> ErrorKind {
        match self {
            Self::Unreadable
            | Self::Garbage
            | Self::NoCertificate
            | Self::NoPrivateKey
            | Self::PasswordMissing
            | Self::WrongPassword
            | Self::UnsupportedFormat
            | Self::KeyMismatch
            | Self::Cryptography => ErrorKind::InvalidInput,
            // A broker that is starting or stopping does this too: another try may do better.
            Self::EndedInHandshake
            | Self::Alert(AlertDescription::InternalError | AlertDescription::UserCanceled) => {
                ErrorKind::Connect
            }
            _ => ErrorKind::Tls,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable file",
            Self::Garbage => "neither PEM nor a key store",
            Self::NoCertificate => "no certificate",
            Self::NoPrivateKey => "no private key",
            Self::PasswordMissing => "pass phrase missing",
            Self::WrongPassword => "wrong pass phrase",
            Self::UnsupportedFormat => "unsupported format",
            Self::KeyMismatch => "key and certificate do not belong together",
            Self::Cryptography => "cryptography not available",
            Self::UnknownIssuer => "unknown issuer",
            Self::Expired => "certificate expired",
            Self::NotYetValid => "certificate not valid yet",
            Self::WrongName => "wrong name in the certificate",
            Self::BadCertificate => "unacceptable certificate",
            Self::ClientCertificateRequired => "client certificate required",
            Self::ClientCertificateRefused => "client certificate refused",
            Self::Alert(_) => "alert from the broker",
            Self::NotTls => "not TLS",
            Self::EndedInHandshake => "connection ended in the handshake",
            Self::NothingInCommon => "no common version or cipher suite",
            Self::Protocol => "TLS protocol broken",
        }
    }
}

impl TlsError {
    pub(crate) fn new(kind: TlsErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// The error that tells this in words.
    pub(crate) fn into_error(self, message: impl Into<String>) -> Error {
        Error::new(self.kind.error_kind(), message).with_source(self)
    }

    /// What sort it is.
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    /// The TLS error beneath `error`, if that is what made it fail.
    pub fn of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.description())?;
        match self.kind {
            TlsErrorKind::Alert(alert) => write!(f, " ({alert:?})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
