//! Produces numbered records at a steady rate, and reads them beside that.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use kafka_admin::{Admin, NewTopic};
use kafka_core::{
    TopicPartition,
    cluster::{Client, ClientConfig},
};
use kafka_stream::{
    consumer::{AutoOffsetReset, Consumer, ConsumerConfig},
    producer::{Delivery, ProduceError, ProduceErrorKind, Producer, ProducerConfig, ProducerRecord},
};
use kafka_tests::chain::{Chains, numbered};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::report::{Consumed, Report};

/// How many records may wait for their acknowledgement here.
const IN_FLIGHT: usize = 100_000;

/// How long the consumer may get nothing more before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(90);

/// What to write.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) servers: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partitions: i32,
    pub(crate) seconds: u64,
    pub(crate) rate: u64,
}

/// Errors that no fault explains, by their text.
type Unexplained = Arc<Mutex<BTreeMap<String, u64>>>;

fn note(unexplained: &Unexplained, error: &dyn std::error::Error) {
    eprintln!("error: {error}");
    *unexplained.lock().entry(error.to_string()).or_default() += 1;
}

/// A broker that stays away for longer than a record may wait explains these, and nothing else.
fn is_explained(error: &ProduceError) -> bool {
    matches!(
        error.kind(),
        ProduceErrorKind::Timeout(_) | ProduceErrorKind::OutcomeUnknown | ProduceErrorKind::BufferFull
    )
}

/// Writes and reads until the time is up and all is answered.
pub(crate) async fn run(load: &Load<'_>) -> Report {
    let addresses = load.servers.split(',').map(|server| server.parse().expect("an address"));
    let client = Client::new(ClientConfig::new(addresses)).expect("a client");
    let topic = NewTopic::new(load.topic)
        .partitions(load.partitions)
        .replication_factor(3)
        .config("min.insync.replicas", "2");
    Admin::new(client.clone()).create_topic_if_absent(&topic).await.expect("create the topic");

    let unexplained = Unexplained::default();
    let (produced, done) = (CancellationToken::new(), Arc::new(Mutex::new(Report::default())));
    let reader = tokio::spawn(read(
        consumer(client.clone(), load),
        produced.clone(),
        Arc::clone(&done),
        Arc::clone(&unexplained),
    ));
    eprintln!("ready");
    let report = produce(client, load, &unexplained).await;
    *done.lock() = report;
    produced.cancel();
    let consumed = reader.await.expect("the consumer's task");
    let mut report = std::mem::take(&mut *done.lock());
    report.consumed = consumed;
    report.unexplained = std::mem::take(&mut *unexplained.lock());
    report
}

fn consumer(client: Client, load: &Load<'_>) -> Consumer {
    let mut config = ConsumerConfig::default();
    config.auto_offset_reset = AutoOffsetReset::Earliest;
    let consumer = Consumer::new(client, config).expect("a consumer");
    let partitions = (0..load.partitions).map(|partition| TopicPartition::new(load.topic, partition));
    consumer.assign(partitions).expect("assign");
    consumer
}

async fn produce(client: Client, load: &Load<'_>, unexplained: &Unexplained) -> Report {
    let mut config = ProducerConfig::default();
    // As many as fit into the time that a record has: what is looked for is what no patience mends.
    config.retries = u32::MAX;
    let producer = Producer::new(client, config).expect("a producer");
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let outcome = tokio::spawn(acknowledge(receiver, Arc::clone(unexplained)));
    let mut sent: BTreeMap<i32, u64> = BTreeMap::new();
    let mut refused = Vec::new();
    let begin = tokio::time::Instant::now();
    for index in 0..load.seconds * load.rate {
        let due = begin + Duration::from_secs_f64(index as f64 / load.rate as f64);
        tokio::time::sleep_until(due).await;
        let partition = i32::try_from(index % u64::from(load.partitions.unsigned_abs())).unwrap_or_default();
        let next = sent.entry(partition).or_default();
        let number = *next;
        *next += 1;
        let value = numbered(partition, number);
        match producer.send(ProducerRecord::to(load.topic).partition(partition).value(value.as_bytes())).await
        {
            Ok(delivery) => sender.send((partition, number, delivery)).await.expect("the other task"),
            Err(error) => {
                refused.push((partition, number));
                if !is_explained(&error) {
                    note(unexplained, &error);
                }
            }
        }
    }
    drop(sender);
    let mut report = outcome.await.expect("the task that counts");
    if let Err(error) = producer.close(Duration::from_secs(60)).await {
        note(unexplained, &error);
    }
    report.sent = sent;
    report.failed.extend(refused);
    report
}

/// Awaits each record's fate, in order.
async fn acknowledge(mut records: mpsc::Receiver<(i32, u64, Delivery)>, unexplained: Unexplained) -> Report {
    let mut report = Report::default();
    let (mut last, mut told) = (Instant::now(), Instant::now());
    while let Some((partition, number, delivery)) = records.recv().await {
        match delivery.await {
            Ok(_) => report.acked += 1,
            Err(error) => {
                report.failed.push((partition, number));
                if !is_explained(&error) {
                    note(&unexplained, &error);
                }
            }
        }
        let stall = u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX);
        report.longest_stall_ms = report.longest_stall_ms.max(stall);
        last = Instant::now();
        if told.elapsed() > Duration::from_secs(5) {
            eprintln!("acked {}, failed {}", report.acked, report.failed.len());
            told = Instant::now();
        }
    }
    report
}

/// Reads until all that was acknowledged is there, or nothing comes any more.
async fn read(
    consumer: Consumer,
    produced: CancellationToken,
    report: Arc<Mutex<Report>>,
    unexplained: Unexplained,
) -> Consumed {
    let mut chains = Chains::default();
    let mut last = Instant::now();
    loop {
        match consumer.poll(Duration::from_millis(500)).await {
            Ok(records) => {
                for record in &records {
                    chains.see(std::str::from_utf8(record.value().unwrap_or_default()).unwrap_or("no text"));
                    last = Instant::now();
                }
            }
            Err(error) => note(&unexplained, &error),
        }
        if produced.is_cancelled() {
            let report = report.lock();
            // The count is cheap, and tells when looking at each is worth it.
            let done = chains.count() >= report.acked && missing(&chains, &report) == 0;
            if done || last.elapsed() > PATIENCE {
                break;
            }
        }
    }
    let missing = missing(&chains, &report.lock());
    if let Err(error) = consumer.close(Duration::from_secs(30)).await {
        note(&unexplained, &error);
    }
    Consumed {
        missing,
        repeated: chains.repeated(),
        out_of_order: chains.out_of_order(),
        damaged: chains.damaged(),
    }
}

/// How many acknowledged records were not read.
fn missing(chains: &Chains, report: &Report) -> u64 {
    let missing = report.acknowledged().filter(|(partition, number)| !chains.has(*partition, *number));
    u64::try_from(missing.count()).unwrap_or(u64::MAX)
}
