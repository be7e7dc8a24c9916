//! The mechanisms themselves, which are `rsasl`'s. Only this file names it.

use std::fmt;
use std::io::Write;

use bytes::Bytes;
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::prelude::{Mechname, SASLClient, SASLConfig, Session as Mechanism, SessionError};
use rsasl::property::{AuthId, OAuthBearerKV, OAuthBearerToken, Password};
use zeroize::Zeroizing;

use super::Credentials;
use super::oauth::Token;
use crate::SaslMechanism;

/// What a mechanism is given.
pub(super) enum Shown {
    Credentials(Credentials),
    Token(Token),
}

/// A conversation from the client's side.
pub(super) struct RsaslSession(Mechanism);

/// What to do after a step.
pub(super) struct Step {
    /// What the broker waits for, if anything.
    pub(super) send: Option<Bytes>,
    pub(super) is_finished: bool,
}

impl RsaslSession {
    pub(super) fn start(mechanism: SaslMechanism, shown: Shown) -> Result<Self, String> {
        let words = |error: &dyn fmt::Display| format!("the mechanism cannot start: {error}");
        let config = SASLConfig::builder()
            .with_default_mechanisms()
            .with_callback(shown)
            .map_err(|error| words(&error))?;
        let name = Mechname::parse(mechanism.name().as_bytes()).map_err(|error| words(&error))?;
        SASLClient::new(config).start_suggested([name].iter()).map(Self).map_err(|error| words(&error))
    }

    /// Answers `input`, the broker's last message. With SCRAM this may take a while of pure computing.
    pub(super) fn step(&mut self, input: Option<&[u8]>) -> Result<Step, String> {
        // Wiped once it is sent: with PLAIN and OAUTHBEARER the secret itself is in it.
        let mut out = Wiped(Zeroizing::new(Vec::with_capacity(4_096)));
        let state = self.0.step(input, &mut out).map_err(|error| error.to_string())?;
        let send = state.has_sent_message().then(|| Bytes::from_owner(out.0));
        Ok(Step { send, is_finished: state.is_finished() })
    }
}

/// Bytes that leave nothing behind in memory, growing included.
struct Wiped(Zeroizing<Vec<u8>>);

impl Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity((self.0.len() + bytes.len()) * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl SessionCallback for Shown {
    fn callback(
        &self,
        _: &SessionData,
        _: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        match self {
            Self::Credentials(Credentials { username, password }) => {
                request.satisfy::<AuthId>(username)?.satisfy::<Password>(password.expose().as_bytes())?;
            }
            Self::Token(token) => {
                let extensions: Vec<_> =
                    token.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                request
                    .satisfy::<OAuthBearerToken>(token.value.expose())?
                    .satisfy::<OAuthBearerKV>(&extensions)?;
            }
        }
        Ok(())
    }
}
