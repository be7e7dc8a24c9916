//! One of the two brokers, as the script talks to it: raw frames over a socket, and what came back.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use kafka_core::protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_core::protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_core::protocol::messages::{
    ListOffsetsRequest, MetadataRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_core::protocol::{
    ApiKey, Encoder, Request, RequestBody, Uuid, WriteVersionedType, decode_response, encode_request,
    encode_response,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::tree::Tree;

/// Only what is stuck takes longer.
const WAIT: Duration = Duration::from_secs(10);
const CORRELATION_ID: i32 = 77;
const CLIENT: &str = "differential";

/// A request of the script.
pub(crate) trait Asked:
    Request + RequestBody<ResponseBody: Debug + Default + Clone + WriteVersionedType<Encoder>> + Debug + Clone
{
}

impl<R> Asked for R where
    R: Request
        + RequestBody<ResponseBody: Debug + Default + Clone + WriteVersionedType<Encoder>>
        + Debug
        + Clone
{
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Answer(Tree),
    /// The broker ended the connection.
    Ended,
    /// It was not answered, and the connection goes on.
    Silence,
}

/// A request of the script, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) api: ApiKey,
    /// The API, its version, and what is special about the request.
    pub(crate) label: String,
    pub(crate) request: String,
    pub(crate) outcome: Outcome,
}

/// One of the two brokers.
#[derive(Debug)]
pub(crate) struct Side {
    address: String,
    /// Where users sign in with a password.
    secured: String,
    /// Who does, if anybody.
    user: Option<[&'static str; 2]>,
    /// Begins all names of this run, on both sides.
    prefix: String,
    connection: Option<TcpStream>,
    pub(crate) exchanges: Vec<Exchange>,
}

/// A request on a connection of its own that was not answered yet.
#[derive(Debug)]
pub(crate) struct Started<R> {
    label: String,
    version: i16,
    request: R,
    connection: TcpStream,
}

impl Side {
    pub(crate) fn new(address: String, secured: String, prefix: String) -> Self {
        Self { address, secured, user: None, prefix, connection: None, exchanges: Vec::new() }
    }

    /// The same broker for who signs in with a password.
    pub(crate) fn signed_in(&self, user: &'static str, password: &'static str) -> Self {
        let side = Self::new(self.secured.clone(), self.secured.clone(), self.prefix.clone());
        Self { user: Some([user, password]), ..side }
    }

    /// The name that only this run has, under what rules speak of.
    pub(crate) fn name_under(&self, start: &str, name: &str) -> String {
        format!("{start}{}", self.name(name))
    }

    /// The name that only this run has.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Sends a request, keeps what came of it, and returns the answer; an empty one, if there was none.
    pub(crate) async fn ask<R: Asked>(&mut self, label: &str, version: i16, request: R) -> R::ResponseBody {
        self.ask_for(label, version, request, |_| {}).await
    }

    /// As [`ask`](Self::ask), in each version that there is.
    pub(crate) async fn ask_each<R: Asked>(&mut self, label: &str, request: impl Fn(i16) -> R) {
        let versions = R::API_VERSION_RANGE;
        for version in versions.min().0.0..=versions.max().0.0 {
            self.ask(label, version, request(version)).await;
        }
    }

    /// As [`ask`](Self::ask), but keeps only the part of the answer that `part` leaves in it.
    pub(crate) async fn ask_for<R: Asked>(
        &mut self,
        label: &str,
        version: i16,
        request: R,
        part: impl Fn(&mut R::ResponseBody),
    ) -> R::ResponseBody {
        let (answer, outcome) = self.call(&request, version, &part).await;
        self.keep(label, version, &request, outcome);
        answer
    }

    /// As [`ask`](Self::ask), again and again until the answer is as it must become; only that one is kept.
    pub(crate) async fn until<R: Asked>(
        &mut self,
        label: &str,
        version: i16,
        request: R,
        done: impl Fn(&R::ResponseBody) -> bool,
    ) -> R::ResponseBody {
        let (answer, outcome) = self.repeat(&request, version, done).await;
        self.keep(label, version, &request, outcome);
        answer
    }

    /// As [`until`](Self::until), without keeping anything: what sets the scene.
    pub(crate) async fn quietly<R: Asked>(
        &mut self,
        version: i16,
        request: R,
        done: impl Fn(&R::ResponseBody) -> bool,
    ) -> R::ResponseBody {
        self.repeat(&request, version, done).await.0
    }

    /// Sends a request on a connection of its own, and waits for nothing.
    pub(crate) async fn start<R: Asked>(&mut self, label: &str, version: i16, request: R) -> Started<R> {
        let mut connection = self.connect().await;
        let frame = frame(&request, version, label);
        connection.write_all(&frame).await.expect("send to the broker");
        // So that requests on different connections arrive in this order.
        sleep(Duration::from_millis(50)).await;
        Started { label: label.to_owned(), version, request, connection }
    }

    /// Waits for the answer to what was started, and keeps it.
    pub(crate) async fn finish<R: Asked>(&mut self, mut started: Started<R>) -> R::ResponseBody {
        let (answer, outcome) = answer::<R>(&mut started.connection, started.version, &|_| {}).await;
        self.keep(&started.label, started.version, &started.request, outcome);
        answer
    }

    /// Sends a request that wants no answer, and sees whether the connection goes on.
    pub(crate) async fn tell<R: Asked>(&mut self, label: &str, version: i16, request: R) {
        let mut connection = self.connect().await;
        connection.write_all(&frame(&request, version, label)).await.expect("send to the broker");
        let outcome = read_to_silence(&mut connection).await;
        self.keep(label, version, &request, outcome);
    }

    /// Sends any bytes as one frame, and keeps the answer's bytes.
    pub(crate) async fn raw(&mut self, api: ApiKey, label: &str, frame: &[u8]) {
        let length = i32::try_from(frame.len()).unwrap();
        self.bytes(api, label, &[&length.to_be_bytes(), frame].concat()).await;
    }

    /// As [`raw`](Self::raw), but keeps only how the answer begins.
    pub(crate) async fn raw_start(&mut self, api: ApiKey, label: &str, frame: &[u8], length: usize) {
        self.raw(api, label, frame).await;
        if let Some(Exchange { outcome: Outcome::Answer(Tree::Leaf(text)), .. }) = self.exchanges.last_mut() {
            let from = text.find('[').unwrap_or_default();
            *text = text[from..].chars().take(1 + length * 4).collect();
        }
    }

    /// Sends any bytes, and keeps the answer's.
    pub(crate) async fn bytes(&mut self, api: ApiKey, label: &str, bytes: &[u8]) {
        let mut connection = self.connect().await;
        let _reset = connection.write_all(bytes).await;
        let outcome = read_to_silence(&mut connection).await;
        let request = format!("{:02x?}", &bytes[..bytes.len().min(200)]);
        let label = format!("{api} {label}");
        self.exchanges.push(Exchange { api, label, request, outcome });
    }

    /// Waits until the broker leads all partitions of a topic, and returns the topic's id.
    pub(crate) async fn topic_id(&mut self, name: &str) -> Uuid {
        let topic = MetadataRequestTopic { name: Some(name.to_owned()), ..Default::default() };
        let request = MetadataRequest {
            topics: Some(vec![topic]),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let led = self
            .quietly(12, request, |answer| {
                let partitions = || answer.topics.iter().flat_map(|topic| &topic.partitions);
                partitions().next().is_some() && partitions().all(|partition| partition.error_code == 0)
            })
            .await;
        let Some(topic) = led.topics.first() else { return Uuid::ZERO };
        // The leader may not know it yet.
        let partitions = topic.partitions.iter().map(|partition| ListOffsetsPartition {
            partition_index: partition.partition_index,
            timestamp: -1,
            ..Default::default()
        });
        let topics = vec![ListOffsetsTopic { name: name.to_owned(), partitions: partitions.collect() }];
        let ends = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
        self.quietly(5, ends, |answer| {
            answer.topics.iter().flat_map(|topic| &topic.partitions).all(|part| part.error_code == 0)
        })
        .await;
        topic.topic_id
    }

    /// A connection that is ready for requests.
    async fn connect(&self) -> TcpStream {
        let mut connection = TcpStream::connect(&self.address).await.expect("connect to the broker");
        if let Some([user, password]) = self.user {
            let handshake = SaslHandshakeRequest { mechanism: "PLAIN".to_owned() };
            connection.write_all(&frame(&handshake, 1, "")).await.expect("send to the broker");
            let (answer, _) = answer::<SaslHandshakeRequest>(&mut connection, 1, &|_| {}).await;
            assert_eq!(answer.error_code, 0, "the mechanism");
            let auth_bytes = format!("\0{user}\0{password}").into_bytes().into();
            let sign_in = SaslAuthenticateRequest { auth_bytes };
            connection.write_all(&frame(&sign_in, 1, "")).await.expect("send to the broker");
            let (answer, outcome) =
                self::answer::<SaslAuthenticateRequest>(&mut connection, 1, &|_| {}).await;
            assert!(answer.error_code == 0 && outcome != Outcome::Ended, "{user} is let in");
        }
        connection
    }

    async fn repeat<R: Asked>(
        &mut self,
        request: &R,
        version: i16,
        done: impl Fn(&R::ResponseBody) -> bool,
    ) -> (R::ResponseBody, Outcome) {
        let started = Instant::now();
        loop {
            let (answer, outcome) = self.call(request, version, &|_| {}).await;
            if done(&answer) || started.elapsed() > WAIT {
                return (answer, outcome);
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn call<R: Asked>(
        &mut self,
        request: &R,
        version: i16,
        part: &impl Fn(&mut R::ResponseBody),
    ) -> (R::ResponseBody, Outcome) {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await,
        };
        connection.write_all(&frame(request, version, "")).await.expect("send to the broker");
        let (answer, outcome) = answer::<R>(&mut connection, version, part).await;
        if matches!(outcome, Outcome::Answer(_)) {
            self.connection = Some(connection);
        }
        (answer, outcome)
    }

    fn keep<R: Asked>(&mut self, label: &str, version: i16, request: &R, outcome: Outcome) {
        let api = ApiKey::of::<R>();
        let label = format!("{api} {version} {label}");
        self.exchanges.push(Exchange { api, label, request: format!("{request:?}"), outcome });
    }
}

fn frame<R: Asked>(request: &R, version: i16, label: &str) -> Vec<u8> {
    let frame = encode_request(request, version, CORRELATION_ID, Some(CLIENT));
    frame.unwrap_or_else(|error| panic!("{label}: {request:?}: {error}")).concat()
}

async fn answer<R: Asked>(
    connection: &mut TcpStream,
    version: i16,
    part: &impl Fn(&mut R::ResponseBody),
) -> (R::ResponseBody, Outcome) {
    let frame = match read_frame(connection).await {
        Ok(Some(frame)) => frame,
        Ok(None) => return (R::ResponseBody::default(), Outcome::Ended),
        Err(_) => return (R::ResponseBody::default(), Outcome::Silence),
    };
    let read = decode_response::<R>(frame.clone(), version);
    let (correlation_id, mut answer) =
        read.unwrap_or_else(|error| panic!("{} {version}: {error}: {frame:?}", ApiKey::of::<R>()));
    assert_eq!(correlation_id, CORRELATION_ID);
    // Nothing may be in it that its schema does not know.
    let written = encode_response::<R>(&answer, version, CORRELATION_ID).expect("an answer can be written");
    let written: usize = written.iter().map(Bytes::len).sum();
    part(&mut answer);
    let mut tree = Tree::parse(&format!("{answer:#?}"));
    if let (Tree::Fields(fields), true) = (&mut tree, written != frame.len() + 4) {
        fields.push(("bytes".to_owned(), Tree::Leaf(format!("{} and not {}", frame.len() + 4, written))));
    }
    (answer, Outcome::Answer(tree))
}

/// The next frame; nothing at the connection's end.
async fn read_frame(connection: &mut TcpStream) -> Result<Option<Bytes>, tokio::time::error::Elapsed> {
    timeout(WAIT, async {
        let length = connection.read_i32().await.ok()?;
        let mut frame = vec![0; usize::try_from(length).expect("a length")];
        connection.read_exact(&mut frame).await.ok()?;
        Some(Bytes::from(frame))
    })
    .await
}

/// What comes within the time in which a broker has answered or ended the connection.
async fn read_to_silence(connection: &mut TcpStream) -> Outcome {
    let mut bytes = [0; 4096];
    match timeout(Duration::from_millis(150), connection.read(&mut bytes)).await {
        Err(_) => Outcome::Silence,
        Ok(Ok(0) | Err(_)) => Outcome::Ended,
        Ok(Ok(length)) => {
            let mut frame = &bytes[..length];
            // The rest depends on what the request was.
            let length = if frame.len() >= 8 { frame.get_i32() } else { 0 };
            Outcome::Answer(Tree::Leaf(format!("{length} bytes: {frame:02x?}")))
        }
    }
}
