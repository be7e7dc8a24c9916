use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::{Address, BoxFuture};
use crate::Result;

/// Proves to a broker who the client is, over a connection that has just been opened, and again before its session ends
/// (KIP-368).
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Talks SASL to `broker` through `channel` until it accepts.
    ///
    /// # Errors
    /// [`Authentication`](crate::ErrorKind::Authentication) if the broker refuses; that is final and never retried.
    fn authenticate<'a>(
        &'a self,
        broker: &'a Address,
        channel: &'a mut dyn SaslChannel,
    ) -> BoxFuture<'a, Result<Session>>;

    /// Changes when there are newer credentials than the present ones: then connections are renewed, each once nobody waits
    /// for an answer on it. `None` if they never change, or if the next re-authentication is early enough.
    fn renewals(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}

/// What a SASL conversation needs of a connection: Kafka's two requests for it, and no more.
pub trait SaslChannel: Send {
    /// Sends `SaslHandshake` v1 and returns the mechanisms that the broker has enabled; the error names them where
    /// `mechanism` is not among them.
    fn handshake<'a>(&'a mut self, mechanism: &'a str) -> BoxFuture<'a, Result<Vec<String>>>;

    /// Sends `SaslAuthenticate` with `token` and returns the broker's answer.
    fn exchange(&mut self, token: Bytes) -> BoxFuture<'_, Result<SaslReply>>;
}

/// A broker's answer within a SASL conversation.
#[derive(Clone, Debug)]
pub struct SaslReply {
    /// The mechanism's bytes from the broker.
    pub token: Bytes,
    /// How long the session lasts once the conversation is complete; `None` if without limit.
    pub session_lifetime: Option<Duration>,
}

/// What a finished conversation gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// After this time the broker closes the connection unless the client has authenticated again (KIP-368).
    pub lifetime: Option<Duration>,
}
