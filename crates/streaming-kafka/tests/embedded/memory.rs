//! What waits is bounded by the settings, however slow the other side is.

use std::time::Duration;

use kafka_embedded::{EmbeddedCluster, link};
use streaming_kafka::consumer::{Consumer, ConsumerConfig};
use streaming_kafka::producer::{Producer, ProducerConfig, ProducerRecord};
use tokio::task::JoinSet;

use crate::support::in_memory_client;

#[tokio::test(start_paused = true)]
async fn a_fast_producer_waits_for_a_slow_broker_within_buffer_memory() {
    const RECORDS: usize = 2_000;
    let cluster = EmbeddedCluster::builder().brokers(1).seed(7).in_memory().topic("events", 3).start();
    let cluster = cluster.await.unwrap();
    cluster.inject(link().slow(Duration::from_millis(20), 100_000));
    let client = in_memory_client(&cluster, "fast");
    let mut config = ProducerConfig::default();
    config.buffer_memory = 64 * 1024;
    config.batch_size = 4 * 1024;
    config.compression_type = "none".parse().unwrap();
    config.compression_parallelism = 1;
    config.max_block = Duration::from_secs(600);
    config.delivery_timeout = Duration::from_secs(600);
    let producer = Producer::new(client.clone(), config).unwrap();
    let mut senders = JoinSet::new();
    let (mut fullest, mut sent) = (0, 0);
    for sender in 0..8 {
        let producer = producer.clone();
        senders.spawn(async move {
            let mut deliveries = Vec::new();
            for number in 0..RECORDS / 8 {
                let value = format!("{sender}-{number}-{}", "x".repeat(900));
                deliveries.push(producer.send(ProducerRecord::to("events").value(&value)).await.unwrap());
            }
            for delivery in deliveries {
                delivery.await.unwrap();
            }
        });
    }
    while !senders.is_empty() {
        let stats = producer.stats();
        assert!(stats.buffer_available <= stats.buffer_total);
        fullest = fullest.max(stats.buffer_total - stats.buffer_available);
        tokio::select! {
            Some(ended) = senders.join_next() => {
                ended.unwrap();
                sent += RECORDS / 8;
            }
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
    assert_eq!(sent, RECORDS);
    assert!(fullest > 32 * 1024, "it was never near its limit: {fullest}");
    assert_eq!(producer.stats().buffer_available, producer.stats().buffer_total);
    assert_eq!(cluster.end_offsets("events").unwrap().iter().sum::<i64>(), RECORDS as i64);
    producer.close(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_of_a_thousand_partitions_buffers_no_more_than_its_bound() {
    const PARTITIONS: i32 = 1_000;
    const BOUND: usize = 64 * 1024;
    let cluster =
        EmbeddedCluster::builder().brokers(2).seed(7).in_memory().topic("events", PARTITIONS).start();
    let cluster = cluster.await.unwrap();
    let client = in_memory_client(&cluster, "filling");
    let mut config = ProducerConfig::default();
    config.compression_type = "none".parse().unwrap();
    config.compression_parallelism = 1;
    let producer = Producer::new(client.clone(), config).unwrap();
    let value = "x".repeat(1_000);
    let mut deliveries = Vec::new();
    for partition in (0..PARTITIONS).chain(0..PARTITIONS) {
        let record = ProducerRecord::to("events").partition(partition).value(&value);
        deliveries.push(producer.send(record).await.unwrap());
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let mut config = ConsumerConfig::default();
    config.prefetch_max_bytes = BOUND;
    config.max_partition_fetch_bytes = 16 * 1024;
    config.fetch_max_bytes = 16 * 1024;
    config.max_poll_records = 7;
    config.fetch_min_bytes = 1;
    let consumer = Consumer::new(client, config).unwrap();
    consumer.assign((0..PARTITIONS).map(|partition| ("events", partition))).unwrap();
    let (mut read, mut fullest) = (0, 0);
    while read < 2 * PARTITIONS as usize {
        read += consumer.poll(Duration::from_secs(5)).await.unwrap().len();
        tokio::time::sleep(Duration::from_millis(30)).await;
        let buffered = consumer.stats().buffered_bytes;
        // One answer per broker may exceed the bound.
        assert!(buffered <= BOUND + 2 * 16 * 1024, "{buffered} bytes after {read} records");
        fullest = fullest.max(buffered);
    }
    assert!(fullest > BOUND / 2, "it was never near its bound: {fullest}");
    consumer.close(Duration::from_secs(5)).await.unwrap();
}
