//! What becomes of records: weaker acknowledgements, futures dropped midway, refusals among others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kafka_admin::NewTopic;
use kafka_core::records::Compression;
use kafka_stream::producer::{Acks, Producer, ProducerConfig, ProducerRecord};
use kafka_tests::{Cluster, count_records, create, read_back, scenarios, unique};

const CLOSE: Duration = Duration::from_secs(60);

async fn values(cluster: &Cluster, topic: &str, count: usize) -> Vec<String> {
    read_back(cluster, topic, count).await.into_iter().filter_map(|record| record.value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn weaker_acknowledgements_write_every_record_in_order() {
    let cluster = Cluster::single().await;
    let client = cluster.client();
    for acks in [Acks::None, Acks::Leader] {
        let topic = unique("acks");
        create(&client, &NewTopic::new(&topic).partitions(1)).await;
        let mut config = ProducerConfig::default();
        (config.acks, config.enable_idempotence, config.batch_size) = (acks, false, 1_000);
        let producer = Producer::new(client.clone(), config).unwrap();
        let mut deliveries = Vec::new();
        for index in 0..2_000 {
            let value = index.to_string();
            deliveries.push(producer.send(ProducerRecord::to(topic.as_str()).value(value)).await.unwrap());
        }
        for (index, delivery) in (0..).zip(deliveries) {
            let expected = (acks == Acks::Leader).then_some(index);
            assert_eq!(
                delivery.await.unwrap().offset,
                expected,
                "nobody tells offsets without acknowledgement"
            );
        }
        let stats = producer.stats();
        assert_eq!((stats.messages_sent, stats.in_flight), (2_000, 0));
        assert_eq!(stats.buffer_available, stats.buffer_total);
        producer.close(CLOSE).await.unwrap();
        let read = values(&cluster, &topic, 2_000).await;
        assert_eq!(read, (0..2_000).map(|index| index.to_string()).collect::<Vec<_>>());
    }
}

/// Polls `future` up to `polls` times and drops it.
async fn cut_off<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(done);
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_dropped_midway_are_written_once_if_accepted_and_else_not_at_all() {
    let cluster = Cluster::single().await;
    let client = cluster.client();
    let topic = unique("dropped");
    create(&client, &NewTopic::new(&topic).partitions(1)).await;
    let mut config = ProducerConfig::default();
    // Room for two batches: most sends have to wait, and are dropped while they do or just after.
    (config.batch_size, config.buffer_memory, config.compression_type) = (4_000, 8_000, Compression::None);
    let producer = Producer::new(client, config).unwrap();
    let mut accepted = BTreeSet::new();
    let mut dropped = 0;
    for index in 0..3_000_usize {
        let value = format!("{index:01000}");
        let record = ProducerRecord::to(topic.as_str()).value(value.as_str());
        match cut_off(producer.send(record), index % 5).await {
            Some(delivery) => {
                accepted.insert(value);
                // Half of the deliveries are dropped too.
                let delivery = delivery.unwrap();
                if index % 2 == 0 {
                    tokio::spawn(delivery);
                }
            }
            None => dropped += 1,
        }
    }
    producer.flush().await.unwrap();
    let stats = producer.stats();
    assert_eq!((stats.messages_sent, stats.send_errors, stats.in_flight), (accepted.len() as u64, 0, 0));
    assert_eq!(stats.buffer_available, stats.buffer_total);
    assert!(dropped > 100 && accepted.len() > 100, "{dropped} dropped, {} accepted", accepted.len());
    producer.close(CLOSE).await.unwrap();
    let read = values(&cluster, &topic, accepted.len()).await;
    assert_eq!(count_records(&cluster, &topic).await, accepted.len() as u64);
    assert!(read == accepted.into_iter().collect::<Vec<_>>(), "not the accepted ones, or not in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_fails_alone_while_others_are_written() {
    let cluster = Cluster::single().await;
    scenarios::what_is_refused_fails_alone(&cluster).await;
}
