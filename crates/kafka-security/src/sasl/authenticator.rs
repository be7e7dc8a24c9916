use bytes::Bytes;
use kafka_core::net::{Address, Authenticator, BoxFuture, SaslChannel, Session};
use kafka_core::{Error, ErrorKind, Result};

use super::login::{Source, check_credentials};
use super::oauth::challenge;
use super::rsasl_session::{RsaslSession, Shown, Step};
use super::{SaslLogin, scram};
use crate::{SaslMechanism, Secret};

/// More steps than any mechanism has: a broker that goes on is not talking sense.
const MAX_STEPS: usize = 16;

/// Says who the client is: by PLAIN, by SCRAM, which never sends the password, or by OAUTHBEARER.
#[derive(Debug)]
pub struct SaslAuthenticator {
    login: SaslLogin,
}

impl SaslAuthenticator {
    /// Authenticates as `username`; nothing is checked yet.
    pub fn new(mechanism: SaslMechanism, username: impl Into<String>, password: impl Into<Secret>) -> Self {
        SaslLogin::with_password(mechanism, username, password).into()
    }

    fn name(&self) -> &'static str {
        self.login.mechanism().name()
    }

    fn refused(&self, problem: &str) -> Error {
        Error::new(ErrorKind::Authentication, format!("SASL {}: {problem}", self.name()))
    }

    /// What to show this time. Asked for first, since the broker takes nothing else once the mechanism is named.
    async fn shown(&self) -> Result<Shown> {
        self.login.check()?;
        let credentials = match &self.login.source {
            Source::Fixed(credentials) => credentials.clone(),
            Source::Provider(provider) => provider.credentials().await?,
            Source::Tokens(cache) => return Ok(Shown::Token(cache.token().await?)),
        };
        check_credentials(self.login.mechanism(), &credentials)?;
        Ok(Shown::Credentials(credentials))
    }

    async fn converse(&self, channel: &mut dyn SaslChannel) -> Result<Session> {
        let shown = self.shown().await?;
        channel.handshake(self.name()).await?;
        let mut mechanism =
            RsaslSession::start(self.login.mechanism(), shown).map_err(|problem| self.refused(&problem))?;
        let mut input: Option<Bytes> = None;
        let mut lifetime = None;
        for _ in 0..MAX_STEPS {
            let step;
            (mechanism, step) = self.step(mechanism, input.take()).await?;
            // The broker waits for a token whenever the mechanism wrote one, the last step's included.
            if let Some(token) = step.send {
                let reply = channel.exchange(token).await?;
                lifetime = reply.session_lifetime;
                if self.login.mechanism() == SaslMechanism::OAuthBearer && !reply.token.is_empty() {
                    return Err(self.challenged(&reply.token, channel).await);
                }
                input = Some(reply.token);
            }
            if step.is_finished {
                return Ok(Session { lifetime });
            }
        }
        Err(self.refused("the broker never comes to an end"))
    }

    async fn step(&self, mut mechanism: RsaslSession, input: Option<Bytes>) -> Result<(RsaslSession, Step)> {
        let is_scram =
            matches!(self.login.mechanism(), SaslMechanism::ScramSha256 | SaslMechanism::ScramSha512);
        let Some(input) = input.filter(|_| is_scram) else {
            let step = mechanism.step(None).map_err(|problem| self.refused(&problem))?;
            return Ok((mechanism, step));
        };
        scram::check_server_first(&input).map_err(|problem| self.refused(&problem))?;
        // Thousands of hashes would hold up other tasks, heartbeats among them.
        let hashing = tokio::task::spawn_blocking(move || {
            let step = mechanism.step(Some(&input));
            (mechanism, step)
        });
        let (mechanism, step) =
            hashing.await.map_err(|error| Error::new(ErrorKind::Closed, error.to_string()))?;
        let step = step.map_err(|problem| {
            self.refused(&format!("the broker's answer does not prove that it knows the password: {problem}"))
        })?;
        Ok((mechanism, step))
    }

    /// The broker said what is wrong with the token. It wants that acknowledged before it ends the conversation.
    async fn challenged(&self, message: &[u8], channel: &mut dyn SaslChannel) -> Error {
        let problem = format!("the broker refuses the token: {}", challenge::describe(message));
        match channel.exchange(Bytes::from_static(challenge::ACKNOWLEDGEMENT)).await {
            Err(error) if *error.kind() == ErrorKind::Authentication => {
                self.refused(&format!("{problem}; {}", error.message()))
            }
            _ => self.refused(&problem),
        }
    }
}

impl From<SaslLogin> for SaslAuthenticator {
    fn from(login: SaslLogin) -> Self {
        Self { login }
    }
}

impl Authenticator for SaslAuthenticator {
    fn authenticate<'a>(
        &'a self,
        broker: &'a Address,
        channel: &'a mut dyn SaslChannel,
    ) -> BoxFuture<'a, Result<Session>> {
        Box::pin(async move {
            self.converse(channel).await.map_err(|error| match error.broker() {
                Some(_) => error,
                None => error.with_broker(broker),
            })
        })
    }
}
