//! The producer's way in: from `send` to the record in its batch.

use futures_util::FutureExt;
use kafka_embedded::EmbeddedCluster;
use streaming_kafka::producer::{Producer, ProducerConfig, ProducerRecord};
use streaming_kafka::{Client, ClientConfig};
use tokio::runtime::Builder;

use crate::counted_work;

const TOPIC: &str = "events";
const PARTITIONS: i32 = 3;
/// A dozen batches.
const RECORDS: usize = 6000;
const BATCH_SIZE: usize = 64 << 10;

/// The runtime stands still while records are sent, so that nothing but `send` is counted: neither the sender's task nor the
/// broker, who have only what was sent to warm up.
pub(crate) fn send(keyed: bool) -> usize {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_cluster, producer) = runtime.block_on(producer());
    let keys: Vec<String> = (0..100).map(|key| format!("key-{key}")).collect();
    let mut work = || {
        for i in 0..RECORDS {
            let value = [b'a' + (i % 7) as u8; 100];
            let mut record = ProducerRecord::to(TOPIC).value(&value);
            if keyed {
                record = record.key(&keys[i % keys.len()]);
            }
            drop(producer.send(record).now_or_never().unwrap().unwrap());
        }
    };
    work();
    // The batches are given back.
    runtime.block_on(producer.flush()).unwrap();
    counted_work(&mut work);
    RECORDS
}

/// Knows the topic already.
async fn producer() -> (EmbeddedCluster, Producer) {
    let cluster = EmbeddedCluster::builder().in_memory().topic(TOPIC, PARTITIONS).start().await.unwrap();
    let servers = cluster.bootstrap_servers();
    let mut config = ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()));
    config.connector = Some(cluster.connector());
    let client = Client::new(config).unwrap();
    let mut config = ProducerConfig::default();
    config.batch_size = BATCH_SIZE;
    let producer = Producer::new(client, config).unwrap();
    producer.partitions_for(TOPIC).await.unwrap();
    (cluster, producer)
}
