use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_embedded::EmbeddedCluster;
use parking_lot::Mutex;
use streaming_kafka::admin::{Admin, AlterConfig, NewTopic};
use streaming_kafka::consumer::ConsumerRecord;
use streaming_kafka::dead_letter::{DeadLetterQueue, header};
use streaming_kafka::handler::{
    Concurrency, EventConsumer, Failure, HandlerError, HandlerOptions, HandlerStats, RetryPolicy,
    RetryTopics, StatsReader,
};
use streaming_kafka::producer::{Producer, ProducerConfig, ProducerRecord};
use tokio_util::sync::CancellationToken;

use crate::support::{consumer, in_memory_client};

pub(super) const ORDERS: &str = "orders";
pub(super) const DEAD: &str = "orders.dlq";
pub(super) const RETRY: &str = "orders.retry.1";
const GROUP: &str = "billing";
const PARTITIONS: i32 = 2;
/// Records for each partition.
const RECORDS: i64 = 30;
/// The offsets, in each partition, of records that cannot be handled.
const BAD: [i64; 2] = [11, 12];

/// How long a letter is tried to be written where brokers say that this may help.
pub(super) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// Where a record comes from: its partition and offset.
type Place = (i32, i64);

/// What brokers answer, once and for all or for long, to who writes a record.
pub(super) const REFUSALS: [ErrorCode; 12] = [
    ErrorCode::TOPIC_AUTHORIZATION_FAILED,
    ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
    ErrorCode::POLICY_VIOLATION,
    ErrorCode::INVALID_RECORD,
    ErrorCode::INVALID_TIMESTAMP,
    ErrorCode::INVALID_TOPIC_EXCEPTION,
    ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT,
    ErrorCode::UNKNOWN_SERVER_ERROR,
    ErrorCode::NOT_ENOUGH_REPLICAS,
    ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ErrorCode::KAFKA_STORAGE_ERROR,
    ErrorCode::REQUEST_TIMED_OUT,
];

/// A topic of orders, two bad ones in each partition, and what became of each.
pub(super) struct World {
    pub(super) cluster: Arc<EmbeddedCluster>,
    handled: Arc<Mutex<BTreeSet<Place>>>,
    starts: u32,
}

/// How one start of the service is set up.
#[derive(Clone, Copy, Default)]
pub(super) struct Setup {
    /// Bad records wait in a retry topic first, and then are as bad.
    pub(super) retry_topic: bool,
    /// The service may not create topics.
    pub(super) no_topics: bool,
    /// Records that follow are handled while the bad one is still being set aside.
    pub(super) unordered: bool,
}

/// How one start of the service ended.
pub(super) struct Ended {
    pub(super) result: Result<HandlerStats, HandlerError>,
    pub(super) took: Duration,
}

impl World {
    /// With bad values of so many bytes.
    pub(super) async fn new(bad_bytes: usize) -> Self {
        let cluster = EmbeddedCluster::builder().topic(ORDERS, PARTITIONS).in_memory().start().await.unwrap();
        let world = Self { cluster: Arc::new(cluster), handled: Arc::default(), starts: 0 };
        let client = in_memory_client(&world.cluster, "filling");
        let producer = Producer::new(client, quick()).unwrap();
        for partition in 0..PARTITIONS {
            for offset in 0..RECORDS {
                let value =
                    if BAD.contains(&offset) { "bad".repeat(bad_bytes / 3 + 1) } else { offset.to_string() };
                let record = ProducerRecord::to(ORDERS).partition(partition).value(&value);
                drop(producer.send(record).await.unwrap());
            }
        }
        producer.close(Duration::from_secs(60)).await.unwrap();
        world
    }

    pub(super) fn admin(&self) -> Admin {
        Admin::new(in_memory_client(&self.cluster, "admin"))
    }

    pub(super) async fn create(&self, topic: &str) {
        self.admin().create_topic(&NewTopic::new(topic).partitions(PARTITIONS)).await.unwrap();
    }

    pub(super) async fn set_max_message_bytes(&self, topic: &str, bytes: usize) {
        let alter = AlterConfig::topic(topic).set("max.message.bytes", bytes);
        self.admin().incremental_alter_configs(&[alter]).await.remove(0).result.unwrap();
    }

    /// Starts the service anew, as a process that knows nothing of the last one, until all is done or it ends by itself.
    /// Meanwhile no commit may be past what is handled or set aside.
    pub(super) async fn consume(&mut self, setup: Setup) -> Ended {
        self.starts += 1;
        let client = in_memory_client(&self.cluster, &format!("service-{}", self.starts));
        let producer = Producer::new(client.clone(), quick()).unwrap();
        let (stop, stats) = (CancellationToken::new(), StatsReader::default());
        let handled = Arc::clone(&self.handled);
        let handler = move |record: ConsumerRecord| {
            let handled = Arc::clone(&handled);
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                assert_eq!(&*record.topic, ORDERS, "the handler sees records as they were");
                if BAD.contains(&record.offset) {
                    return Err(Failure::retry("it is bad").with_class("Bad"));
                }
                handled.lock().insert((record.partition, record.offset));
                Ok(())
            }
        };
        let dead_letters = DeadLetterQueue::new(producer.clone()).with_group(GROUP);
        let running = EventConsumer::new(consumer(&client, Some(GROUP)))
            .options(options(setup))
            .dead_letters(dead_letters.create_topics(!setup.no_topics))
            .shutdown(stop.clone())
            .stats(stats)
            .run([ORDERS], handler);
        let begun = tokio::time::Instant::now();
        let watching = async {
            loop {
                self.check_commits();
                if self.is_all_done() {
                    stop.cancel();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let result = tokio::select! {
            result = running => result,
            () = watching => unreachable!("watching does not end"),
        };
        self.check_commits();
        let took = begun.elapsed();
        let _ = producer.close(Duration::from_secs(1)).await;
        client.close();
        Ended { result, took }
    }

    /// The records that a topic has from orders.
    pub(super) fn set_aside(&self, topic: &str) -> Vec<Place> {
        let partitions = self.cluster.topic(topic).into_iter().flat_map(|topic| topic.partitions);
        partitions.flat_map(|partition| partition.records).map(|record| place(&record.headers)).collect()
    }

    pub(super) fn committed(&self, partition: i32) -> i64 {
        let tp = streaming_kafka::TopicPartition::new(ORDERS, partition);
        self.cluster.group(GROUP).and_then(|group| group.offsets.get(&tp).copied()).unwrap_or_default()
    }

    /// Nothing is committed that is neither handled nor set aside for later.
    fn check_commits(&self) {
        // Read first: what it covers must be settled by the time that the rest is looked at.
        let Some(group) = self.cluster.group(GROUP) else { return };
        let mut settled: BTreeSet<Place> = self.handled.lock().clone();
        settled.extend(self.set_aside(DEAD));
        let waiting: Vec<_> =
            self.cluster.topic(RETRY).into_iter().flat_map(|topic| topic.partitions).collect();
        let mut put_off = settled.clone();
        put_off.extend(self.set_aside(RETRY));
        for (tp, committed) in group.offsets {
            if &*tp.topic == ORDERS {
                let lost: Vec<_> =
                    (0..committed).filter(|offset| !put_off.contains(&(tp.partition, *offset))).collect();
                assert!(lost.is_empty(), "{tp} is committed up to {committed}: {lost:?}");
            } else {
                assert_eq!(&*tp.topic, RETRY);
                let records = &waiting[usize::try_from(tp.partition).unwrap()].records;
                let lost: Vec<_> = records
                    .iter()
                    .filter(|record| record.offset < committed && !settled.contains(&place(&record.headers)))
                    .collect();
                assert!(lost.is_empty(), "{tp} is committed up to {committed}: {lost:?}");
            }
        }
    }

    fn is_all_done(&self) -> bool {
        let mut settled: BTreeSet<Place> = self.handled.lock().clone();
        settled.extend(self.set_aside(DEAD));
        let all = (0..PARTITIONS).flat_map(|partition| (0..RECORDS).map(move |offset| (partition, offset)));
        all.into_iter().all(|place| settled.contains(&place))
            && (0..PARTITIONS).all(|partition| self.committed(partition) == RECORDS)
    }

    /// After the fault is gone: another start does the rest, and each bad record is a dead letter.
    pub(super) async fn goes_on(&mut self, setup: Setup) {
        let ended = self.consume(setup).await;
        ended.result.unwrap();
        assert!(self.is_all_done());
        let letters: BTreeSet<_> = self.set_aside(DEAD).into_iter().collect();
        let bad = (0..PARTITIONS).flat_map(|partition| BAD.map(|offset| (partition, offset)));
        assert_eq!(letters, bad.collect());
    }

    /// Consumption stopped at one of the bad records, and says which, in what topic, and why.
    pub(super) fn stopped(&self, ended: &Ended, why: &str) {
        let error = ended.result.as_ref().err().unwrap_or_else(|| panic!("{why}: it did not stop"));
        let (HandlerError::DeadLetter { partition, offset, .. }
        | HandlerError::RetryTopic { partition, offset, .. }) = error
        else {
            panic!("{why}: {error}")
        };
        assert_eq!(&*partition.topic, ORDERS, "{error}");
        assert!(BAD.contains(offset), "{error}");
        let topic = if matches!(error, HandlerError::DeadLetter { .. }) { DEAD } else { RETRY };
        let says = error.to_string();
        let which = format!("{partition} at offset {offset}");
        for part in [&*which, "it is bad", &*format!("`{topic}`"), why, "consumption stopped there"] {
            assert!(says.contains(part), "`{part}` is not in: {says}");
        }
        // All before it is committed, or all before the one that was tried beside it.
        let committed = self.committed(partition.partition);
        assert!((BAD[0]..=*offset).contains(&committed), "{committed} is committed: {error}");
    }
}

fn options(setup: Setup) -> HandlerOptions {
    let mut options = HandlerOptions::default();
    options.retry = RetryPolicy::never();
    options.commit_interval = Duration::from_millis(20);
    if setup.unordered {
        options.concurrency = Concurrency::Unordered(4);
    }
    if setup.retry_topic {
        options.retry_topics = RetryTopics::after([Duration::from_millis(100)]);
    }
    options
}

/// What is too large stays so; waiting has an end soon.
fn quick() -> ProducerConfig {
    let mut config = ProducerConfig::default();
    config.compression_type = kafka_core::records::Compression::None;
    config.request_timeout = Duration::from_secs(5);
    config.delivery_timeout = DELIVERY_TIMEOUT;
    config
}

fn place(headers: &[kafka_core::records::Header]) -> Place {
    let number = |name: &str| {
        let header = headers.iter().find(|header| header.key == name).unwrap();
        std::str::from_utf8(header.value.as_deref().unwrap()).unwrap().parse::<i64>().unwrap()
    };
    (i32::try_from(number(header::PARTITION)).unwrap(), number(header::OFFSET))
}
