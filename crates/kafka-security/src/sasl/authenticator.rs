use std::time::Duration;

use bytes::Bytes;
use kafka_core::net::{Address, Authenticator, BoxFuture, SaslChannel, Session};
use kafka_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use super::login::{Source, check_credentials};
use super::oauth::challenge;
use super::rsasl_session::{RsaslSession, Shown, Step};
use super::{SaslLogin, scram};
use crate::{SaslMechanism, Secret};

/// More steps than any mechanism has: a broker that goes on is not talking sense.
const MAX_STEPS: usize = 16;

/// For how long credentials that are changing may be refused.
const CHANGING: Duration = Duration::from_secs(30);

/// Says who the client is: by PLAIN, by SCRAM, which never sends the password, or by OAUTHBEARER.
///
/// A refusal is final. There is one exception: credentials that come from a file or a callback, and were accepted before,
/// may just be changing at the broker and here, which never happens at the same moment. Their refusal is one that passes
/// for 30 seconds.
#[derive(Debug)]
pub struct SaslAuthenticator {
    login: SaslLogin,
    history: Mutex<History>,
}

/// What brokers have said to this login so far.
#[derive(Debug, Default)]
struct History {
    was_accepted: bool,
    /// Since when they only refuse.
    refused_since: Option<Instant>,
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
        scram::check_message(&input).map_err(|problem| self.refused(&problem))?;
        // Thousands of hashes would hold up other tasks, heartbeats among them.
        let hashing = tokio::task::spawn_blocking(move || {
            let step = mechanism.step(Some(&input));
            (mechanism, step)
        });
        let (mechanism, step) =
            hashing.await.map_err(|error| self.refused(&format!("the mechanism gave up: {error}")))?;
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

impl SaslAuthenticator {
    /// Tells credentials that are changing from such that are wrong.
    fn judge(&self, outcome: Result<Session>) -> Result<Session> {
        if !matches!(self.login.source, Source::Provider(_)) {
            return outcome;
        }
        let mut history = self.history.lock();
        match outcome {
            Ok(session) => {
                *history = History { was_accepted: true, refused_since: None };
                Ok(session)
            }
            Err(error) if *error.kind() == ErrorKind::Authentication && history.was_accepted => {
                let since = *history.refused_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= CHANGING {
                    return Err(error);
                }
                let message = format!(
                    "{}; credentials of this login were accepted before, so they may be changing just now: it is tried \
                     again for up to {CHANGING:?}",
                    error.message()
                );
                Err(Error::new(ErrorKind::Connect, message).with_source(error))
            }
            Err(error) => Err(error),
        }
    }
}

impl From<SaslLogin> for SaslAuthenticator {
    fn from(login: SaslLogin) -> Self {
        Self { login, history: Mutex::default() }
    }
}

impl Authenticator for SaslAuthenticator {
    fn authenticate<'a>(
        &'a self,
        broker: &'a Address,
        channel: &'a mut dyn SaslChannel,
    ) -> BoxFuture<'a, Result<Session>> {
        Box::pin(async move {
            let outcome = self.converse(channel).await;
            self.judge(outcome).map_err(|error| match error.broker() {
                Some(_) => error,
                None => error.with_broker(broker),
            })
        })
    }

    fn renewals(&self) -> Option<watch::Receiver<u64>> {
        match &self.login.source {
            Source::Provider(provider) => provider.renewals(),
            Source::Fixed(_) | Source::Tokens(_) => None,
        }
    }
}
