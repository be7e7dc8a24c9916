//! A record on its way costs no allocation: what is allocated is per batch, per request or per fetch.
//!
//! The client has this thread to itself, tasks and sockets included, and only this thread's allocations are counted. The
//! brokers have another.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::sync::mpsc;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use kafka_embedded::EmbeddedCluster;
use streaming_kafka::consumer::{Consumer, ConsumerConfig};
use streaming_kafka::producer::{Producer, ProducerConfig, ProducerRecord};
use streaming_kafka::{Client, ClientConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const TOPIC: &str = "events";
const PARTITIONS: i32 = 3;
const RECORDS: usize = 60_000;
const BATCH_SIZE: usize = 64 * 1024;
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// The most that a batch may cost: its completion, its place in a request, that request, the answer, and who waits for it. It
/// holds hundreds of records.
const PER_BATCH: u64 = 40;
/// Only a hang takes longer.
const WAIT: Duration = Duration::from_secs(60);

/// Brokers on a thread of their own, until dropped.
struct Brokers {
    servers: Vec<String>,
    _end: oneshot::Sender<()>,
}

impl Brokers {
    fn start() -> Self {
        let (started, servers) = mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let cluster = EmbeddedCluster::builder().topic(TOPIC, PARTITIONS).start().await.unwrap();
                started.send(cluster.bootstrap_servers()).unwrap();
                let _dropped = ended.await;
            });
        });
        Self { servers: servers.recv().unwrap(), _end: end }
    }

    fn client(&self) -> Client {
        Client::new(ClientConfig::new(self.servers.iter().map(|server| server.parse().unwrap()))).unwrap()
    }

    fn producer(&self, codec: &str) -> Producer {
        let mut config = ProducerConfig::default();
        config.batch_size = BATCH_SIZE;
        config.compression_type = codec.parse().unwrap();
        // On this thread, where it is counted.
        config.compression_parallelism = 1;
        Producer::new(self.client(), config).unwrap()
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn count(runtime: &Runtime, work: impl Future<Output = ()>) -> AllocationInfo {
    measure(|| runtime.block_on(async { tokio::time::timeout(WAIT, work).await.unwrap() }))
}

/// Sends without looking at what becomes of each.
async fn produce(producer: &Producer, keys: &[String]) {
    for i in 0..RECORDS {
        let value = [b'a' + (i % 7) as u8; 100];
        let mut record = ProducerRecord::to(TOPIC).value(&value);
        if !keys.is_empty() {
            record = record.key(&keys[i % keys.len()]);
        }
        drop(producer.send(record).await.unwrap());
    }
    producer.flush().await.unwrap();
}

#[test]
fn sending_allocates_per_batch_and_not_per_record() {
    let keys: Vec<String> = (0..100).map(|key| format!("key-{key}")).collect();
    for codec in CODECS {
        for keys in [&[], keys.as_slice()] {
            let (brokers, runtime) = (Brokers::start(), runtime());
            let producer = runtime.block_on(async { brokers.producer(codec) });
            // The first round finds out who leads, and makes the buffers and tables that the second one uses again.
            runtime.block_on(produce(&producer, keys));
            let before = producer.stats();
            let counted = count(&runtime, produce(&producer, keys));
            let after = producer.stats();
            assert_eq!(after.messages_sent - before.messages_sent, RECORDS as u64);
            let batches = after.batches - before.batches;
            let what = format!("{codec}, {} keys, {batches} batches: {counted:?}", keys.len());
            println!("{what}");
            assert!(batches < RECORDS as u64 / 100, "batches are too small to tell: {what}");
            assert!(counted.count_total <= PER_BATCH * batches, "{what}");
        }
    }
}

#[test]
fn waiting_for_every_delivery_allocates_per_batch_and_not_per_record() {
    let (brokers, runtime) = (Brokers::start(), runtime());
    let producer = runtime.block_on(async { brokers.producer("none") });
    let mut deliveries = Vec::with_capacity(RECORDS);
    let mut round = async || {
        for i in 0..RECORDS {
            let value = [b'a' + (i % 7) as u8; 100];
            deliveries.push(producer.send(ProducerRecord::to(TOPIC).value(&value)).await.unwrap());
        }
        for delivery in deliveries.drain(..) {
            assert_eq!(delivery.await.unwrap().serialized_value_size, Some(100));
        }
    };
    runtime.block_on(round());
    let before = producer.stats().batches;
    let counted = count(&runtime, round());
    let batches = producer.stats().batches - before;
    assert!(batches < RECORDS as u64 / 100, "{batches} batches");
    assert!(counted.count_total <= PER_BATCH * batches, "{batches} batches: {counted:?}");
}

/// Polls until so many more records were seen, touching keys, values and headers.
async fn consume(consumer: &Consumer, wanted: usize, polls: &mut u64) {
    let (mut seen, mut bytes) = (0, 0);
    while seen < wanted {
        let records = consumer.poll(Duration::from_secs(1)).await.unwrap();
        *polls += 1;
        for record in &records {
            bytes += record.key().map_or(0, <[u8]>::len) + record.value().map_or(0, <[u8]>::len);
            bytes += record.headers().map(|header| header.key().len()).sum::<usize>();
        }
        seen += records.len();
    }
    assert!(bytes >= seen * 100);
}

#[test]
fn reading_borrowed_records_allocates_per_poll_and_fetch_and_not_per_record() {
    /// The slices of a poll by partition, and of each batch that is opened its memory and its handle.
    const PER_POLL: u64 = 15;
    /// A request, its answer, and both by partition.
    const PER_FETCH: u64 = 100;
    for codec in CODECS {
        let (brokers, runtime) = (Brokers::start(), runtime());
        let (producer, consumer) = runtime.block_on(async {
            let mut config = ConsumerConfig::default();
            config.fetch_min_bytes = 1;
            // Little enough that most is fetched while it is counted.
            config.max_partition_fetch_bytes = 128 * 1024;
            config.prefetch_max_bytes = 512 * 1024;
            (brokers.producer(codec), Consumer::new(brokers.client(), config).unwrap())
        });
        for _ in 0..2 {
            runtime.block_on(produce(&producer, &[]));
        }
        let mut polls = 0;
        runtime.block_on(async {
            consumer.assign((0..PARTITIONS).map(|partition| (TOPIC, partition))).unwrap();
            consume(&consumer, RECORDS, &mut polls).await;
        });
        let before = (consumer.stats().fetches, polls);
        let left = 2 * RECORDS - usize::try_from(consumer.stats().records).unwrap();
        let counted = count(&runtime, consume(&consumer, left, &mut polls));
        let (fetches, polls) = (consumer.stats().fetches - before.0, polls - before.1);
        let what = format!("{codec}, {polls} polls, {fetches} fetches: {counted:?}");
        println!("{what}");
        assert!(left / usize::try_from(polls).unwrap() > 100, "polls are too small to tell: {what}");
        assert!(counted.count_total <= PER_POLL * polls + PER_FETCH * fetches, "{what}");
    }
}
