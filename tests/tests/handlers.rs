//! Handlers and dead letters on a real cluster: at least once, nothing skipped, commits only behind what is done.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kafka_admin::{Admin, NewTopic};
use kafka_core::TopicPartition;
use kafka_core::cluster::Client;
use kafka_stream::consumer::{Consumer, ConsumerConfig, ConsumerRecord};
use kafka_stream::dead_letter::{DeadLetterQueue, Provenance};
use kafka_stream::handler::{
    Concurrency, EventConsumer, Failure, HandlerError, HandlerOptions, HandlerStats, RetryPolicy,
    StatsReader, json,
};
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use kafka_tests::{Cluster, unique};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

struct Fixture {
    client: Client,
    topic: String,
    group: String,
    stop: CancellationToken,
    stats: StatsReader,
}

impl Fixture {
    async fn new(cluster: &Cluster, partitions: i32) -> Self {
        let client = cluster.client();
        let topic = unique("handlers");
        Admin::new(client.clone()).create_topic(&NewTopic::new(&topic).partitions(partitions)).await.unwrap();
        let group = unique("handlers-group");
        Self { client, topic, group, stop: CancellationToken::new(), stats: StatsReader::default() }
    }

    fn producer(&self) -> Producer {
        Producer::new(self.client.clone(), ProducerConfig::default()).unwrap()
    }

    /// Sends `values`, keyed by their number modulo ten.
    async fn produce<V: AsRef<str>>(&self, values: impl IntoIterator<Item = V>) {
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

    fn consumer(&self) -> EventConsumer {
        let mut config = ConsumerConfig::default();
        config.group_id = Some(self.group.clone());
        config.fetch_min_bytes = 1;
        let consumer = Consumer::new(self.client.clone(), config).unwrap();
        let mut options = HandlerOptions::default();
        options.retry =
            RetryPolicy::default().with_backoff(Duration::from_millis(10), Duration::from_millis(20));
        options.commit_interval = Duration::from_millis(200);
        EventConsumer::new(consumer)
            .options(options)
            .dead_letters(DeadLetterQueue::new(self.producer()).with_group(self.group.as_str()))
            .shutdown(self.stop.clone())
            .stats(self.stats.clone())
    }

    /// Ends consumption once `enough` says so.
    fn stop_when(&self, enough: impl Fn(HandlerStats) -> bool + Send + 'static) {
        let (stop, stats) = (self.stop.clone(), self.stats.clone());
        tokio::spawn(async move {
            while !enough(stats.stats()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            stop.cancel();
        });
    }

    async fn committed(&self, partitions: i32) -> i64 {
        let mut config = ConsumerConfig::default();
        config.group_id = Some(self.group.clone());
        let consumer = Consumer::new(self.client.clone(), config).unwrap();
        let partitions: Vec<_> =
            (0..partitions).map(|n| TopicPartition::new(self.topic.as_str(), n)).collect();
        let committed = consumer.committed(&partitions).await.unwrap();
        committed.values().flatten().map(|offset| offset.offset).sum()
    }

    async fn dead_letters(&self, count: usize) -> Vec<ConsumerRecord> {
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

async fn poison_is_set_aside_and_the_rest_is_handled(cluster: &Cluster) {
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

#[tokio::test]
async fn poison_ends_in_the_dead_letter_topic_and_all_else_is_handled_once() {
    poison_is_set_aside_and_the_rest_is_handled(&Cluster::single()).await;
}

#[tokio::test]
async fn poison_ends_in_the_dead_letter_topic_of_the_oldest_broker() {
    poison_is_set_aside_and_the_rest_is_handled(&Cluster::oldest()).await;
}

#[tokio::test]
async fn a_failure_that_passes_is_retried_and_a_panic_is_a_failure() {
    let fixture = Fixture::new(&Cluster::single(), 2).await;
    fixture.produce(["fails twice", "always fails", "panics", "fine"]).await;
    fixture.stop_when(|stats| stats.handled + stats.dead_lettered == 4);
    let calls = Arc::new(AtomicUsize::new(0));
    let handler = move |record: ConsumerRecord| {
        let calls = Arc::clone(&calls);
        async move {
            match record.value.as_deref().unwrap() {
                b"fails twice" if calls.fetch_add(1, Ordering::Relaxed) < 2 => Err(Failure::retry("not yet")),
                b"always fails" => Err(Failure::retry("never").with_class("Never")),
                b"panics" => panic!("on purpose"),
                _ => Ok(()),
            }
        }
    };
    let stats = fixture.consumer().run([&fixture.topic], handler).await.unwrap();
    assert_eq!((stats.handled, stats.dead_lettered, stats.retries), (2, 2, 6));
    let letters = fixture.dead_letters(2).await;
    let mut classes: Vec<_> = letters.iter().map(|letter| Provenance::of(letter).unwrap()).collect();
    classes.sort_by(|a, b| a.error_class.cmp(&b.error_class));
    assert_eq!((classes[0].error_class.as_str(), classes[0].attempts), ("Never", 3));
    assert_eq!(classes[1].error_class, "panic");
    assert!(classes[1].error_message.contains("on purpose"));
}

#[tokio::test]
async fn consumption_stops_at_a_record_whose_dead_letter_cannot_be_written() {
    let fixture = Fixture::new(&Cluster::single(), 1).await;
    fixture.produce((0..10).map(|n| n.to_string())).await;
    let mut config = ProducerConfig::default();
    config.max_block = Duration::from_secs(2);
    let producer = Producer::new(fixture.client.clone(), config).unwrap();
    let handler = async |record: ConsumerRecord| match record.offset {
        4 => Err(Failure::poison("the fifth")),
        _ => Ok(()),
    };
    let consumer = fixture.consumer().dead_letters(DeadLetterQueue::new(producer).create_topics(false));
    let error = consumer.run([&fixture.topic], handler).await.unwrap_err();
    let HandlerError::DeadLetter { offset, .. } = &error else { panic!("{error}") };
    assert_eq!(*offset, 4);
    assert!(error.to_string().contains("the fifth"), "{error}");
    assert_eq!(fixture.committed(1).await, 4);
}

#[tokio::test]
async fn keys_keep_their_order_and_do_not_wait_for_each_other() {
    let fixture = Fixture::new(&Cluster::single(), 1).await;
    fixture.produce((0..100).map(|n| n.to_string())).await;
    fixture.stop_when(|stats| stats.handled == 100);
    let seen: Arc<Mutex<HashMap<Vec<u8>, Vec<i64>>>> = Arc::default();
    let note = Arc::clone(&seen);
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let peak = Arc::clone(&most);
    let handler = move |record: ConsumerRecord| {
        let (note, running, peak) = (Arc::clone(&note), Arc::clone(&running), Arc::clone(&peak));
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
            note.lock().entry(record.key.unwrap().to_vec()).or_default().push(record.offset);
            running.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, Failure>(())
        }
    };
    let mut options = HandlerOptions::default();
    options.concurrency = Concurrency::ByKey(8);
    fixture.consumer().options(options).run([&fixture.topic], handler).await.unwrap();
    let seen = seen.lock().clone();
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 100);
    assert!(seen.values().all(|offsets| offsets.is_sorted()), "{seen:?}");
    assert!(most.load(Ordering::Relaxed) > 1);
    assert_eq!(fixture.committed(1).await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_member_takes_over_and_no_record_is_skipped_or_repeated_while_none_dies() {
    let fixture = Fixture::new(&Cluster::single(), 6).await;
    let counts: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let handler = |counts: Arc<Mutex<BTreeMap<String, usize>>>| {
        move |record: ConsumerRecord| {
            let counts = Arc::clone(&counts);
            async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                *counts.lock().entry(value).or_default() += 1;
                Ok::<_, Failure>(())
            }
        }
    };
    fixture.stop_when(|stats| stats.handled >= 2_000);
    let first = fixture.consumer();
    let topic = fixture.topic.clone();
    let first = tokio::spawn(first.run([topic.clone()], handler(Arc::clone(&counts))));
    fixture.produce((0..1_000).map(|n| n.to_string())).await;
    let second = tokio::spawn(fixture.consumer().run([topic], handler(Arc::clone(&counts))));
    fixture.produce((1_000..2_000).map(|n| n.to_string())).await;
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let counts = counts.lock().clone();
    assert_eq!(counts.len(), 2_000);
    let repeated: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
    assert_eq!(fixture.committed(6).await, 2_000);
}
