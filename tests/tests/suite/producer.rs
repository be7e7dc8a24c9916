//! The producer: what it writes, what it refuses, and a broker that is killed meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kafka_admin::NewTopic;
use kafka_core::records::Compression;
use kafka_stream::producer::{
    ProduceError, ProduceErrorKind, Producer, ProducerConfig, ProducerRecord, SizeLimit,
};
use kafka_tests::scenarios::every_compression_is_read_back;
use kafka_tests::{Cluster, count_records, create, read_back, unique};

#[tokio::test(flavor = "multi_thread")]
async fn every_compression_is_written_byte_for_byte() {
    every_compression_is_read_back(&Cluster::single().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_fails_alone_and_says_why() {
    let cluster = Cluster::single().await;
    let client = cluster.client();
    let topic = unique("refused");
    create(&client, &NewTopic::new(&topic).partitions(2).config("max.message.bytes", 100_000)).await;
    let mut config = ProducerConfig::default();
    config.compression_type = Compression::None;
    config.batch_size = 400_000;
    config.linger = Duration::from_millis(50);
    config.max_block = Duration::from_secs(3);
    let producer = Producer::new(client, config).unwrap();
    let kind = async |record: ProducerRecord<'_>| match producer.send(record).await {
        Err(error) => error.kind(),
        Ok(delivery) => delivery.await.unwrap_err().kind(),
    };

    let huge = vec![b'x'; 2_000_000];
    let too_large = kind(ProducerRecord::to(topic.as_str()).value(&huge)).await;
    assert!(matches!(
        too_large,
        ProduceErrorKind::RecordTooLarge { limit: Some(1_048_576), which: SizeLimit::MaxRequestSize, .. }
    ));
    let missing = unique("missing");
    assert_eq!(kind(ProducerRecord::to(missing.as_str()).value("v")).await, ProduceErrorKind::UnknownTopic);
    assert_eq!(kind(ProducerRecord::to("a b").value("v")).await, ProduceErrorKind::InvalidTopic);
    let nowhere = ProducerRecord::to(topic.as_str()).partition(2).value("v");
    assert_eq!(kind(nowhere).await, ProduceErrorKind::UnknownPartition);

    // One record beyond the topic's limit among others: the batch is split until it stands alone.
    let mut deliveries = Vec::new();
    for index in 0..21 {
        let value = vec![b'v'; if index == 10 { 150_000 } else { 9_000 }];
        let record = ProducerRecord::to(topic.as_str()).partition(0).value(&value);
        deliveries.push((index, producer.send(record).await.unwrap()));
    }
    for (index, delivery) in deliveries {
        match (index, delivery.await) {
            (10, Err(error)) => {
                let kind = error.kind();
                assert!(
                    matches!(kind, ProduceErrorKind::RecordTooLarge { which: SizeLimit::Topic, .. }),
                    "{error}"
                );
            }
            (_, Ok(_)) => {}
            (_, other) => panic!("record {index}: {other:?}"),
        }
    }
    assert_eq!(count_records(&cluster, &topic).await, 20);
    producer.close(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_10_mb_is_written_where_it_is_allowed() {
    let cluster = Cluster::single().await;
    let client = cluster.client();
    let topic = unique("large");
    create(&client, &NewTopic::new(&topic).partitions(1).config("max.message.bytes", 12_000_000)).await;
    let mut config = ProducerConfig::default();
    config.max_request_size = 11_000_000;
    let producer = Producer::new(client, config).unwrap();
    let value: Vec<u8> = (0..10_000_000_u32)
        .map(|index| b'a' + (index.wrapping_mul(2_654_435_761) >> 27) as u8 % 26)
        .collect();
    let delivery = producer.send(ProducerRecord::to(topic.as_str()).value(&value)).await.unwrap();
    assert_eq!(delivery.await.unwrap().offset, Some(0));
    let read = read_back(&cluster, &topic, 1).await.remove(0);
    assert!(read.value.is_some_and(|read| read.as_bytes() == value));
    producer.close(Duration::from_secs(10)).await.unwrap();
}

/// Sends numbers into six partitions in turn until told to stop; what failed.
async fn send_numbers(
    producer: Producer,
    topic: String,
    sent: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> Vec<ProduceError> {
    let mut deliveries = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..100 {
            let index = sent.fetch_add(1, Ordering::Relaxed);
            let partition = i32::try_from(index % 6).unwrap();
            let record = ProducerRecord::to(topic.as_str()).partition(partition).value(index.to_string());
            deliveries.push(producer.send(record).await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut failed = Vec::new();
    for delivery in deliveries {
        failed.extend(delivery.await.err());
    }
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_loses_repeats_and_reorders_nothing() {
    let cluster = Cluster::three().await.exclusive();
    let client = cluster.client();
    let topic = unique("killed");
    let new = NewTopic::new(&topic).partitions(6).replication_factor(3).config("min.insync.replicas", 2);
    create(&client, &new).await;
    let mut config = ProducerConfig::default();
    config.retries = 3;
    let producer = Producer::new(client, config).unwrap();
    let (sent, stop): (Arc<AtomicUsize>, Arc<AtomicBool>) = Default::default();
    let sending = send_numbers(producer.clone(), topic.clone(), Arc::clone(&sent), Arc::clone(&stop));
    let sending = tokio::spawn(sending);
    // While the broker is there, while it is not, and when it is there again.
    let more = async || {
        let goal = sent.load(Ordering::Relaxed) + 6_000;
        while sent.load(Ordering::Relaxed) < goal {
            assert!(!sending.is_finished(), "sending ended");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    more().await;
    let victim = cluster.broker_ids()[1];
    cluster.kill(victim).await;
    more().await;
    cluster.start(victim).await;
    more().await;
    stop.store(true, Ordering::Relaxed);
    let failed = sending.await.unwrap();
    assert!(failed.is_empty(), "{} failed, first {:?}", failed.len(), failed.first());
    producer.close(Duration::from_secs(30)).await.unwrap();

    let sent = sent.load(Ordering::Relaxed);
    assert_eq!(count_records(&cluster, &topic).await, sent as u64);
    let mut partitions: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for record in read_back(&cluster, &topic, sent).await {
        let number = record.value.unwrap().parse().unwrap();
        partitions.entry(record.partition).or_default().push(number);
    }
    for (partition, values) in partitions {
        let expected: Vec<usize> = (usize::try_from(partition).unwrap()..sent).step_by(6).collect();
        assert!(values == expected, "{partition}: {} records, not in order or not whole", values.len());
    }
}
