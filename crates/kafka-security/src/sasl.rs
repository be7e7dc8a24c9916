use std::fmt;
use std::io::Cursor;

use bytes::Bytes;
use kafka_core::net::{Address, Authenticator, BoxFuture, SaslChannel, Session};
use kafka_core::{Error, ErrorKind, Result};
use rsasl::prelude::{Mechname, SASLClient, SASLConfig};

use crate::{SaslMechanism, Secret};

/// More steps than any mechanism has: a broker that goes on is not talking sense.
const MAX_STEPS: usize = 16;

/// Says who the client is by user name and password: PLAIN, or SCRAM, which never sends the password.
pub struct SaslAuthenticator {
    mechanism: SaslMechanism,
    username: String,
    password: Secret,
}

impl SaslAuthenticator {
    /// Authenticates as `username`; nothing is checked yet.
    pub fn new(mechanism: SaslMechanism, username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { mechanism, username: username.into(), password: password.into() }
    }

    async fn converse(&self, channel: &mut dyn SaslChannel) -> Result<Session> {
        let name = self.mechanism.name();
        channel.handshake(name).await?;
        let failed = |what: &str, error: &dyn fmt::Display| {
            Error::new(ErrorKind::Authentication, format!("SASL {name}: {what}: {error}"))
        };
        let config =
            SASLConfig::with_credentials(None, self.username.clone(), self.password.expose().to_owned())
                .map_err(|error| failed("the credentials cannot be used", &error))?;
        let mechanism =
            Mechname::parse(name.as_bytes()).map_err(|error| failed("not a mechanism", &error))?;
        let mut session = SASLClient::new(config)
            .start_suggested([mechanism].iter())
            .map_err(|error| failed("the mechanism cannot start", &error))?;

        let mut input: Option<Bytes> = None;
        let mut lifetime = None;
        for _ in 0..MAX_STEPS {
            let mut token = Cursor::new(Vec::new());
            let state = session.step(input.as_deref(), &mut token).map_err(|error| {
                failed("the broker's answer does not prove that it knows the password", &error)
            })?;
            // The broker waits for a token whenever the mechanism wrote one, the last step's included.
            if state.has_sent_message() {
                let reply = channel.exchange(token.into_inner().into()).await?;
                lifetime = reply.session_lifetime;
                input = Some(reply.token);
            }
            if state.is_finished() {
                return Ok(Session { lifetime });
            }
        }
        Err(Error::new(ErrorKind::Authentication, format!("SASL {name}: the broker never comes to an end")))
    }
}

impl Authenticator for SaslAuthenticator {
    fn authenticate<'a>(
        &'a self,
        broker: &'a Address,
        channel: &'a mut dyn SaslChannel,
    ) -> BoxFuture<'a, Result<Session>> {
        Box::pin(async move { self.converse(channel).await.map_err(|error| error.with_broker(broker)) })
    }
}

impl fmt::Debug for SaslAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslAuthenticator")
            .field("mechanism", &self.mechanism)
            .field("username", &self.username)
            .field("password", &self.password)
            .finish()
    }
}
