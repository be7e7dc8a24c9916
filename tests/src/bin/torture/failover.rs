//! Clients that write down when something comes, for the comparison with Java's: a line of microseconds since 1970 and a
//! partition. `Failover.java` of `xtask` does the same with the same settings.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Write,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kafka_admin::{Admin, NewTopic};
use kafka_stream::{
    consumer::{AutoOffsetReset, Consumer, ConsumerConfig},
    producer::{Producer, ProducerConfig, ProducerRecord},
};
use parking_lot::Mutex;

use crate::connect::Way;

#[derive(Debug, clap::Args)]
pub(crate) struct Produce {
    #[command(flatten)]
    way: Way,
    #[arg(long)]
    topic: String,
    /// Where to write a line for each acknowledgement
    #[arg(long)]
    file: PathBuf,
    /// Write into so many partitions in turn
    #[arg(long, default_value_t = 1)]
    partitions: i32,
    /// Make the topic first
    #[arg(long)]
    create: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Follow {
    #[command(flatten)]
    way: Way,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    /// Where to write a line for each partition of each poll
    #[arg(long)]
    file: PathBuf,
    #[arg(long)]
    session_timeout_ms: u64,
    #[arg(long)]
    heartbeat_interval_ms: u64,
}

#[derive(Clone, Debug)]
struct Notes(Arc<Mutex<File>>);

impl Notes {
    fn create(file: &PathBuf) -> Self {
        Self(Arc::new(Mutex::new(File::create(file).expect("a file"))))
    }

    fn note(&self, partitions: impl IntoIterator<Item = i32>) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let lines: String =
            partitions.into_iter().map(|partition| format!("{since} {partition}\n")).collect();
        self.0.lock().write_all(lines.as_bytes()).expect("write");
    }
}

/// A record every 10 ms, until it is killed.
pub(crate) async fn produce(arguments: &Produce) {
    let client = arguments.way.client();
    if arguments.create {
        let topic = NewTopic::new(&arguments.topic)
            .partitions(arguments.partitions)
            .replication_factor(3)
            .config("min.insync.replicas", "2");
        Admin::new(client.clone()).create_topic_if_absent(&topic).await.expect("create the topic");
    }
    let mut config = ProducerConfig::default();
    config.linger = Duration::from_millis(5);
    config.retries = u32::MAX;
    let producer = Producer::new(client, config).expect("a producer");
    let notes = Notes::create(&arguments.file);
    eprintln!("ready");
    for partition in (0..arguments.partitions).cycle() {
        let record = ProducerRecord::to(&*arguments.topic).partition(partition).value(&[0; 100][..]);
        if let Ok(delivery) = producer.send(record).await {
            let notes = notes.clone();
            tokio::spawn(async move {
                if delivery.await.is_ok() {
                    notes.note([partition]);
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A member of a group, until it is killed.
pub(crate) async fn follow(arguments: &Follow) {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(arguments.group.clone());
    config.session_timeout = Duration::from_millis(arguments.session_timeout_ms);
    config.heartbeat_interval = Duration::from_millis(arguments.heartbeat_interval_ms);
    config.auto_offset_reset = AutoOffsetReset::Earliest;
    config.enable_auto_commit = true;
    config.fetch_min_bytes = 1;
    let consumer = Consumer::new(arguments.way.client(), config).expect("a consumer");
    consumer.subscribe([&arguments.topic]).expect("subscribe");
    let notes = Notes::create(&arguments.file);
    eprintln!("ready");
    loop {
        match consumer.poll(Duration::from_millis(100)).await {
            Ok(records) => {
                let partitions: BTreeSet<i32> = records.iter().map(|record| record.partition()).collect();
                notes.note(partitions);
            }
            Err(error) => eprintln!("poll: {error}"),
        }
    }
}
