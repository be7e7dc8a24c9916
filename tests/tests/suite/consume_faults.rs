//! The consumer while brokers die: nothing is skipped, nothing comes twice, order is kept.

// What is not as it must be ends the test, also in its helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use kafka_admin::Admin;
use kafka_stream::consumer::{Consumer, ConsumerConfig};
use kafka_tests::{Cluster, create_topic, write};

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_in_order_while_each_broker_is_killed_and_started_again() {
    const COUNT: usize = 30_000;
    let cluster = Cluster::three().await.exclusive();
    let topic = create_topic(&cluster, "consume-kill", 3).await;
    write(cluster.client(), &topic, 3, COUNT).await;

    let admin = Admin::new(cluster.client());
    let mut config = ConsumerConfig::default();
    config.fetch_min_bytes = 1;
    config.max_poll_records = 100;
    // Small, so that fetches go on all the time.
    config.max_partition_fetch_bytes = 4096;
    let consumer = Consumer::new(cluster.client(), config).unwrap();
    consumer.assign((0..3).map(|partition| (topic.as_str(), partition))).unwrap();
    let (mut next, mut read) = ([0_i64; 3], 0);
    let mut deadline = Instant::now() + Duration::from_secs(60);
    for stage in 1..=4 {
        let goal = COUNT * stage / 4;
        while read < goal {
            if Instant::now() >= deadline {
                panic!("stuck at {next:?}: {:?}", admin.describe_topic(&topic).await);
            }
            for record in &consumer.poll(Duration::from_millis(500)).await.unwrap() {
                let expected = &mut next[usize::try_from(record.partition()).unwrap()];
                assert_eq!(record.offset(), *expected, "partition {}", record.partition());
                *expected += 1;
                read += 1;
            }
        }
        if stage <= 3 {
            let broker = i32::try_from(stage).unwrap();
            cluster.kill(broker).await;
            let stopped = Instant::now();
            while stopped.elapsed() < Duration::from_secs(2) {
                for record in &consumer.poll(Duration::from_millis(100)).await.unwrap() {
                    let expected = &mut next[usize::try_from(record.partition()).unwrap()];
                    assert_eq!(record.offset(), *expected, "partition {}", record.partition());
                    *expected += 1;
                    read += 1;
                }
            }
            cluster.start(broker).await;
            // A broker that is killed before the one before it has caught up may leave a partition without a leader, and
            // then there is nothing to read.
            in_sync(&admin, &topic).await;
            deadline = Instant::now() + Duration::from_secs(60);
        }
    }
    assert_eq!(next, [10_000; 3]);
    assert!(consumer.poll(Duration::from_secs(1)).await.unwrap().is_empty());
}

/// Waits until every replica of the topic is in sync.
async fn in_sync(admin: &Admin, topic: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let described = admin.describe_topic(topic).await;
        let partitions = described.as_ref().map(|topic| topic.partitions.as_slice()).unwrap_or_default();
        if !partitions.is_empty() && partitions.iter().all(|partition| partition.isr.len() == 3) {
            return;
        }
        assert!(Instant::now() < deadline, "not in sync: {described:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
