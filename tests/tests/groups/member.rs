//! A member that polls in a task of its own, and what all members have seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kafka_core::TopicPartition;
use kafka_core::cluster::Client;
use kafka_stream::consumer::{AssignmentStrategy, Consumer, ConsumerConfig, ConsumerError};
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// How often each record was seen, by all members together.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<(i32, i64), usize>>>);

impl Seen {
    pub(crate) fn add(&self, partition: i32, offset: i64) {
        *self.0.lock().entry((partition, offset)).or_default() += 1;
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().len()
    }

    pub(crate) fn assert_each_once(&self) {
        let repeated: Vec<_> = self.0.lock().iter().filter(|(_, n)| **n != 1).map(|(r, _)| *r).collect();
        assert!(repeated.is_empty(), "seen more than once: {repeated:?}");
    }
}

/// Commits by itself, so also before it gives partitions up.
pub(crate) fn config(group: &str, strategies: &[AssignmentStrategy]) -> ConsumerConfig {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(group.to_owned());
    config.partition_assignment_strategy = strategies.to_vec();
    config.enable_auto_commit = true;
    config.fetch_min_bytes = 1;
    config.heartbeat_interval = Duration::from_millis(500);
    config
}

pub(crate) struct Member {
    pub(crate) consumer: Arc<Consumer>,
    errors: Arc<Mutex<Vec<ConsumerError>>>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Member {
    pub(crate) fn start(client: Client, config: ConsumerConfig, topic: &str, seen: &Seen) -> Self {
        let consumer = Consumer::new(client, config).unwrap();
        consumer.subscribe([topic]).unwrap();
        Self::polling(consumer, seen)
    }

    /// Goes on whatever errors come; they are kept.
    pub(crate) fn polling(consumer: Consumer, seen: &Seen) -> Self {
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

    pub(crate) fn owned(&self) -> Vec<TopicPartition> {
        self.consumer.assignment()
    }

    /// What polls failed with since the last call.
    pub(crate) fn errors(&self) -> Vec<ConsumerError> {
        std::mem::take(&mut self.errors.lock())
    }

    /// Stops polling, without leaving.
    pub(crate) async fn pause(self) -> Arc<Consumer> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.consumer
    }

    pub(crate) async fn close(self) {
        let consumer = self.pause().await;
        consumer.close(WAIT).await.unwrap();
    }
}

pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the members have all partitions, each one of them, and about as many each.
pub(crate) async fn settled(members: &[&Member], partitions: usize) {
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

/// Writes `count` records, spread over the partitions.
pub(crate) async fn write(client: Client, topic: &str, partitions: i32, count: usize) {
    let producer = Producer::new(client, ProducerConfig::default()).unwrap();
    let places = (0..partitions).cycle();
    let mut deliveries = Vec::with_capacity(count);
    for (partition, number) in places.zip(0..count) {
        let value = number.to_string();
        let record = ProducerRecord::to(topic).partition(partition).value(&value);
        deliveries.push(producer.send(record).await.unwrap());
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    producer.close(WAIT).await.unwrap();
}
