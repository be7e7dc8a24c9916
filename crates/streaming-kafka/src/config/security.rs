use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

use super::variables::PREFIX;
use super::{ConfigError, ConfigErrorKind, KafkaConfig};

/// Whether connections are encrypted, and whether the client says who it is (`security.protocol`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// Neither.
    #[default]
    Plaintext,
    /// TLS; the client may show a certificate.
    Ssl,
    /// SASL over TCP.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Whether it says who the client is by SASL.
    pub fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    /// Whether it encrypts.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SecurityProtocol {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(text))
            .ok_or(())
    }
}

/// How the client says who it is (`sasl.mechanism`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaslMechanism {
    /// User and password as they are: only over TLS.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    /// Kafka's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl fmt::Display for SaslMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SaslMechanism {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Plain, Self::ScramSha256, Self::ScramSha512]
            .into_iter()
            .find(|mechanism| mechanism.name().eq_ignore_ascii_case(text))
            .ok_or(())
    }
}

/// A text that is never shown and is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(Zeroizing::new(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl KafkaConfig {
    /// Checks that what SASL and TLS need is there, complete, and not given in vain.
    pub(super) fn check_security(&self) -> Result<(), ConfigError> {
        let protocol = self.security_protocol;
        let name = |field: &str| self.origin.name(field);
        let sasl = [
            ("sasl_mechanism", self.sasl_mechanism.map(|m| m.name().to_owned())),
            ("sasl_username", self.sasl_username.clone()),
            ("sasl_password", self.sasl_password.as_ref().map(|_| "***".to_owned())),
        ];
        for (field, given) in &sasl {
            match given {
                Some(value) if !protocol.is_sasl() => {
                    let right = format!(
                        "SASL is not used with {} `{protocol}`; set that to `SASL_SSL` or `SASL_PLAINTEXT`, or leave this out",
                        name("security_protocol")
                    );
                    return Err(ConfigError::new(ConfigErrorKind::Contradiction, name(field), right)
                        .with_value(value));
                }
                Some(value) if value.is_empty() => {
                    return Err(ConfigError::new(
                        ConfigErrorKind::OutOfRange,
                        name(field),
                        "expected a text that is not empty",
                    )
                    .with_value(value));
                }
                None if protocol.is_sasl() => {
                    let right = format!("is needed with {} `{protocol}`", name("security_protocol"));
                    return Err(ConfigError::new(ConfigErrorKind::Incomplete, name(field), right));
                }
                _ => {}
            }
        }
        let files = [
            ("ssl_ca_location", &self.ssl_ca_location),
            ("ssl_cert_location", &self.ssl_cert_location),
            ("ssl_key_location", &self.ssl_key_location),
        ];
        for (field, path) in files {
            let Some(path) = path else { continue };
            if !protocol.is_tls() {
                let right = format!(
                    "TLS is not used with {} `{protocol}`; set that to `SSL` or `SASL_SSL`, or leave this out",
                    name("security_protocol")
                );
                return Err(ConfigError::new(ConfigErrorKind::Contradiction, name(field), right)
                    .with_value(path.to_string_lossy()));
            }
            check_file(&name(field), path)?;
        }
        for (field, given, missing, other) in [
            ("ssl_cert_location", &self.ssl_cert_location, &self.ssl_key_location, "ssl_key_location"),
            ("ssl_key_location", &self.ssl_key_location, &self.ssl_cert_location, "ssl_cert_location"),
        ] {
            if let (Some(path), None) = (given, missing) {
                let right = format!("a certificate and its key go together: set {} too", name(other));
                return Err(ConfigError::new(ConfigErrorKind::Incomplete, name(field), right)
                    .with_value(path.to_string_lossy()));
            }
        }
        Ok(())
    }
}

fn check_file(variable: &str, path: &Path) -> Result<(), ConfigError> {
    let problem = match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => return Ok(()),
        Ok(_) => "it is not a file".to_owned(),
        Err(error) => error.to_string(),
    };
    let right = format!("expected the path of a PEM file that can be read; {problem}");
    Err(ConfigError::new(ConfigErrorKind::File, variable, right).with_value(path.to_string_lossy()))
}

/// Where a config came from, to name its settings as their author wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// Built by a program: fields.
    #[default]
    Code,
    /// The environment: variables.
    Environment,
    /// A properties file: its path and dotted keys.
    File(PathBuf),
}

impl Origin {
    /// What the author called `field`.
    pub(super) fn name(&self, field: &str) -> String {
        match self {
            Self::Code => field.to_owned(),
            Self::Environment => format!("{PREFIX}{}", field.to_ascii_uppercase()),
            Self::File(path) => format!("{}: {}", path.display(), field.replace('_', ".")),
        }
    }
}
