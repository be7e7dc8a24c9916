//! From the settings of TLS to what is trusted and what is shown: complete, not given twice, not given in vain, and read once.

use std::path::Path;

use kafka_core::net::TcpConnector;
use kafka_security::{TlsConfig, TlsConnector};

use super::{ConfigError, ConfigErrorKind, KafkaConfig};

/// A certificate and its key, by the two settings that name them.
const PAIRS: [(&str, &str); 2] =
    [("ssl_cert_location", "ssl_key_location"), ("ssl_keystore_certificate_chain", "ssl_keystore_key")];

impl KafkaConfig {
    /// Checks the settings of TLS, and reads certificates and keys once, to refuse at the start what no connection could
    /// be opened with.
    pub(super) fn check_tls(&self) -> Result<(), ConfigError> {
        let given = self.given_tls();
        let name = |field: &str| self.origin.name(field);
        let error = |kind, field: &str, right: String| ConfigError::new(kind, name(field), right);
        if !self.uses_tls() {
            let Some((field, value)) = given.first() else { return Ok(()) };
            let right = format!(
                "TLS is not used with {} `{}`; set that to `SSL` or `SASL_SSL`, or leave this out",
                name("security_protocol"),
                self.security_protocol
            );
            return Err(error(ConfigErrorKind::Contradiction, field, right).with_value(value));
        }
        let is_given = |wanted: &str| given.iter().any(|(field, _)| *field == wanted);
        for (one, other) in PAIRS.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]) {
            if is_given(one) && !is_given(other) {
                let right = format!("a certificate and its key go together: set {} too", name(other));
                return Err(error(ConfigErrorKind::Incomplete, one, right));
            }
        }
        let one_of = |fields: &[&'static str]| {
            let mut found = fields.iter().filter(|field| is_given(field));
            match (found.next(), found.next()) {
                (Some(first), Some(second)) => {
                    let right = format!("{} says the same: keep one of them", name(first));
                    Err(error(ConfigErrorKind::Duplicate, second, right))
                }
                (found, _) => Ok(found.copied()),
            }
        };
        let authorities = one_of(&["ssl_ca_location", "ssl_truststore_certificates"])?;
        let identity =
            one_of(&["ssl_cert_location", "ssl_keystore_location", "ssl_keystore_certificate_chain"])?;
        for (password, needs, there) in [
            ("ssl_truststore_password", "ssl_ca_location", self.ssl_ca_location.is_some()),
            ("ssl_keystore_password", "ssl_keystore_location", self.ssl_keystore_location.is_some()),
            ("ssl_key_password", "ssl_key_location", identity.is_some()),
        ] {
            if is_given(password) && !there {
                return Err(error(ConfigErrorKind::Incomplete, password, format!("needs {}", name(needs))));
            }
        }
        if let Some(algorithm) = &self.ssl_endpoint_identification_algorithm
            && !algorithm.is_empty()
            && !algorithm.eq_ignore_ascii_case("https")
        {
            let right = "expected `https`, or nothing for no check of names".to_owned();
            return Err(error(ConfigErrorKind::OutOfRange, "ssl_endpoint_identification_algorithm", right)
                .with_value(algorithm));
        }
        self.check_certificates(authorities, identity)
    }

    /// What was given for TLS, by field, and a value that may be shown.
    fn given_tls(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Option<std::path::PathBuf>| {
            path.as_deref().map(|path| path.to_string_lossy().into_owned())
        };
        let hidden = |is_given: bool| is_given.then(|| "***".to_owned());
        let versions = self
            .ssl_enabled_protocols
            .as_ref()
            .map(|versions| versions.iter().map(|version| version.name()).collect::<Vec<_>>().join(","));
        let all = [
            ("ssl_ca_location", path(&self.ssl_ca_location)),
            ("ssl_cert_location", path(&self.ssl_cert_location)),
            ("ssl_key_location", path(&self.ssl_key_location)),
            ("ssl_key_password", hidden(self.ssl_key_password.is_some())),
            ("ssl_keystore_location", path(&self.ssl_keystore_location)),
            ("ssl_keystore_password", hidden(self.ssl_keystore_password.is_some())),
            ("ssl_keystore_certificate_chain", hidden(self.ssl_keystore_certificate_chain.is_some())),
            ("ssl_keystore_key", hidden(self.ssl_keystore_key.is_some())),
            ("ssl_truststore_certificates", hidden(self.ssl_truststore_certificates.is_some())),
            ("ssl_truststore_password", hidden(self.ssl_truststore_password.is_some())),
            ("ssl_endpoint_identification_algorithm", self.ssl_endpoint_identification_algorithm.clone()),
            ("ssl_enabled_protocols", versions),
        ];
        all.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
    }

    fn check_certificates(
        &self,
        authorities: Option<&'static str>,
        identity: Option<&'static str>,
    ) -> Result<(), ConfigError> {
        for (field, path) in [
            ("ssl_ca_location", &self.ssl_ca_location),
            ("ssl_cert_location", &self.ssl_cert_location),
            ("ssl_key_location", &self.ssl_key_location),
            ("ssl_keystore_location", &self.ssl_keystore_location),
        ] {
            if let Some(path) = path {
                check_path(&self.origin.name(field), path, field == "ssl_ca_location")?;
            }
        }
        let refuse = |field: &str, error: kafka_core::Error| {
            let value = self.given_tls().into_iter().find(|(given, _)| *given == field);
            let error = ConfigError::new(ConfigErrorKind::File, self.origin.name(field), error.to_string());
            match value {
                Some((_, value)) => error.with_value(value),
                None => error,
            }
        };
        // The warning about names that are not checked comes when connections are made, and not with each check.
        let read =
            |tls: TlsConfig| TlsConnector::new(&tls.endpoint_identification(true), TcpConnector::new());
        read(self.authorities())
            .map_err(|error| refuse(authorities.unwrap_or("security_protocol"), error))?;
        let Some(identity) = identity else { return Ok(()) };
        read(self.tls()).map(|_| ()).map_err(|error| {
            let words = error.to_string();
            let is_key =
                self.ssl_key_location.as_ref().is_some_and(|key| words.contains(&*key.to_string_lossy()));
            refuse(if is_key { "ssl_key_location" } else { identity }, error)
        })
    }

    fn authorities(&self) -> TlsConfig {
        let mut tls = TlsConfig::new();
        if let Some(path) = &self.ssl_ca_location {
            tls = tls.ca_location(path);
        }
        if let Some(pem) = &self.ssl_truststore_certificates {
            tls = tls.ca_pem(pem);
        }
        if let Some(password) = &self.ssl_truststore_password {
            tls = tls.truststore_password(password.clone());
        }
        if let Some(versions) = &self.ssl_enabled_protocols {
            tls = tls.enabled_protocols(versions.iter().copied());
        }
        match &self.ssl_endpoint_identification_algorithm {
            Some(algorithm) => tls.endpoint_identification(!algorithm.is_empty()),
            None => tls,
        }
    }

    /// Whom to trust, and what to show: to brokers, and to a token endpoint.
    pub(super) fn tls(&self) -> TlsConfig {
        let mut tls = self.authorities();
        if let (Some(certificate), Some(key)) = (&self.ssl_cert_location, &self.ssl_key_location) {
            tls = tls.identity_location(certificate, key);
        }
        if let (Some(chain), Some(key)) = (&self.ssl_keystore_certificate_chain, &self.ssl_keystore_key) {
            tls = tls.identity_pem(chain, key.expose());
        }
        if let Some(path) = &self.ssl_keystore_location {
            tls = tls.keystore_location(path);
        }
        if let Some(password) = &self.ssl_keystore_password {
            tls = tls.keystore_password(password.clone());
        }
        match &self.ssl_key_password {
            Some(password) => tls.key_password(password.clone()),
            None => tls,
        }
    }

    /// Whether anything is encrypted: connections to brokers, or to a token endpoint.
    pub(super) fn uses_tls(&self) -> bool {
        let endpoint = self.sasl_oauthbearer_token_endpoint_url.as_deref();
        let is_https =
            endpoint.is_some_and(|url| url.trim_start().to_ascii_lowercase().starts_with("https:"));
        self.security_protocol.is_tls() || (self.security_protocol.is_sasl() && is_https)
    }
}

fn check_path(variable: &str, path: &Path, may_be_directory: bool) -> Result<(), ConfigError> {
    let problem = match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() || (may_be_directory && metadata.is_dir()) => return Ok(()),
        Ok(_) => "it is not a file".to_owned(),
        Err(error) => error.to_string(),
    };
    let right = format!("expected the path of a PEM file or key store that can be read; {problem}");
    Err(ConfigError::new(ConfigErrorKind::File, variable, right).with_value(path.to_string_lossy()))
}
