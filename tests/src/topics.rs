//! Topics for tests, and records in them.

use std::time::Duration;

use kafka_admin::{Admin, NewTopic};
use kafka_core::{cluster::Client, records::Compression};
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};

use crate::{Cluster, unique};

/// Longer than anything here takes on any machine.
const WAIT: Duration = Duration::from_secs(60);

/// The timestamp of the first record of [`write_records`].
pub const FIRST_TIMESTAMP: i64 = 1_000_000;

/// Creates a topic with a name of its own, and as many replicas as the cluster gives it.
///
/// # Panics
/// When it cannot be created.
pub async fn create_topic(cluster: &Cluster, prefix: &str, partitions: i32) -> String {
    let topic = unique(prefix);
    // Records may have the timestamps of long ago, and be removed for that while a test runs.
    let new = NewTopic::new(&topic).partitions(partitions).config("retention.ms", -1);
    create(&cluster.client(), &new).await;
    topic
}

/// Creates this topic.
///
/// # Panics
/// When it cannot be created.
pub async fn create(client: &Client, topic: &NewTopic) {
    Admin::new(client.clone()).create_topic(topic).await.expect("create a topic");
}

/// Writes `count` records, each with its number as value, into the partitions in turn.
///
/// # Panics
/// When one cannot be written.
pub async fn write(client: Client, topic: &str, partitions: i32, count: usize) {
    let producer = Producer::new(client, ProducerConfig::default()).expect("a producer");
    let places = (0..partitions).cycle();
    let mut deliveries = Vec::with_capacity(count);
    for (partition, number) in places.zip(0..count) {
        let value = number.to_string();
        let record = ProducerRecord::to(topic).partition(partition).value(&value);
        deliveries.push(producer.send(record).await.expect("send a record"));
    }
    for delivery in deliveries {
        delivery.await.expect("write a record");
    }
    producer.close(WAIT).await.expect("close the producer");
}

/// Writes `count` records into partition 0: the n-th has the key `key-n`, the value `value-n` and the timestamp
/// [`FIRST_TIMESTAMP`] + n.
///
/// # Panics
/// When one cannot be written.
pub async fn write_records(cluster: &Cluster, topic: &str, compression: Compression, count: usize) {
    let mut config = ProducerConfig::default();
    config.compression_type = compression;
    let producer = Producer::new(cluster.client(), config).expect("a producer");
    let mut deliveries = Vec::with_capacity(count);
    for (timestamp, number) in (FIRST_TIMESTAMP..).zip(0..count) {
        let (key, value) = (format!("key-{number}"), format!("value-{number}"));
        let record = ProducerRecord::to(topic).partition(0).key(&key).value(&value).timestamp(timestamp);
        deliveries.push(producer.send(record).await.expect("send a record"));
    }
    for delivery in deliveries {
        delivery.await.expect("write a record");
    }
    producer.close(WAIT).await.expect("close the producer");
}
