use std::path::{Path, PathBuf};

use kafka_core::cluster::ClientConfig;
use kafka_core::net::TcpConnector;
use kafka_security::{SecurityConfig, SecurityProtocol, TlsConfig, TlsConnector};

use super::variables::PREFIX;
use super::{ConfigError, ConfigErrorKind, KafkaConfig};

impl KafkaConfig {
    /// Checks that what SASL and TLS need is there, complete, and not given in vain.
    pub(super) fn check_security(&self) -> Result<(), ConfigError> {
        let protocol = self.security_protocol;
        let name = |field: &str| self.origin.name(field);
        let files = [
            ("ssl_ca_location", &self.ssl_ca_location),
            ("ssl_cert_location", &self.ssl_cert_location),
            ("ssl_key_location", &self.ssl_key_location),
        ];
        for (field, path) in files {
            let Some(path) = path else { continue };
            if !self.uses_tls() {
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
        self.check_certificates()?;
        self.login().map(|_| ())
    }

    /// Reads certificates and keys once, to refuse at the start what no connection could be opened with.
    fn check_certificates(&self) -> Result<(), ConfigError> {
        if !self.uses_tls() {
            return Ok(());
        }
        let refuse = |field: &str, path: Option<&PathBuf>, error: kafka_core::Error| {
            let error = ConfigError::new(ConfigErrorKind::File, self.origin.name(field), error.to_string());
            match path {
                Some(path) => error.with_value(path.to_string_lossy()),
                None => error,
            }
        };
        let authorities = self.authorities();
        TlsConnector::new(&authorities, TcpConnector::new()).map_err(|error| {
            match &self.ssl_ca_location {
                Some(path) => refuse("ssl_ca_location", Some(path), error),
                None => refuse("security_protocol", None, error),
            }
        })?;
        if let (Some(certificate), Some(key)) = (&self.ssl_cert_location, &self.ssl_key_location) {
            let tls = authorities.identity_location(certificate, key);
            TlsConnector::new(&tls, TcpConnector::new()).map_err(|error| {
                let is_key = error.to_string().contains(&*key.to_string_lossy());
                let (field, path) =
                    if is_key { ("ssl_key_location", key) } else { ("ssl_cert_location", certificate) };
                refuse(field, Some(path), error)
            })?;
        }
        Ok(())
    }

    fn authorities(&self) -> TlsConfig {
        let tls = TlsConfig::new();
        match &self.ssl_ca_location {
            Some(path) => tls.ca_location(path),
            None => tls,
        }
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

    /// Whom to trust, and what to show: to brokers, and to a token endpoint.
    pub(super) fn tls(&self) -> TlsConfig {
        let tls = self.authorities();
        match (&self.ssl_cert_location, &self.ssl_key_location) {
            (Some(certificate), Some(key)) => tls.identity_location(certificate, key),
            _ => tls,
        }
    }

    fn uses_tls(&self) -> bool {
        let endpoint = self.sasl_oauthbearer_token_endpoint_url.as_deref();
        self.security_protocol.is_tls() || endpoint.is_some_and(|url| url.trim_start().starts_with("https:"))
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
