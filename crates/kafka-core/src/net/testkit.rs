//! A broker played by the test itself, over streams in memory: it sees each request and answers what it likes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use super::{Address, ByteStream, Connection, Connector, Dialer};
use crate::protocol::messages::api_versions_response::ApiVersion as ApiRange;
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::{
    ApiKey, ApiVersion, Decoder, Encoder, Int16, ReadVersionedType, RequestBody, RequestHeader,
    WriteVersionedType, encode_response,
};
use crate::{Error, ErrorKind, Result};

pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Connects to whoever holds the other end of the channel; refuses when nobody does.
#[derive(Debug)]
pub(crate) struct InMemory {
    accepted: mpsc::UnboundedSender<(Address, Peer)>,
    buffer: usize,
}

impl InMemory {
    pub(crate) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<(Address, Peer)>) {
        Self::with_buffer(64 * 1024)
    }

    pub(crate) fn with_buffer(buffer: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<(Address, Peer)>) {
        let (accepted, incoming) = mpsc::unbounded_channel();
        (Arc::new(Self { accepted, buffer }), incoming)
    }
}

impl Connector for InMemory {
    fn connect<'a>(
        &'a self,
        address: &'a Address,
    ) -> Pin<Box<dyn Future<Output = Result<Box<dyn ByteStream>>> + Send + 'a>> {
        Box::pin(async move {
            let (ours, theirs) = duplex(self.buffer);
            let refused =
                |_| Error::new(ErrorKind::Connect, format!("cannot connect to {address} (refused)"));
            self.accepted.send((address.clone(), Peer(theirs))).map_err(refused)?;
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

/// The broker's end of a connection.
#[derive(Debug)]
pub(crate) struct Peer(pub(crate) DuplexStream);

/// A request as the broker sees it.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) header: RequestHeader,
    frame: Bytes,
}

impl Incoming {
    pub(crate) fn api(&self) -> ApiKey {
        self.header.api_key
    }

    pub(crate) fn body<R: RequestBody + ReadVersionedType<Decoder>>(&self) -> R {
        let mut decoder = Decoder::new(self.frame.clone());
        let header =
            RequestHeader::read(&mut decoder, |_| R::FIRST_TAGGED_FIELD_IN_REQUEST_VERSION.0.0).unwrap();
        R::read_versioned(&mut decoder, ApiVersion(Int16(header.api_version))).unwrap()
    }

    pub(crate) fn answer<R>(&self, response: &R::ResponseBody) -> Vec<u8>
    where
        R: RequestBody<ResponseBody: WriteVersionedType<Encoder>>,
    {
        self.answer_in::<R>(response, self.header.api_version)
    }

    pub(crate) fn answer_in<R>(&self, response: &R::ResponseBody, version: i16) -> Vec<u8>
    where
        R: RequestBody<ResponseBody: WriteVersionedType<Encoder>>,
    {
        encode_response::<R>(response, version, self.header.correlation_id).unwrap().concat()
    }
}

impl Peer {
    /// The next request; `None` when the client has ended the connection.
    pub(crate) async fn next(&mut self) -> Option<Incoming> {
        let size = usize::try_from(self.0.read_i32().await.ok()?).unwrap();
        let mut frame = vec![0; size];
        self.0.read_exact(&mut frame).await.ok()?;
        let frame = Bytes::from(frame);
        let header = RequestHeader::read(&mut Decoder::new(frame.clone()), |_| i16::MAX).unwrap();
        Some(Incoming { header, frame })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn answer<R>(&mut self, request: &Incoming, response: &R::ResponseBody)
    where
        R: RequestBody<ResponseBody: WriteVersionedType<Encoder>>,
    {
        self.write(&request.answer::<R>(response)).await;
    }

    /// Answers the question for versions that starts every connection.
    pub(crate) async fn greet(&mut self) {
        let request = self.next().await.unwrap();
        assert_eq!(request.api(), ApiKey::ApiVersions);
        self.answer::<ApiVersionsRequest>(&request, &all_versions()).await;
    }
}

/// The answer of a broker that speaks everything.
pub(crate) fn all_versions() -> ApiVersionsResponse {
    let range = |api: &ApiKey| ApiRange { api_key: api.code(), min_version: 0, max_version: i16::MAX };
    ApiVersionsResponse { api_keys: ApiKey::ALL.iter().map(range).collect(), ..Default::default() }
}

pub(crate) fn address() -> Address {
    Address::new("broker", 9092)
}

/// A connection that is set up, and the broker's end of it.
pub(crate) async fn connected(configure: impl FnOnce(Dialer) -> Dialer) -> (Connection, Peer) {
    connected_by(InMemory::new(), configure).await
}

pub(crate) async fn connected_by(
    (connector, mut accepted): (Arc<InMemory>, mpsc::UnboundedReceiver<(Address, Peer)>),
    configure: impl FnOnce(Dialer) -> Dialer,
) -> (Connection, Peer) {
    let dialer = configure(Dialer::new("test").with_connector(connector));
    let address = address();
    let (connection, peer) = tokio::join!(dialer.open(&address, LIMIT), async {
        let (_, mut peer) = accepted.recv().await.unwrap();
        peer.greet().await;
        peer
    });
    (connection.unwrap(), peer)
}
