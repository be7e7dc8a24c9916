//! What becomes of records on a real broker: weaker acknowledgements, futures dropped midway, refusals among others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod produced;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kafka_core::records::Compression;
use kafka_stream::producer::{Acks, ProduceErrorKind, Producer, ProducerConfig, ProducerRecord, SizeLimit};
use kafka_tests::{Cluster, unique};
use produced::{count_by_java, create, read_by_java};

const CLOSE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn weaker_acknowledgements_write_every_record_in_order() {
    let cluster = Cluster::single();
    let client = cluster.client();
    for acks in [Acks::None, Acks::Leader] {
        let topic = unique("acks");
        create(&client, &topic, 1, 1, &[]).await;
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
        let read = read_by_java(&cluster, &topic, 2_000, &[]).await;
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
    let cluster = Cluster::single();
    let client = cluster.client();
    let topic = unique("dropped");
    create(&client, &topic, 1, 1, &[]).await;
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
    let read = read_by_java(&cluster, &topic, accepted.len(), &[]).await;
    assert_eq!(count_by_java(&cluster, &topic).await, accepted.len() as u64);
    assert!(read == accepted.into_iter().collect::<Vec<_>>(), "not the accepted ones, or not in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_fails_alone_while_others_are_written() {
    let cluster = Cluster::single();
    refusals(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_oldest_broker_refuses_fails_alone_too() {
    let cluster = Cluster::oldest();
    refusals(&cluster).await;
}

async fn refusals(cluster: &Cluster) {
    let client = cluster.client();
    let topic = unique("among-others");
    create(&client, &topic, 1, 1, &[("max.message.bytes", "50000")]).await;
    let mut config = ProducerConfig::default();
    (config.compression_type, config.max_block) = (Compression::None, Duration::from_secs(5));
    (config.batch_size, config.linger) = (200_000, Duration::from_millis(50));
    let producer = Producer::new(client, config).unwrap();
    let missing = unique("missing");
    let huge = "x".repeat(2_000_000);
    let large = "y".repeat(90_000);
    let mut good = Vec::new();
    let mut late = Vec::new();
    let mut refused = Vec::new();
    for round in 0..6 {
        for index in 0..10 {
            let value = format!("{round}-{index}");
            good.push(producer.send(ProducerRecord::to(topic.as_str()).value(value)).await.unwrap());
        }
        let bad = match round {
            0 => ProducerRecord::to(missing.as_str()).value("v"),
            1 => ProducerRecord::to("not a name").value("v"),
            2 => ProducerRecord::to(topic.as_str()).value(&huge),
            3 => ProducerRecord::to(topic.as_str()).partition(9).value("v"),
            4 => ProducerRecord::to(topic.as_str()).value("v").timestamp(-5),
            _ => ProducerRecord::to(topic.as_str()).value(&large),
        };
        match producer.send(bad).await {
            Ok(delivery) => late.push(delivery),
            Err(error) => refused.push(error.kind()),
        }
    }
    let max = ProduceErrorKind::RecordTooLarge {
        size: match refused[2] {
            ProduceErrorKind::RecordTooLarge { size, .. } => size,
            other => panic!("{other:?}"),
        },
        limit: Some(1_048_576),
        which: SizeLimit::MaxRequestSize,
    };
    assert_eq!(
        refused,
        [
            ProduceErrorKind::UnknownTopic,
            ProduceErrorKind::InvalidTopic,
            max,
            ProduceErrorKind::UnknownPartition,
            ProduceErrorKind::InvalidRecord
        ]
    );
    // The broker alone knows its `max.message.bytes`.
    let error = late.pop().unwrap().await.unwrap_err();
    assert!(
        matches!(error.kind(), ProduceErrorKind::RecordTooLarge { which: SizeLimit::Topic, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("max.message.bytes") && !error.may_be_written(), "{error}");
    for (offset, delivery) in (0..).zip(good) {
        assert_eq!(delivery.await.unwrap().offset, Some(offset));
    }
    assert_eq!(count_by_java(cluster, &topic).await, 60);
    producer.close(CLOSE).await.unwrap();
}
