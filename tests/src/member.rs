//! A member that polls in a task of its own, and what all members have seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kafka_core::TopicPartition;
use kafka_core::cluster::Client;
use kafka_stream::consumer::{AssignmentStrategy, Consumer, ConsumerConfig, ConsumerError};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// Only what hangs takes so long.
pub const WAIT: Duration = Duration::from_secs(60);

/// How often each record was seen, by all members together.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<BTreeMap<(i32, i64), usize>>>);

impl Seen {
    /// Notes a record once more.
    pub fn add(&self, partition: i32, offset: i64) {
        *self.0.lock().entry((partition, offset)).or_default() += 1;
    }

    /// How many different records were seen.
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Fails if any was seen twice.
    pub fn assert_each_once(&self) {
        let repeated: Vec<_> = self.0.lock().iter().filter(|(_, n)| **n != 1).map(|(r, _)| *r).collect();
        assert!(repeated.is_empty(), "seen more than once: {repeated:?}");
    }
}

/// Commits by itself, so also before it gives partitions up.
pub fn config(group: &str, strategies: &[AssignmentStrategy]) -> ConsumerConfig {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(group.to_owned());
    config.partition_assignment_strategy = strategies.to_vec();
    config.enable_auto_commit = true;
    config.fetch_min_bytes = 1;
    config.heartbeat_interval = Duration::from_millis(500);
    config
}

/// A consumer in a group, polled by a task of its own.
#[derive(Debug)]
pub struct Member {
    /// The consumer, to ask it or to commit.
    pub consumer: Arc<Consumer>,
    errors: Arc<Mutex<Vec<ConsumerError>>>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Member {
    /// Subscribes to a topic and polls.
    pub fn start(client: Client, config: ConsumerConfig, topic: &str, seen: &Seen) -> Self {
        let consumer = Consumer::new(client, config).unwrap();
        consumer.subscribe([topic]).unwrap();
        Self::polling(consumer, seen)
    }

    /// Goes on whatever errors come; they are kept.
    pub fn polling(consumer: Consumer, seen: &Seen) -> Self {
        let consumer = Arc::new(consumer);
        let (errors, stop): (Arc<Mutex<Vec<_>>>, Arc<AtomicBool>) = Default::default();
        let (ours, kept, seen, stopped) =
            (Arc::clone(&consumer), Arc::clone(&errors), seen.clone(), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                match ours.poll(Duration::from_millis(100)).await {
                    Ok(records) => {
                        for record in &records {
                            seen.add(record.partition(), record.offset());
                        }
                    }
                    Err(error) => {
                        kept.lock().push(error);
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        });
        Self { consumer, errors, stop, task }
    }

    /// The partitions that are assigned to it.
    pub fn owned(&self) -> Vec<TopicPartition> {
        self.consumer.assignment()
    }

    /// What polls failed with since the last call.
    pub fn errors(&self) -> Vec<ConsumerError> {
        std::mem::take(&mut self.errors.lock())
    }

    /// Stops polling, without leaving.
    pub async fn pause(self) -> Arc<Consumer> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.consumer
    }

    /// Stops polling, and leaves the group.
    pub async fn close(self) {
        let consumer = self.pause().await;
        consumer.close(WAIT).await.unwrap();
    }
}

/// Waits until `done` says so.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the members have all partitions, each one of them, and about as many each.
pub async fn settled(members: &[&Member], partitions: usize) {
    let deadline = Instant::now() + WAIT;
    loop {
        let shares: Vec<_> = members.iter().map(|member| member.owned()).collect();
        let all: BTreeSet<_> = shares.iter().flatten().collect();
        let most = partitions.div_ceil(members.len());
        let fair = shares.iter().all(|share| share.len() <= most);
        if fair && all.len() == partitions && shares.iter().map(Vec::len).sum::<usize>() == partitions {
            return;
        }
        assert!(Instant::now() < deadline, "the group did not settle: {shares:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
