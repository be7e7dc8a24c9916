use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_core::Result;
use kafka_core::cluster::ClientConfig;
use kafka_core::net::{Authenticator, Connector, TcpConnector};

use crate::{SaslAuthenticator, SaslLogin, SaslMechanism, Secret, SecurityProtocol, TlsConfig, TlsConnector};

/// How connections are protected, and who the client is.
#[derive(Clone, Debug)]
pub struct SecurityConfig {
    protocol: SecurityProtocol,
    tls: Option<TlsConfig>,
    login: Option<SaslLogin>,
}

impl SecurityConfig {
    /// Neither encryption nor identity.
    pub fn plaintext() -> Self {
        Self { protocol: SecurityProtocol::Plaintext, tls: None, login: None }
    }

    /// TLS; the client shows a certificate if `tls` has one.
    pub fn ssl(tls: TlsConfig) -> Self {
        Self { protocol: SecurityProtocol::Ssl, tls: Some(tls), login: None }
    }

    /// SASL with user and password over plain TCP: whoever sees the network sees the records, and with PLAIN the
    /// password too.
    pub fn sasl_plaintext(
        mechanism: SaslMechanism,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self::sasl_plaintext_as(SaslLogin::with_password(mechanism, username, password))
    }

    /// SASL over plain TCP: whoever sees the network sees the records, and with PLAIN the password and with
    /// OAUTHBEARER the token too.
    pub fn sasl_plaintext_as(login: SaslLogin) -> Self {
        Self { protocol: SecurityProtocol::SaslPlaintext, tls: None, login: Some(login) }
    }

    /// SASL with user and password over TLS.
    pub fn sasl_ssl(
        tls: TlsConfig,
        mechanism: SaslMechanism,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self::sasl_ssl_as(tls, SaslLogin::with_password(mechanism, username, password))
    }

    /// SASL over TLS.
    pub fn sasl_ssl_as(tls: TlsConfig, login: SaslLogin) -> Self {
        Self { protocol: SecurityProtocol::SaslSsl, tls: Some(tls), login: Some(login) }
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
    /// [`InvalidInput`](kafka_core::ErrorKind::InvalidInput) where a file cannot be read or holds no certificate or key that fits, where a
    /// credential is empty, or where this processor cannot do what the cryptography needs.
    pub fn apply_to(&self, config: &mut ClientConfig) -> Result<()> {
        let tcp = TcpConnector::new()
            .with_send_buffer(config.send_buffer_bytes)
            .with_receive_buffer(config.receive_buffer_bytes);
        config.connector = Some(match &self.tls {
            Some(tls) => Arc::new(TlsConnector::new(tls, tcp)?) as Arc<dyn Connector>,
            None => Arc::new(tcp),
        });
        config.authenticator = match &self.login {
            Some(login) => Some(self.authenticator(login)?),
            None => None,
        };
        Ok(())
    }

    fn authenticator(&self, login: &SaslLogin) -> Result<Arc<dyn Authenticator>> {
        login.check()?;
        if !self.protocol.is_tls() {
            warn_of_clear_text(login.mechanism());
        }
        Ok(Arc::new(SaslAuthenticator::from(login.clone())))
    }
}

/// Once in a process for each mechanism, however many clients it has.
fn warn_of_clear_text(mechanism: SaslMechanism) {
    static OF_PASSWORDS: AtomicBool = AtomicBool::new(false);
    static OF_TOKENS: AtomicBool = AtomicBool::new(false);
    let (secret, is_told) = match mechanism {
        SaslMechanism::Plain => ("password", &OF_PASSWORDS),
        SaslMechanism::OAuthBearer => ("token", &OF_TOKENS),
        _ => return,
    };
    if !is_told.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "SASL {mechanism} without TLS: the {secret} crosses the network in the clear; use SASL_SSL"
        );
    }
}
