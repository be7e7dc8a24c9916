//! Handlers and their dead letters.

use std::sync::Arc;
use std::time::Duration;

use kafka_admin::{Admin, NewTopic};
use kafka_core::TopicPartition;
use kafka_core::cluster::Client;
use kafka_stream::consumer::{Consumer, ConsumerConfig, ConsumerRecord};
use kafka_stream::dead_letter::{DeadLetterQueue, Provenance};
use kafka_stream::handler::{
    EventConsumer, Failure, HandlerOptions, HandlerStats, RetryPolicy, StatsReader, json,
};
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{Cluster, unique};

/// A topic, a group that handles its events, and the dead letters of both.
#[derive(Debug)]
pub struct Fixture {
    /// A client of the cluster, which has to live on.
    pub client: Client,
    /// The topic of the events.
    pub topic: String,
    /// The group that handles them.
    pub group: String,
    stop: CancellationToken,
    stats: StatsReader,
}

impl Fixture {
    /// A new topic in the cluster, and a new group.
    pub async fn new(cluster: &Cluster, partitions: i32) -> Self {
        let client = cluster.client();
        let topic = unique("handlers");
        Admin::new(client.clone()).create_topic(&NewTopic::new(&topic).partitions(partitions)).await.unwrap();
        let group = unique("handlers-group");
        Self { client, topic, group, stop: CancellationToken::new(), stats: StatsReader::default() }
    }

    /// A producer with the defaults.
    #[must_use]
    pub fn producer(&self) -> Producer {
        Producer::new(self.client.clone(), ProducerConfig::default()).unwrap()
    }

    /// Sends `values`, keyed by their number modulo ten.
    pub async fn produce<V: AsRef<str>>(&self, values: impl IntoIterator<Item = V>) {
        let producer = self.producer();
        let mut deliveries = Vec::new();
        for (number, value) in values.into_iter().enumerate() {
            let key = format!("key-{}", number % 10);
            let record =
                ProducerRecord::to(self.topic.as_str()).key(&key).value(value.as_ref()).header("n", "1");
            deliveries.push(producer.send(record).await.unwrap());
        }
        for delivery in deliveries {
            delivery.await.unwrap();
        }
    }

    /// Options that are quick to retry and to commit.
    #[must_use]
    pub fn options() -> HandlerOptions {
        let mut options = HandlerOptions::default();
        options.retry =
            RetryPolicy::default().with_backoff(Duration::from_millis(10), Duration::from_millis(20));
        options.commit_interval = Duration::from_millis(200);
        options
    }

    /// The group's consumer, with these options.
    #[must_use]
    pub fn consumer(&self) -> EventConsumer {
        let mut config = ConsumerConfig::default();
        config.group_id = Some(self.group.clone());
        config.fetch_min_bytes = 1;
        let consumer = Consumer::new(self.client.clone(), config).unwrap();
        EventConsumer::new(consumer)
            .options(Self::options())
            .dead_letters(DeadLetterQueue::new(self.producer()).with_group(self.group.as_str()))
            .shutdown(self.stop.clone())
            .stats(self.stats.clone())
    }

    /// Ends consumption once `enough` says so.
    pub fn stop_when(&self, enough: impl Fn(HandlerStats) -> bool + Send + 'static) {
        let (stop, stats) = (self.stop.clone(), self.stats.clone());
        tokio::spawn(async move {
            while !enough(stats.stats()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            stop.cancel();
        });
    }

    /// The same topic, with a group of its own.
    #[must_use]
    pub fn other_group(&self) -> Self {
        Self {
            client: self.client.clone(),
            topic: self.topic.clone(),
            group: unique("handlers-group"),
            stop: CancellationToken::new(),
            stats: StatsReader::default(),
        }
    }

    /// The same topic and group, to consume once more.
    #[must_use]
    pub fn same_group(&self) -> Self {
        Self { group: self.group.clone(), ..self.other_group() }
    }

    /// The sum of a topic's end offsets.
    pub async fn end_of(&self, topic: &str) -> i64 {
        let consumer = Consumer::new(self.client.clone(), ConsumerConfig::default()).unwrap();
        let partitions = consumer.partitions_for(topic).await.unwrap();
        consumer.end_offsets(&partitions).await.unwrap().values().sum()
    }

    /// The sum of the group's committed offsets.
    pub async fn committed(&self, partitions: i32) -> i64 {
        self.committed_of(&self.topic, partitions).await
    }

    /// The sum of the group's committed offsets in a topic.
    pub async fn committed_of(&self, topic: &str, partitions: i32) -> i64 {
        let mut config = ConsumerConfig::default();
        config.group_id = Some(self.group.clone());
        let consumer = Consumer::new(self.client.clone(), config).unwrap();
        let partitions: Vec<_> = (0..partitions).map(|n| TopicPartition::new(topic, n)).collect();
        let committed = consumer.committed(&partitions).await.unwrap();
        committed.values().flatten().map(|offset| offset.offset).sum()
    }

    /// Waits for so many dead letters; those and any more.
    pub async fn dead_letters(&self, count: usize) -> Vec<ConsumerRecord> {
        let mut config = ConsumerConfig::default();
        config.fetch_min_bytes = 1;
        let consumer = Consumer::new(self.client.clone(), config).unwrap();
        let topic = format!("{}.dlq", self.topic);
        let partitions = consumer.partitions_for(&topic).await.unwrap();
        consumer.assign(partitions).unwrap();
        let mut letters = Vec::new();
        while letters.len() < count {
            letters.extend(consumer.poll(Duration::from_secs(1)).await.unwrap());
        }
        letters.extend(consumer.poll(Duration::from_millis(300)).await.unwrap());
        letters
    }
}

/// What is no JSON ends in the dead letter topic, with where it comes from; all else is handled once.
pub async fn poison_is_set_aside_and_the_rest_is_handled(cluster: &Cluster) {
    let fixture = Fixture::new(cluster, 3).await;
    fixture.produce((0..200).map(|n| if n % 50 == 7 { "no JSON".to_owned() } else { n.to_string() })).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    fixture.stop_when(|stats| stats.handled + stats.dead_lettered == 200);
    let note = Arc::clone(&seen);
    let handler = json(move |number: i64, _record| {
        note.lock().push(number);
        async { Ok::<_, Failure>(()) }
    });
    let stats = fixture.consumer().run([&fixture.topic], handler).await.unwrap();
    assert_eq!((stats.handled, stats.dead_lettered, stats.retries), (196, 4, 0));
    let mut seen = seen.lock().clone();
    seen.sort_unstable();
    assert_eq!(seen, (0..200).filter(|n| n % 50 != 7).collect::<Vec<_>>());
    assert_eq!(fixture.committed(3).await, 200);

    let letters = fixture.dead_letters(4).await;
    assert_eq!(letters.len(), 4);
    for letter in letters {
        assert_eq!(letter.value.as_deref(), Some(&b"no JSON"[..]));
        assert_eq!(letter.key.as_deref(), Some(&b"key-7"[..]));
        assert_eq!(letter.header("n"), Some(&b"1"[..]));
        let from = Provenance::of(&letter).unwrap();
        assert_eq!(from.topic, fixture.topic);
        assert!(from.partition.is_some() && from.offset.is_some() && from.timestamp.is_some());
        assert_eq!(from.group.as_deref(), Some(fixture.group.as_str()));
        assert_eq!((from.error_class.as_str(), from.attempts), ("serde_json::Error", 1));
        assert!(from.error_message.contains("line 1"), "{from:?}");
        assert!(from.failed_at >= from.timestamp.unwrap());
    }
    let described =
        Admin::new(fixture.client.clone()).describe_topic(&format!("{}.dlq", fixture.topic)).await;
    assert_eq!(described.unwrap().partitions.len(), 3);
}
