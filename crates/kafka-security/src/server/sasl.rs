use crate::SaslMechanism;

use super::scram::ScramServer;
use super::{ScramCredential, oauth, plain};

/// What a broker knows of its users.
pub trait SaslUsers {
    /// A user's password, for PLAIN.
    fn password(&self, user: &str) -> Option<&str>;

    /// What is kept of a user's password, for SCRAM.
    fn scram(&self, mechanism: SaslMechanism, user: &str) -> Option<ScramCredential>;

    /// Whose token it is, for OAUTHBEARER.
    ///
    /// # Errors
    /// The status that the client is told, such as `invalid_token`.
    fn token(&self, token: &str) -> Result<SignedIn, String>;
}

/// Who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedIn {
    /// The user.
    pub user: String,
    /// When what was shown is no longer good, in milliseconds since 1970.
    pub expires_at: Option<i64>,
}

impl SignedIn {
    /// A user whose credentials do not expire.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into(), expires_at: None }
    }

    /// Until when what was shown is good, in milliseconds since 1970.
    #[must_use]
    pub fn until(mut self, expires_at: i64) -> Self {
        self.expires_at = Some(expires_at);
        self
    }
}

/// What comes of one message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaslStep {
    /// What the client is to get.
    pub token: Vec<u8>,
    /// Who it is, if that is clear now.
    pub signed_in: Option<SignedIn>,
}

impl SaslStep {
    pub(super) fn goes_on(token: Vec<u8>) -> Self {
        Self { token, signed_in: None }
    }

    pub(super) fn ends(token: Vec<u8>, signed_in: SignedIn) -> Self {
        Self { token, signed_in: Some(signed_in) }
    }
}

/// Why a client may not come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaslRefusal {
    /// In words that the client is told.
    Told(String),
    /// For a reason that would say too much, of which users exist for one.
    Untold(String),
}

/// One sign-in, from the broker's side.
#[derive(Debug)]
pub struct SaslServer {
    mechanism: SaslMechanism,
    state: State,
}

#[derive(Debug)]
enum State {
    Plain,
    Scram(ScramServer),
    /// What the last token was refused with, if one was.
    OAuth(Option<String>),
}

impl SaslServer {
    /// A sign-in by `mechanism`. `nonce` is the server's part of SCRAM's: printable, without commas, and never the same.
    pub fn new(mechanism: SaslMechanism, nonce: impl Into<String>) -> Self {
        let state = match mechanism {
            SaslMechanism::Plain => State::Plain,
            SaslMechanism::OAuthBearer => State::OAuth(None),
            SaslMechanism::ScramSha256 | SaslMechanism::ScramSha512 => {
                State::Scram(ScramServer::new(mechanism, nonce.into()))
            }
        };
        Self { mechanism, state }
    }

    /// The mechanism.
    pub fn mechanism(&self) -> SaslMechanism {
        self.mechanism
    }

    /// Takes the client's next message.
    ///
    /// # Errors
    /// [`SaslRefusal`]; the conversation is over.
    pub fn step(&mut self, message: &[u8], users: &dyn SaslUsers) -> Result<SaslStep, SaslRefusal> {
        match &mut self.state {
            State::Plain => plain::sign_in(message, users),
            State::Scram(scram) => scram.step(message, users),
            State::OAuth(refused) => oauth::sign_in(message, refused, users),
        }
    }
}
