use std::sync::Arc;

use kafka_core::cluster::ClientConfig;
use kafka_core::net::{Authenticator, Connector, TcpConnector};
use kafka_core::{Error, ErrorKind, Result};

use crate::{SaslAuthenticator, SaslMechanism, Secret, SecurityProtocol, TlsConfig, TlsConnector};

/// How connections are protected, and who the client is.
#[derive(Clone, Debug)]
pub struct SecurityConfig {
    protocol: SecurityProtocol,
    tls: Option<TlsConfig>,
    credentials: Option<Credentials>,
}

#[derive(Clone, Debug)]
struct Credentials {
    mechanism: SaslMechanism,
    username: String,
    password: Secret,
}

impl SecurityConfig {
    /// Neither encryption nor identity.
    pub fn plaintext() -> Self {
        Self { protocol: SecurityProtocol::Plaintext, tls: None, credentials: None }
    }

    /// TLS; the client shows a certificate if `tls` has one.
    pub fn ssl(tls: TlsConfig) -> Self {
        Self { protocol: SecurityProtocol::Ssl, tls: Some(tls), credentials: None }
    }

    /// SASL over plain TCP: whoever sees the network sees the records, and with PLAIN the password too.
    pub fn sasl_plaintext(
        mechanism: SaslMechanism,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        let credentials = Credentials { mechanism, username: username.into(), password: password.into() };
        Self { protocol: SecurityProtocol::SaslPlaintext, tls: None, credentials: Some(credentials) }
    }

    /// SASL over TLS.
    pub fn sasl_ssl(
        tls: TlsConfig,
        mechanism: SaslMechanism,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        let credentials = Credentials { mechanism, username: username.into(), password: password.into() };
        Self { protocol: SecurityProtocol::SaslSsl, tls: Some(tls), credentials: Some(credentials) }
    }

    /// The protocol.
    pub fn protocol(&self) -> SecurityProtocol {
        self.protocol
    }

    /// Reads the files that the settings name, and has `config`'s connections opened accordingly.
    ///
    /// Socket buffers are taken from `config`: set them first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where a file cannot be read or holds no certificate or key that fits, where a
    /// credential is empty, or where this processor cannot do what the cryptography needs.
    pub fn apply_to(&self, config: &mut ClientConfig) -> Result<()> {
        let tcp = TcpConnector::new()
            .with_send_buffer(config.send_buffer_bytes)
            .with_receive_buffer(config.receive_buffer_bytes);
        config.connector = Some(match &self.tls {
            Some(tls) => Arc::new(TlsConnector::new(tls, tcp)?) as Arc<dyn Connector>,
            None => Arc::new(tcp),
        });
        config.authenticator = match &self.credentials {
            Some(credentials) => Some(self.authenticator(credentials)?),
            None => None,
        };
        Ok(())
    }

    fn authenticator(&self, credentials: &Credentials) -> Result<Arc<dyn Authenticator>> {
        let Credentials { mechanism, username, password } = credentials;
        for (name, value) in [("user name", username.as_str()), ("password", password.expose())] {
            if value.is_empty() {
                let message = format!("SASL {mechanism} needs a {name} that is not empty");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        if *mechanism == SaslMechanism::Plain && !self.protocol.is_tls() {
            tracing::warn!(
                "SASL PLAIN without TLS: the password crosses the network in the clear; use SASL_SSL"
            );
        }
        Ok(Arc::new(SaslAuthenticator::new(*mechanism, username.clone(), password.clone())))
    }
}
