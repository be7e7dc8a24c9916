//! A topic that is deleted and created anew, again and again, below a reader without a group that lags behind.

use std::time::Duration;

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::admin::Admin;
use streaming_kafka::consumer::Consumer;
use streaming_kafka::producer::{Producer, ProducerConfig};
use streaming_kafka::{NewTopic, TopicPartition};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{consumer, in_memory_client, number, send};

const PARTITIONS: i32 = 6;

/// Reads on until the last number comes.
async fn read_to(consumer: &Consumer, last: u32) -> usize {
    let mut seen = 0;
    loop {
        let Ok(records) = consumer.poll(Duration::from_millis(100)).await else { continue };
        seen += records.len();
        if records.into_iter().any(|record| number(&record) == last) {
            return seen;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_lags_goes_on_with_each_topic_that_has_the_name() {
    let cluster = EmbeddedCluster::builder().brokers(3).in_memory().start().await.unwrap();
    let client = in_memory_client(&cluster, "client");
    let admin = Admin::new(client.clone());
    let topic = NewTopic::new("t").partitions(PARTITIONS).replication_factor(3);
    admin.create_topic(&topic).await.unwrap();
    let producer = Producer::new(client.clone(), ProducerConfig::default()).unwrap();
    // By a client of its own, which hears of the topic from nobody else.
    let consumer = consumer(&in_memory_client(&cluster, "reader"), None);
    consumer.assign((0..PARTITIONS).map(|partition| TopicPartition::new("t", partition))).unwrap();
    for life in 0..12_u32 {
        let first = life * 10_000;
        for chunk in 0..20 {
            send(&producer, "t", first + chunk * 100..first + chunk * 100 + 100).await;
            if chunk % 5 == life % 5 {
                let _ = consumer.poll(Duration::from_millis(10)).await;
            }
        }
        if life == 11 {
            let begun = Instant::now();
            let read = timeout(Duration::from_secs(60), read_to(&consumer, first + 1_999)).await;
            assert!(read.is_ok(), "nothing comes any more");
            assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
            return;
        }
        admin.delete_topics(&["t"]).await.unwrap();
        for _ in 0..life % 4 {
            let _ = consumer.poll(Duration::from_millis(300)).await;
        }
        sleep(Duration::from_millis(u64::from(life % 3) * 500)).await;
        admin.create_topic(&topic).await.unwrap();
    }
}
