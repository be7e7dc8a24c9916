//! SASL over a connection that is set up or in use (KIP-152, KIP-368).

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::connection::Handle;
use super::{Authenticator, BoxFuture, Connection, SaslChannel, SaslReply};
use crate::protocol::ErrorCode;
use crate::protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use crate::{Error, ErrorKind, Result};

/// `SaslHandshake` version 1 says that tokens travel in `SaslAuthenticate` requests.
const HANDSHAKE_VERSION: i16 = 1;

/// A session that is younger than this is not renewed by any broker.
const LEAST_AGE: Duration = Duration::from_millis(1_100);

/// Kafka's two SASL requests, sent ahead of all others.
pub(super) struct Channel<'a> {
    connection: &'a Connection,
    timeout: Duration,
    mechanism: String,
}

impl<'a> Channel<'a> {
    pub(super) fn new(connection: &'a Connection, timeout: Duration) -> Self {
        Self { connection, timeout, mechanism: String::new() }
    }

    fn refused(&self, message: String) -> Error {
        Error::new(ErrorKind::Authentication, message).with_broker(self.connection.address())
    }
}

impl SaslChannel for Channel<'_> {
    fn handshake<'a>(&'a mut self, mechanism: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            mechanism.clone_into(&mut self.mechanism);
            let request = SaslHandshakeRequest { mechanism: mechanism.to_owned() };
            let answer = self.connection.call_first(&request, HANDSHAKE_VERSION, self.timeout).await?;
            let response = self.connection.decode::<SaslHandshakeRequest>(answer, HANDSHAKE_VERSION)?;
            match ErrorCode(response.error_code) {
                ErrorCode::NONE => Ok(response.mechanisms),
                ErrorCode::UNSUPPORTED_SASL_MECHANISM => Err(self.refused(format!(
                    "the broker does not accept the SASL mechanism {mechanism}; it offers {}",
                    response.mechanisms.join(", ")
                ))),
                ErrorCode::ILLEGAL_SASL_STATE => Err(self.refused(
                    "this listener does not ask for SASL: `security.protocol` should be PLAINTEXT or SSL"
                        .to_owned(),
                )),
                code => Err(Error::from_code(code).with_broker(self.connection.address())),
            }
        })
    }

    fn exchange(&mut self, token: Bytes) -> BoxFuture<'_, Result<SaslReply>> {
        Box::pin(async move {
            let version = self.connection.api_versions().negotiate::<SaslAuthenticateRequest>(None)?;
            let request = SaslAuthenticateRequest { auth_bytes: token };
            let answer = self.connection.call_first(&request, version, self.timeout).await?;
            let response = self.connection.decode::<SaslAuthenticateRequest>(answer, version)?;
            match ErrorCode(response.error_code) {
                ErrorCode::NONE => {
                    let lifetime = u64::try_from(response.session_lifetime_ms).unwrap_or(0);
                    Ok(SaslReply {
                        token: response.auth_bytes,
                        session_lifetime: (lifetime > 0).then(|| Duration::from_millis(lifetime)),
                    })
                }
                code => {
                    let words = response.error_message.unwrap_or_else(|| code.description().to_owned());
                    Err(self.refused(format!("authentication with {} failed: {words}", self.mechanism)))
                }
            }
        })
    }
}

/// Authenticates again before each session's end, for as long as the connection lives.
///
/// Other requests wait meanwhile: between the handshake and the last token a broker takes nothing else.
pub(super) fn keep_authenticated(
    connection: &Connection,
    authenticator: Arc<dyn Authenticator>,
    lifetime: Duration,
    timeout: Duration,
) -> impl Future<Output = ()> + Send + 'static {
    let handle: Weak<Handle> = Arc::downgrade(&connection.handle);
    async move {
        let mut lifetime = Some(lifetime);
        while let Some(session) = lifetime {
            // Java's share: late enough to be rare, early enough for a slow identity provider.
            let share = session.mul_f64(0.85 + 0.1 * fastrand::f64());
            tokio::select! {
                () = sleep(share.max(LEAST_AGE)) => {}
                () = ended(&handle) => return,
            }
            let Some(handle) = handle.upgrade() else {
                return;
            };
            let connection = Connection { handle };
            if connection.handle.shared.has_ended() {
                return;
            }
            connection.hold(true);
            let mut channel = Channel::new(&connection, timeout);
            match authenticator.authenticate(connection.address(), &mut channel).await {
                Ok(session) => {
                    debug!(broker = %connection.address(), "authenticated again");
                    connection.hold(false);
                    lifetime = session.lifetime;
                }
                Err(error) => {
                    warn!(broker = %connection.address(), %error, "authenticating again failed");
                    connection.close(error);
                    return;
                }
            }
        }
    }
}

/// Waits until the connection is gone, so that this task does not outlive it for the rest of a session.
async fn ended(handle: &Weak<Handle>) {
    let shared = match handle.upgrade() {
        Some(handle) => handle.shared.clone(),
        None => return,
    };
    shared.ended().await;
}
