//! Clocks that jump: a machine that was suspended goes on where it was, and nothing expires that had time left.

use std::time::Duration;

use kafka_embedded::{EmbeddedCluster, link};
use streaming_kafka::consumer::{Consumer, ConsumerConfig, ConsumerErrorKind};
use streaming_kafka::producer::{ProduceErrorKind, Producer, ProducerConfig, ProducerRecord};
use tokio::time::{advance, sleep};

use crate::support::{in_memory_client, number, read, send};

async fn cluster() -> EmbeddedCluster {
    EmbeddedCluster::builder().brokers(2).seed(7).in_memory().topic("events", 2).start().await.unwrap()
}

fn producer(cluster: &EmbeddedCluster) -> Producer {
    let mut config = ProducerConfig::default();
    config.compression_parallelism = 1;
    Producer::new(in_memory_client(cluster, "producing"), config).unwrap()
}

#[tokio::test(start_paused = true)]
async fn records_under_way_while_the_machine_is_suspended_are_written_once() {
    let cluster = cluster().await;
    let producer = producer(&cluster);
    send(&producer, "events", 0..2).await;
    for (round, pause) in [1, 31, 60, 110].into_iter().enumerate() {
        // Both sides of the request timeout of 30 s, within the delivery timeout of 120 s.
        let slow = cluster.inject(link().slow(Duration::from_millis(300), 1_000_000));
        let mut deliveries = Vec::new();
        for number in 0..20 {
            let value = format!("{round}-{number}");
            let record = ProducerRecord::to("events").partition(0).value(&value);
            deliveries.push(producer.send(record).await.unwrap());
        }
        sleep(Duration::from_millis(100)).await;
        advance(Duration::from_secs(pause)).await;
        cluster.end(slow);
        for delivery in deliveries {
            delivery.await.unwrap();
        }
        // What is sent after the pause has all of its time.
        producer.send(ProducerRecord::to("events").value("after")).await.unwrap().await.unwrap();
    }
    let records =
        cluster.topic("events").unwrap().partitions.into_iter().flat_map(|partition| partition.records);
    let mut values: Vec<_> =
        records.filter_map(|record| record.value).filter(|value| value.contains(&b'-')).collect();
    assert_eq!(values.len(), 80);
    values.sort();
    values.dedup();
    assert_eq!(values.len(), 80);
    producer.close(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_had_no_time_left_says_so_and_the_producer_goes_on() {
    let cluster = cluster().await;
    let producer = producer(&cluster);
    send(&producer, "events", 0..2).await;
    let held = cluster.inject(link().hold_answers());
    let sent = producer.send(ProducerRecord::to("events").partition(0).value("sent")).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    advance(Duration::from_secs(600)).await;
    let error = sent.await.unwrap_err();
    assert!(error.may_be_written() && error.kind() == ProduceErrorKind::OutcomeUnknown, "{error}");
    cluster.end(held);
    send(&producer, "events", 2..10).await;
    let stats = producer.stats();
    assert_eq!((stats.buffer_available, stats.in_flight), (stats.buffer_total, 0));
    producer.close(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_member_that_was_suspended_past_its_session_comes_back_and_skips_nothing() {
    let cluster = cluster().await;
    let producer = producer(&cluster);
    send(&producer, "events", 0..50).await;
    let mut config = ConsumerConfig::default();
    config.group_id = Some("suspended".to_owned());
    config.fetch_min_bytes = 1;
    config.max_poll_interval = Duration::from_secs(50);
    let consumer = Consumer::new(in_memory_client(&cluster, "reading"), config).unwrap();
    consumer.subscribe(["events"]).unwrap();
    let mut seen: Vec<u32> = read(&consumer, 50).await.iter().map(number).collect();
    consumer.commit_sync().await.unwrap();
    let mut next = 50;
    for pause in [20, 40, 60, 600] {
        advance(Duration::from_secs(pause)).await;
        send(&producer, "events", next..next + 50).await;
        next += 50;
        while seen.len() < next as usize {
            match consumer.poll(Duration::from_secs(1)).await {
                Ok(records) => seen.extend(records.into_iter().map(|record| number(&record))),
                // That the poll is late is said, and is no end.
                Err(error) => {
                    assert_eq!(error.kind(), ConsumerErrorKind::MaxPollIntervalExceeded, "{error}");
                    assert!(error.is_retriable() && pause > 50);
                }
            }
        }
        // It may still learn that its session was over.
        while consumer.commit_sync().await.is_err() {
            consumer.poll(Duration::from_secs(1)).await.unwrap();
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..next).collect::<Vec<_>>());
    consumer.close(Duration::from_secs(5)).await.unwrap();
    producer.close(Duration::from_secs(10)).await.unwrap();
}
