//! The oldest Kafka that is supported.
//!
//! Only on real clusters: brokers of that version answer as they did in their time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use kafka_admin::NewTopic;
use kafka_stream::producer::{Acks, Producer, ProducerConfig, ProducerRecord};
use kafka_tests::scenarios;
use kafka_tests::{Cluster, count_records, create, read_back, unique};

#[tokio::test]
async fn a_topic_is_created_compared_grown_altered_and_deleted() {
    scenarios::a_topics_life(&Cluster::oldest()).await;
}

#[tokio::test]
async fn the_broker_answers_everything_a_client_asks() {
    scenarios::everything_a_client_asks_of_a_cluster(&Cluster::oldest(), 1).await;
}

#[tokio::test]
async fn poison_ends_in_the_dead_letter_topic() {
    scenarios::poison_is_set_aside_and_the_rest_is_handled(&Cluster::oldest()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_fails_alone_too() {
    scenarios::what_is_refused_fails_alone(&Cluster::oldest()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_console_consumer_reads_every_compression_byte_for_byte() {
    scenarios::every_compression_is_read_back(&Cluster::oldest()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledgement_writes_every_record() {
    let cluster = Cluster::oldest();
    let client = cluster.client();
    for acks in [Acks::None, Acks::Leader, Acks::All] {
        let topic = unique("acks");
        create(&client, &NewTopic::new(&topic).partitions(3)).await;
        let mut config = ProducerConfig::default();
        (config.acks, config.enable_idempotence, config.batch_size) = (acks, acks == Acks::All, 2_000);
        let producer = Producer::new(client.clone(), config).unwrap();
        for index in 0..5_000 {
            let value = index.to_string();
            drop(producer.send(ProducerRecord::to(topic.as_str()).value(value)).await.unwrap());
        }
        producer.flush().await.unwrap();
        let stats = producer.stats();
        assert_eq!((stats.messages_sent, stats.send_errors), (5_000, 0));
        producer.close(Duration::from_secs(60)).await.unwrap();
        assert_eq!(count_records(&cluster, &topic).await, 5_000, "{acks:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_only_broker_loses_repeats_and_reorders_nothing() {
    const COUNT: usize = 20_000;
    let cluster = Cluster::oldest().exclusive();
    let client = cluster.client();
    let topic = unique("restarted");
    create(&client, &NewTopic::new(&topic).partitions(1)).await;
    let mut config = ProducerConfig::default();
    config.retries = 3;
    let producer = Producer::new(client, config).unwrap();
    let sending = tokio::spawn({
        let (producer, topic) = (producer.clone(), topic.clone());
        async move {
            let mut deliveries = Vec::new();
            for index in 0..COUNT {
                let record = ProducerRecord::to(topic.as_str()).value(index.to_string());
                deliveries.push(producer.send(record).await.unwrap());
                if index % 100 == 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            for (offset, delivery) in (0..).zip(deliveries) {
                assert_eq!(delivery.await.unwrap().offset, Some(offset));
            }
        }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let broker = cluster.broker_ids()[0];
    cluster.stop(broker).await;
    cluster.start(broker).await;
    sending.await.unwrap();
    producer.close(Duration::from_secs(60)).await.unwrap();
    assert_eq!(count_records(&cluster, &topic).await, COUNT as u64);
    let read = read_back(&cluster, &topic, COUNT).await.into_iter().map(|record| record.value);
    assert!(read.eq((0..COUNT).map(|index| Some(index.to_string()))));
}
