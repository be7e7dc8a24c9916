//! Connections whose certificates or credentials are replaced, with a broker played by the test.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::testkit::*;
use super::*;
use crate::ErrorKind;
use crate::Result;
use crate::protocol::messages::{HeartbeatRequest, HeartbeatResponse};

fn options() -> CallOptions {
    CallOptions::new(LIMIT)
}

fn heartbeat(group: &str) -> impl FnOnce(i16) -> HeartbeatRequest {
    let group_id = group.to_owned();
    move |_| HeartbeatRequest { group_id, ..Default::default() }
}

/// Opens streams that are renewed when the test says so.
#[derive(Debug)]
struct Renewing {
    inner: Arc<InMemory>,
    renewals: watch::Sender<u64>,
}

impl Connector for Renewing {
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        self.inner.connect(address)
    }

    fn open<'a>(&'a self, address: &'a Address, _stage: &'a Stage) -> BoxFuture<'a, Result<Opened>> {
        Box::pin(async move {
            let stream = self.connect(address).await?;
            Ok(Opened { stream, renewals: Some(self.renewals.subscribe()) })
        })
    }
}

/// Signs in by doing nothing.
#[derive(Debug)]
struct Credentials(watch::Sender<u64>);

impl Authenticator for Credentials {
    fn authenticate<'a>(
        &'a self,
        _broker: &'a Address,
        _channel: &'a mut dyn SaslChannel,
    ) -> BoxFuture<'a, Result<Session>> {
        Box::pin(async { Ok(Session::default()) })
    }

    fn renewals(&self) -> Option<watch::Receiver<u64>> {
        Some(self.0.subscribe())
    }
}

async fn open(
    dialer: &Dialer,
    accepted: &mut mpsc::UnboundedReceiver<(Address, Peer)>,
) -> (Connection, Peer) {
    let address = address();
    let (connection, peer) = tokio::join!(dialer.open(&address, LIMIT), async {
        let (_, mut peer) = accepted.recv().await.unwrap();
        peer.greet().await;
        peer
    });
    (connection.unwrap(), peer)
}

async fn until_closed(connection: &Connection) {
    let closed = async {
        while !connection.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, closed).await.expect("the connection learns that it is old");
}

#[tokio::test(start_paused = true)]
async fn a_renewed_connection_is_for_nobody_new_and_still_answers_those_who_have_it() {
    let (inner, mut accepted) = InMemory::new();
    let connector = Arc::new(Renewing { inner, renewals: watch::Sender::new(0) });
    let dialer = Dialer::new("test").with_connector(connector.clone());
    let (connection, mut peer) = open(&dialer, &mut accepted).await;
    let under_way = connection.send(options(), heartbeat("before")).unwrap();

    connector.renewals.send_modify(|generation| *generation += 1);
    until_closed(&connection).await;
    // Who got hold of it just before can still send.
    let late = connection.send(options(), heartbeat("late")).unwrap();
    for (code, answer) in [(1, under_way), (2, late)] {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let request = peer.next().await.unwrap();
        let response = HeartbeatResponse { error_code: code, ..Default::default() };
        peer.answer::<HeartbeatRequest>(&request, &response).await;
        assert_eq!(answer.await.unwrap().error_code, code);
    }
    // Without requests it ends by itself, whoever holds it.
    assert!(timeout(LIMIT, peer.next()).await.unwrap().is_none());
    let refused = connection.send(options(), heartbeat("too late")).unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Disconnected);
    assert!(refused.is_retriable());

    let (next, _peer) = open(&dialer, &mut accepted).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!next.is_closed(), "a connection that was made after the renewal is not old");
}

#[tokio::test(start_paused = true)]
async fn new_credentials_renew_connections_too() {
    let (inner, mut accepted) = InMemory::new();
    let credentials = Arc::new(Credentials(watch::Sender::new(0)));
    let dialer = Dialer::new("test").with_connector(inner).with_authenticator(Some(credentials.clone()));
    let (connection, mut peer) = open(&dialer, &mut accepted).await;
    assert!(!connection.is_closed());
    credentials.0.send_modify(|generation| *generation += 1);
    until_closed(&connection).await;
    assert!(timeout(LIMIT, peer.next()).await.unwrap().is_none());
}

/// A stream whose reading fails with an error of ours, as TLS does when the broker refuses a certificate.
#[derive(Debug)]
struct Refused;

impl AsyncRead for Refused {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other(crate::Error::new(ErrorKind::Tls, "show a certificate"))))
    }
}

#[derive(Debug)]
struct Refusing;

impl Connector for Refusing {
    fn connect<'a>(&'a self, _: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        Box::pin(async { Ok(Box::new(tokio::io::join(Refused, tokio::io::sink())) as Box<dyn ByteStream>) })
    }
}

#[tokio::test]
async fn what_the_stream_knows_of_its_end_is_what_the_caller_learns() {
    let dialer = Dialer::new("test").with_connector(Arc::new(Refusing));
    let error = dialer.open(&address(), LIMIT).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls);
    assert!(error.is_fatal());
    assert!(error.to_string().contains("show a certificate"), "{error}");
}
