//! Authenticating over a new connection and over one in use.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::testkit::*;
use super::*;
use crate::protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use crate::protocol::{ApiKey, ErrorCode};
use crate::{ErrorKind, Result};

/// Says its name once.
#[derive(Debug)]
struct Plain;

impl Authenticator for Plain {
    fn authenticate<'a>(
        &'a self,
        _: &'a Address,
        channel: &'a mut dyn SaslChannel,
    ) -> Pin<Box<dyn Future<Output = Result<Session>> + Send + 'a>> {
        Box::pin(async move {
            channel.handshake("PLAIN").await?;
            let reply = channel.exchange(Bytes::from_static(b"it is me")).await?;
            Ok(Session { lifetime: reply.session_lifetime })
        })
    }
}

fn authenticating(dialer: Dialer) -> Dialer {
    dialer.with_authenticator(Some(Arc::new(Plain)))
}

async fn handshake(peer: &mut Peer, code: ErrorCode) {
    let request = peer.next().await.unwrap();
    assert_eq!((request.api(), request.header.api_version), (ApiKey::SaslHandshake, 1));
    assert_eq!(request.body::<SaslHandshakeRequest>().mechanism, "PLAIN");
    let mechanisms = vec!["PLAIN".to_owned(), "SCRAM-SHA-512".to_owned()];
    peer.answer::<SaslHandshakeRequest>(&request, &SaslHandshakeResponse { error_code: code.0, mechanisms })
        .await;
}

async fn authenticate(peer: &mut Peer, response: &SaslAuthenticateResponse) {
    let request = peer.next().await.unwrap();
    assert_eq!(request.body::<SaslAuthenticateRequest>().auth_bytes, "it is me");
    peer.answer::<SaslAuthenticateRequest>(&request, response).await;
}

fn welcome(session_lifetime_ms: i64) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse { session_lifetime_ms, ..Default::default() }
}

/// Opens a connection against `broker`, which sees it after the versions are told.
async fn open(broker: impl AsyncFnOnce(&mut Peer)) -> (Result<Connection>, Peer) {
    let (connector, mut accepted) = InMemory::new();
    let dialer = authenticating(Dialer::new("test").with_connector(connector));
    let address = address();
    tokio::join!(dialer.open(&address, LIMIT), async {
        let (_, mut peer) = accepted.recv().await.unwrap();
        peer.greet().await;
        broker(&mut peer).await;
        peer
    })
}

#[tokio::test]
async fn a_refusal_carries_the_brokers_words_and_is_fatal() {
    let (refused, _peer) = open(async |peer| {
        handshake(peer, ErrorCode::NONE).await;
        let no = SaslAuthenticateResponse {
            error_code: ErrorCode::SASL_AUTHENTICATION_FAILED.0,
            error_message: Some("who is that".to_owned()),
            ..Default::default()
        };
        authenticate(peer, &no).await;
    })
    .await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Authentication);
    assert!(error.is_fatal() && error.to_string().contains("PLAIN failed: who is that"), "{error}");
}

#[tokio::test]
async fn a_mechanism_that_is_not_enabled_is_named_with_those_that_are() {
    let (refused, _peer) =
        open(async |peer| handshake(peer, ErrorCode::UNSUPPORTED_SASL_MECHANISM).await).await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Authentication);
    assert!(error.to_string().contains("PLAIN; it offers PLAIN, SCRAM-SHA-512"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_on_the_live_connection_while_requests_wait() {
    let (connection, mut peer) = open(async |peer| {
        handshake(peer, ErrorCode::NONE).await;
        authenticate(peer, &welcome(10_000)).await;
    })
    .await;
    let connection = connection.unwrap();
    let opened = Instant::now();
    let request = peer.next().await.unwrap();
    let after = opened.elapsed();
    assert!(Duration::from_millis(8_400) < after && after < Duration::from_millis(9_600), "{after:?}");
    assert_eq!(request.api(), ApiKey::SaslHandshake);

    // A request in the middle of it is held back, and goes out when it is done.
    let options = CallOptions::new(Duration::from_secs(5));
    let waiting = connection.send(options, |_| HeartbeatRequest::default()).unwrap();
    sleep(Duration::from_millis(100)).await;
    peer.answer::<SaslHandshakeRequest>(&request, &SaslHandshakeResponse::default()).await;
    authenticate(&mut peer, &welcome(0)).await;
    let request = peer.next().await.unwrap();
    assert_eq!(request.api(), ApiKey::Heartbeat);
    peer.answer::<HeartbeatRequest>(&request, &HeartbeatResponse::default()).await;
    waiting.await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert!(!connection.is_closed(), "a session without limit needs no renewal");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_renewed_ends_the_connection_with_the_reason() {
    let (connection, mut peer) = open(async |peer| {
        handshake(peer, ErrorCode::NONE).await;
        authenticate(peer, &welcome(1_000)).await;
    })
    .await;
    let connection = connection.unwrap();
    handshake(&mut peer, ErrorCode::UNSUPPORTED_SASL_MECHANISM).await;
    assert!(peer.next().await.is_none());
    let options = CallOptions::new(Duration::from_secs(5));
    let error = connection.send(options, |_| HeartbeatRequest::default()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Authentication, "{error}");
}
