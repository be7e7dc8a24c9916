use std::time::Duration;

use kafka_embedded::{EmbeddedCluster, EmbeddedClusterBuilder};
use streaming_kafka::consumer::{Consumer, ConsumerConfig, ConsumerRecord};
use streaming_kafka::producer::{Producer, ProducerConfig, ProducerRecord};
use streaming_kafka::{Client, ClientConfig};

/// Only a hang takes longer.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// A cluster with these topics.
pub(crate) async fn cluster(brokers: u16, topics: &[(&str, i32)]) -> EmbeddedCluster {
    let builder = EmbeddedCluster::builder().brokers(brokers).seed(7);
    let with =
        |builder: EmbeddedClusterBuilder, &(name, partitions): &(&str, i32)| builder.topic(name, partitions);
    topics.iter().fold(builder, with).start().await.unwrap()
}

pub(crate) fn client(cluster: &EmbeddedCluster) -> Client {
    let servers = cluster.bootstrap_servers();
    let addresses = servers.iter().map(|server| server.parse().unwrap());
    Client::new(ClientConfig::new(addresses)).unwrap()
}

/// A client that reaches the cluster in memory.
pub(crate) fn in_memory_client(cluster: &EmbeddedCluster, id: &str) -> Client {
    let servers = cluster.bootstrap_servers();
    let mut config = ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()));
    config.connector = Some(cluster.connector());
    config.client_id = id.to_owned();
    Client::new(config).unwrap()
}

pub(crate) fn producer(client: &Client) -> Producer {
    Producer::new(client.clone(), ProducerConfig::default()).unwrap()
}

pub(crate) fn consumer(client: &Client, group: Option<&str>) -> Consumer {
    let mut config = ConsumerConfig::default();
    config.group_id = group.map(str::to_owned);
    config.fetch_min_bytes = 1;
    config.session_timeout = Duration::from_secs(6);
    config.heartbeat_interval = Duration::from_millis(100);
    Consumer::new(client.clone(), config).unwrap()
}

/// Sends the numbers from `from` to before `to` and waits until all are acknowledged.
pub(crate) async fn send(producer: &Producer, topic: &str, numbers: std::ops::Range<u32>) {
    let mut deliveries = Vec::new();
    for number in numbers {
        let (key, value) = ((number % 100).to_string(), number.to_string());
        deliveries.push(producer.send(ProducerRecord::to(topic).key(&key).value(&value)).await.unwrap());
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
}

pub(crate) fn number(record: &ConsumerRecord) -> u32 {
    std::str::from_utf8(record.value.as_deref().unwrap()).unwrap().parse().unwrap()
}

/// Polls until `count` records have come.
pub(crate) async fn read(consumer: &Consumer, count: usize) -> Vec<ConsumerRecord> {
    let mut records = Vec::new();
    let all = async {
        while records.len() < count {
            records.extend(consumer.poll(Duration::from_secs(1)).await.unwrap());
        }
    };
    tokio::time::timeout(WAIT, all).await.unwrap();
    records
}

/// Waits until `done` says so.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(WAIT, wait).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}
