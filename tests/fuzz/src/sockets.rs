//! Embedded brokers on real sockets: some clients send anything, and another one works.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::messages::{ApiVersionsRequest, ProduceRequest};
use kafka_core::protocol::{ApiKey, ErrorCode, Uuid, encode_request};
use kafka_core::records::{BatchBuilder, Compression, Compressor, NO_HEADERS, ProducerStamp};
use kafka_embedded::fuzzing::can_read;
use kafka_embedded::{EmbeddedCluster, ListenerConfig, security::SaslMechanism};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::round::Figures;
use crate::{RequestKind, Requests};

/// Only what is stuck takes longer.
const WAIT: Duration = Duration::from_secs(60);
/// How many connections that never send the rest of a request are open at once.
const SILENT: usize = 32;

/// What a hostile client sees.
struct Door {
    open: String,
    sasl: String,
    largest: i32,
}

/// One round: every API in every version, each broken in some ways, and what is no request at all.
pub(crate) fn run(seed: u64, figures: &mut Figures) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(round(seed, figures))
}

async fn round(seed: u64, figures: &mut Figures) -> Result<(), String> {
    let builder = EmbeddedCluster::builder().seed(seed).topic("good", 1).topic("t", 3).max_bytes(16 << 20);
    let listeners = builder
        .listener(ListenerConfig::plaintext())
        .listener(ListenerConfig::sasl_plaintext([SaslMechanism::Plain, SaslMechanism::ScramSha256]))
        .user("alice", "secret");
    let cluster = listeners.start().await.map_err(|error| error.to_string())?;
    let door = Door {
        open: cluster.bootstrap_servers().remove(0),
        sasl: cluster.listener("SASL_PLAINTEXT").remove(0),
        largest: 100 << 20,
    };
    let good = cluster.topic("good").ok_or("the topic is there")?.id;
    let known = cluster.topic("t").ok_or("the topic is there")?.id;
    let worker = Worker::start(&door.open, good);
    let mut hostile = Hostile { door, figures, requests: Requests::new(seed, &["t", "g", "x"], vec![known]) };
    hostile.lengths().await?;
    hostile.protocols().await?;
    let silent = hostile.silent().await?;
    hostile.requests().await?;
    hostile.byte_by_byte().await?;
    drop(silent);
    let acknowledged = worker.finish().await?;
    let written = cluster.end_offsets("good").ok_or("the topic is there")?;
    if u64::try_from(written[0]) != Ok(acknowledged) {
        return Err(format!("{acknowledged} records were acknowledged, and {} are there", written[0]));
    }
    Ok(())
}

/// Writes one record after the other all the while.
struct Worker {
    done: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Result<(), String>>,
}

impl Worker {
    fn start(server: &str, topic: Uuid) -> Self {
        let (done, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let work = work(server.to_owned(), topic, Arc::clone(&done), Arc::clone(&acknowledged));
        Self { task: tokio::spawn(work), done, acknowledged }
    }

    async fn finish(self) -> Result<u64, String> {
        self.done.store(true, Ordering::Relaxed);
        self.task.await.map_err(|error| error.to_string())??;
        match self.acknowledged.load(Ordering::Relaxed) {
            few @ ..10 => Err(format!("only {few} records came through")),
            acknowledged => Ok(acknowledged),
        }
    }
}

async fn work(
    server: String,
    topic: Uuid,
    done: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
) -> Result<(), String> {
    let address = server.parse().map_err(|_| "an address")?;
    let client = Client::new(ClientConfig::new([address])).map_err(|error| error.to_string())?;
    while !done.load(Ordering::Relaxed) {
        let request = one_record(topic);
        let answer = client.call_controller(CallOptions::new(WAIT), |_| request.clone(), |_| ErrorCode::NONE);
        let answer = answer.await.map_err(|error| format!("a client that works: {error}"))?;
        let code = ErrorCode(answer.responses[0].partition_responses[0].error_code);
        if code != ErrorCode::NONE {
            return Err(format!("a client that works: {code}"));
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

fn one_record(topic: Uuid) -> ProduceRequest {
    let mut builder = BatchBuilder::with_capacity(100);
    builder.append(0, None, Some(b"good"), NO_HEADERS).unwrap();
    let batch = builder.finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE).unwrap();
    let partition_data = vec![PartitionProduceData { index: 0, records: Some(batch.bytes()) }];
    let topic = TopicProduceData { topic_id: topic, partition_data, ..Default::default() };
    ProduceRequest { acks: -1, timeout_ms: 1000, topic_data: vec![topic], ..Default::default() }
}

struct Hostile<'a> {
    door: Door,
    figures: &'a mut Figures,
    requests: Requests,
}

impl Hostile<'_> {
    async fn connect(&mut self, address: &str) -> Result<TcpStream, String> {
        self.figures.executions += 1;
        TcpStream::connect(address).await.map_err(|error| format!("{address}: {error}"))
    }

    /// The broker ends the connection, whatever it may have answered before.
    async fn ends(&self, mut stream: TcpStream, what: &str) -> Result<(), String> {
        let mut answers = Vec::new();
        match timeout(WAIT, stream.read_to_end(&mut answers)).await {
            // A socket with unread bytes is reset.
            Ok(Ok(_) | Err(_)) => Ok(()),
            Err(_) => Err(format!("a connection goes on after {what}")),
        }
    }

    /// Lengths that no request has.
    async fn lengths(&mut self) -> Result<(), String> {
        for address in [self.door.open.clone(), self.door.sasl.clone()] {
            for length in [-1, i32::MIN, 0, self.door.largest + 1, i32::MAX] {
                let mut stream = self.connect(&address).await?;
                let _reset = stream.write_all(&length.to_be_bytes()).await;
                self.ends(stream, &format!("a length of {length}")).await?;
            }
        }
        Ok(())
    }

    /// What is not Kafka's protocol, and requests where a sign-in is wanted.
    async fn protocols(&mut self) -> Result<(), String> {
        let inputs: [&[u8]; 4] = [
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\x00\x00\x00\x04\x7f\xff\x00\x00",
            b"\x00\x00\x00\x0a\x7f\xff\x00\x00\x00\x00\x00\x07\xff\xff",
        ];
        for address in [self.door.open.clone(), self.door.sasl.clone()] {
            for input in inputs {
                let mut stream = self.connect(&address).await?;
                let _reset = stream.write_all(input).await;
                self.ends(stream, "what is no request").await?;
            }
        }
        for _ in 0..16 {
            let mut stream = self.connect(&self.door.sasl.clone()).await?;
            let (shape, _) = Requests::all()[self.requests.random().usize(..Requests::all().len())];
            let frame = self.requests.frame(&shape, RequestKind::Damaged);
            let _reset = stream.write_all(&framed(&frame)).await;
            let _reset = stream.shutdown().await;
            self.ends(stream, "garbage before a sign-in").await?;
        }
        Ok(())
    }

    /// Connections that announced much, sent some of it, and say nothing more.
    async fn silent(&mut self) -> Result<Vec<TcpStream>, String> {
        let mut silent = Vec::with_capacity(SILENT);
        for _ in 0..SILENT {
            let mut stream = self.connect(&self.door.open.clone()).await?;
            let sent: usize = self.requests.random().usize(..2000);
            stream.write_all(&self.door.largest.to_be_bytes()).await.map_err(|error| error.to_string())?;
            stream.write_all(&vec![0; sent]).await.map_err(|error| error.to_string())?;
            silent.push(stream);
        }
        Ok(silent)
    }

    /// Every request in every version, damaged.
    async fn requests(&mut self) -> Result<(), String> {
        for (shape, api) in Requests::all() {
            // As it is written, a quota for everybody is no garbage, and slows everybody down.
            if *api == ApiKey::AlterClientQuotas {
                continue;
            }
            let frame = Bytes::from(self.requests.frame(shape, RequestKind::Damaged));
            let mut stream = self.connect(&self.door.open.clone()).await?;
            let _reset = stream.write_all(&framed(&frame)).await;
            if can_read(frame) {
                self.figures.accepted += 1;
                let _reset = stream.shutdown().await;
            } else {
                self.ends(stream, &format!("a damaged {} {}", shape.name, shape.version)).await?;
            }
        }
        Ok(())
    }

    /// A right request, one byte at a time, is answered.
    async fn byte_by_byte(&mut self) -> Result<(), String> {
        let request = ApiVersionsRequest {
            client_software_name: "slow".to_owned(),
            client_software_version: "1".to_owned(),
        };
        let frame = encode_request(&request, 3, 7, Some("slow")).map_err(|error| error.to_string())?;
        let mut stream = self.connect(&self.door.open.clone()).await?;
        let answered = async {
            for byte in frame.concat() {
                stream.write_all(&[byte]).await?;
                tokio::task::yield_now().await;
            }
            let length = stream.read_u32().await?;
            io::Result::Ok((length, stream.read_i32().await?))
        };
        match timeout(WAIT, answered).await {
            Ok(Ok((_, 7))) => Ok(()),
            other => Err(format!("a slow client got {other:?}")),
        }
    }
}

/// With its length before it.
fn framed(frame: &[u8]) -> Vec<u8> {
    let mut bytes = i32::try_from(frame.len()).unwrap_or(i32::MAX).to_be_bytes().to_vec();
    bytes.extend_from_slice(frame);
    bytes
}
