use std::path::PathBuf;

use kafka_core::cluster::ClientConfig;
use kafka_security::{SecurityConfig, SecurityProtocol};

use super::variables::PREFIX;
use super::{ConfigError, ConfigErrorKind, KafkaConfig};

impl KafkaConfig {
    /// Checks that what SASL and TLS need is there, complete, and not given in vain.
    pub(super) fn check_security(&self) -> Result<(), ConfigError> {
        self.check_tls()?;
        self.login().map(|_| ())
    }

    /// What the settings say about security, for connections that are not made from this configuration as a whole.
    ///
    /// # Errors
    /// The first setting that is not right.
    pub fn security(&self) -> Result<SecurityConfig, ConfigError> {
        self.check_security()?;
        let login = || {
            let incomplete = || {
                let name = self.origin.name("sasl_mechanism");
                ConfigError::new(ConfigErrorKind::Incomplete, name, "is needed with SASL")
            };
            self.login()?.ok_or_else(incomplete)
        };
        Ok(match self.security_protocol {
            SecurityProtocol::Plaintext => SecurityConfig::plaintext(),
            SecurityProtocol::Ssl => SecurityConfig::ssl(self.tls()),
            SecurityProtocol::SaslPlaintext => SecurityConfig::sasl_plaintext_as(login()?),
            SecurityProtocol::SaslSsl => SecurityConfig::sasl_ssl_as(self.tls(), login()?),
        })
    }

    /// Adds where to connect to, and how.
    pub(super) fn connect_by(&self, mut client: ClientConfig) -> Result<ClientConfig, ConfigError> {
        client.bootstrap_servers.clone_from(&self.bootstrap_servers);
        self.security()?.apply_to(&mut client).map_err(|error| {
            let name = self.origin.name("security_protocol");
            ConfigError::new(ConfigErrorKind::File, name, error.to_string())
                .with_value(self.security_protocol.name())
        })?;
        Ok(client)
    }
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
