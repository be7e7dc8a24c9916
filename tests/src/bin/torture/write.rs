//! Produces numbered records at a steady rate, and reads them beside that.

mod acks;
mod orders;
mod reader;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
    },
    time::Duration,
};

use kafka_admin::{Admin, NewPartitions, NewTopic};
use kafka_core::cluster::Client;
use kafka_stream::producer::{ProduceError, ProduceErrorKind, Producer, ProducerConfig, ProducerRecord};
use kafka_tests::chain::{named_in, padded};
use parking_lot::Mutex;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use self::orders::Order;
use crate::{connect::Way, report::Report, vitals::Vitals};

/// How many records may wait for their acknowledgement here.
const IN_FLIGHT: usize = 100_000;

/// How often is noted what the program holds.
const VITALS: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    #[command(flatten)]
    pub(crate) way: Way,
    #[arg(long)]
    pub(crate) topic: String,
    #[arg(long, default_value_t = 6)]
    pub(crate) partitions: i32,
    #[arg(long)]
    pub(crate) seconds: u64,
    /// Records a second
    #[arg(long)]
    pub(crate) rate: u64,
    /// Where to write what became of the records
    #[arg(long)]
    pub(crate) report: PathBuf,
    /// buffer.memory, in bytes
    #[arg(long)]
    pub(crate) buffer_memory: Option<usize>,
    /// Bytes added to each record
    #[arg(long, default_value_t = 0)]
    pub(crate) padding: usize,
}

/// What the halves of the program share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) topic: String,
    /// Errors that no fault explains, by their text.
    pub(crate) unexplained: Mutex<BTreeMap<String, u64>>,
    pub(crate) partitions: AtomicI32,
    pub(crate) acked: AtomicU64,
    pub(crate) read: AtomicU64,
    /// The topic is being made anew: for a while there is none.
    pub(crate) no_topic: AtomicBool,
    pub(crate) produced: CancellationToken,
}

impl Shared {
    pub(crate) fn note(&self, doing: &str, error: &dyn std::error::Error) {
        eprintln!("error: {doing}: {error}");
        *self.unexplained.lock().entry(format!("{doing}: {error}")).or_default() += 1;
    }
}

/// A broker that stays away for longer than a record may wait explains these, and nothing else.
fn is_explained(error: &ProduceError) -> bool {
    matches!(
        error.kind(),
        ProduceErrorKind::Timeout(_) | ProduceErrorKind::OutcomeUnknown | ProduceErrorKind::BufferFull
    )
}

/// Writes and reads until the time is up and all is answered.
pub(crate) async fn run(load: &Load) {
    let client = load.way.client();
    create(&client, load).await.expect("create the topic");
    let shared = Arc::new(Shared {
        topic: load.topic.clone(),
        unexplained: Mutex::default(),
        partitions: AtomicI32::new(load.partitions),
        acked: AtomicU64::new(0),
        read: AtomicU64::new(0),
        no_topic: AtomicBool::new(false),
        produced: CancellationToken::new(),
    });
    let report = Arc::new(Mutex::new(Report::default()));
    let reading = tokio::spawn(reader::read(load.way.client(), Arc::clone(&shared), Arc::clone(&report)));
    eprintln!("ready");
    let produced = produce(client, load, &shared).await;
    *report.lock() = produced;
    shared.produced.cancel();
    let consumed = reading.await.expect("the consumer's task");
    let mut report = std::mem::take(&mut *report.lock());
    report.consumed = consumed;
    report.unexplained = std::mem::take(&mut *shared.unexplained.lock());
    report.save(&load.report);
}

async fn create(client: &Client, load: &Load) -> kafka_core::Result<()> {
    let topic = NewTopic::new(&load.topic)
        .partitions(load.partitions)
        .replication_factor(3)
        .config("min.insync.replicas", "2");
    Admin::new(client.clone()).create_topic_if_absent(&topic).await.map(drop)
}

async fn produce(client: Client, load: &Load, shared: &Arc<Shared>) -> Report {
    let mut config = ProducerConfig::default();
    // As many as fit into the time that a record has: what is looked for is what no patience mends.
    config.retries = u32::MAX;
    config.buffer_memory = load.buffer_memory.unwrap_or(config.buffer_memory);
    config.request_timeout = load.way.request_timeout().unwrap_or(config.request_timeout);
    let producer = Producer::new(client.clone(), config).expect("a producer");
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let outcome = tokio::spawn(acks::collect(receiver, Arc::clone(shared)));
    let mut orders = orders::from_standard_input();
    let padding = "x".repeat(load.padding);
    let (mut report, mut sent, mut refused) = (Report::default(), BTreeMap::new(), Vec::new());
    let begin = Instant::now();
    let mut next_vitals = begin;
    for index in 0..load.seconds * load.rate {
        let due = begin + Duration::from_secs_f64(index as f64 / load.rate as f64);
        tokio::time::sleep_until(due).await;
        let now = Instant::now();
        if now >= begin + Duration::from_secs(load.seconds) {
            break;
        }
        if now >= next_vitals {
            next_vitals += VITALS;
            report.vitals.push(Vitals::now(begin.elapsed().as_secs()));
        }
        match orders.try_recv() {
            Ok(Order::Recreate) => {
                producer.flush().await.expect("flush");
                report.lives += 1;
                recreate(&client, load, shared).await;
                orders::done();
            }
            Ok(Order::Grow) => {
                let total = shared.partitions.load(Ordering::Relaxed) + 1;
                let grown = NewPartitions::new(&load.topic, total);
                let results = Admin::new(client.clone()).create_partitions(&[grown]).await;
                if let Err(error) = results {
                    shared.note("add a partition", &error);
                }
                shared.partitions.store(total, Ordering::Relaxed);
                orders::done();
            }
            Err(_none) => {}
        }
        let partitions = u64::try_from(shared.partitions.load(Ordering::Relaxed)).unwrap_or(1);
        let partition = i32::try_from(index % partitions).unwrap_or_default();
        let named = named_in(report.lives, partition);
        let next: &mut u64 = sent.entry(named).or_default();
        let number = *next;
        *next += 1;
        let value = padded(named, number, &padding);
        match producer
            .send(ProducerRecord::to(&*load.topic).partition(partition).value(value.as_bytes()))
            .await
        {
            Ok(delivery) => sender.send((named, number, delivery)).await.expect("the other task"),
            Err(error) => {
                refused.push((named, number));
                if !is_explained(&error) {
                    shared.note("send", &error);
                }
            }
        }
    }
    drop(sender);
    let outcome = outcome.await.expect("the task that counts");
    if let Err(error) = producer.close(Duration::from_secs(60)).await {
        shared.note("close the producer", &error);
    }
    report.acked = outcome.acked;
    report.longest_stall_ms = outcome.longest_stall_ms;
    report.sent = sent;
    report.failed = outcome.failed;
    report.failed.extend(refused);
    report
}

/// Deletes the topic once everybody has read it, and makes it anew.
async fn recreate(client: &Client, load: &Load, shared: &Shared) {
    /// How long those who read it may take.
    const LAG: Duration = Duration::from_secs(5);
    let admin = Admin::new(client.clone());
    let begin = Instant::now();
    while shared.read.load(Ordering::Relaxed) < shared.acked.load(Ordering::Relaxed)
        && begin.elapsed() < LAG * 6
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(LAG).await;
    shared.no_topic.store(true, Ordering::Relaxed);
    if let Err(error) = admin.delete_topics(&[&load.topic]).await {
        shared.note("delete the topic", &error);
    }
    // Deleted is one thing, and gone from every broker another.
    let begin = Instant::now();
    while let Err(error) = create(client, load).await {
        if begin.elapsed() > Duration::from_secs(60) {
            shared.note("make the topic anew", &error);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    shared.partitions.store(load.partitions, Ordering::Relaxed);
}
