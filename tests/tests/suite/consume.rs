//! The consumer with partitions that it is told: positions, commits, polls that are dropped.

// What is not as it must be ends the test, also in its helpers.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use kafka_admin::NewTopic;
use kafka_core::TopicPartition;
use kafka_core::records::Compression;
use kafka_stream::consumer::{
    AutoOffsetReset, Consumer, ConsumerConfig, ConsumerErrorKind, ConsumerRecord, OffsetAndMetadata,
};
use kafka_tests::{Cluster, create, create_topic, unique, write_records};

const WAIT: Duration = Duration::from_secs(30);

fn config() -> ConsumerConfig {
    let mut config = ConsumerConfig::default();
    config.fetch_min_bytes = 1;
    config
}

fn consumer(cluster: &Cluster, change: impl FnOnce(&mut ConsumerConfig)) -> Consumer {
    let mut config = config();
    change(&mut config);
    Consumer::new(cluster.client(), config).unwrap()
}

/// Polls until `count` records came; more than that is a failure.
async fn read(consumer: &Consumer, count: usize) -> Vec<ConsumerRecord> {
    let (mut records, deadline) = (Vec::new(), Instant::now() + WAIT);
    while records.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} records came", records.len());
        records.extend(consumer.poll(Duration::from_millis(500)).await.unwrap());
    }
    assert_eq!(records.len(), count);
    records
}

fn numbers(records: &[ConsumerRecord]) -> Vec<i64> {
    records.iter().map(|record| record.offset).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_move_where_they_are_told_to() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "consume-seek", 1).await;
    write_records(&cluster, &topic, Compression::Lz4, 100).await;
    let tp = TopicPartition::new(topic.as_str(), 0);
    let consumer = consumer(&cluster, |config| config.max_poll_records = 10);
    let refused = consumer.poll(Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.kind(), ConsumerErrorKind::NoSubscription);
    consumer.assign([tp.clone()]).unwrap();

    assert_eq!(consumer.beginning_offsets(std::slice::from_ref(&tp)).await.unwrap()[&tp], 0);
    assert_eq!(consumer.end_offsets(std::slice::from_ref(&tp)).await.unwrap()[&tp], 100);
    let times = [(tp.clone(), 1_000_042), (TopicPartition::new(topic.as_str(), 0), 1_000_042)];
    let found = consumer.offsets_for_times(times).await.unwrap()[&tp].unwrap();
    assert_eq!((found.offset, found.timestamp), (42, 1_000_042));
    let none = consumer.offsets_for_times([(tp.clone(), 9_000_000)]).await.unwrap();
    assert_eq!(none[&tp], None);
    assert_eq!(consumer.partitions_for(&topic).await.unwrap(), std::slice::from_ref(&tp));

    assert_eq!(numbers(&read(&consumer, 10).await), (0..10).collect::<Vec<_>>());
    consumer.seek(&tp, 55).unwrap();
    assert_eq!(consumer.position(&tp).unwrap(), Some(55));
    assert_eq!(numbers(&read(&consumer, 20).await), (55..75).collect::<Vec<_>>());
    consumer.seek_to_beginning(std::slice::from_ref(&tp)).unwrap();
    assert_eq!(numbers(&read(&consumer, 10).await)[0], 0);
    consumer.seek_to_timestamp(std::slice::from_ref(&tp), 1_000_090).unwrap();
    assert_eq!(numbers(&read(&consumer, 10).await), (90..100).collect::<Vec<_>>());

    consumer.seek(&tp, 0).unwrap();
    consumer.pause(std::slice::from_ref(&tp)).unwrap();
    assert_eq!(consumer.paused(), std::slice::from_ref(&tp));
    assert!(consumer.poll(Duration::from_millis(500)).await.unwrap().is_empty());
    consumer.resume(std::slice::from_ref(&tp)).unwrap();
    assert_eq!(numbers(&read(&consumer, 10).await)[0], 0);
    consumer.seek_to_end(std::slice::from_ref(&tp)).unwrap();
    assert!(consumer.poll(Duration::from_millis(500)).await.unwrap().is_empty());
    assert_eq!(consumer.position(&tp).unwrap(), Some(100));

    let stats = consumer.stats();
    assert_eq!((stats.records, stats.partitions, stats.lag), (60, 1, 0));
    consumer.close(WAIT).await.unwrap();
    assert_eq!(consumer.poll(Duration::ZERO).await.unwrap_err().kind(), ConsumerErrorKind::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_outside_the_log_is_reset_or_said_until_the_user_seeks() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "consume-range", 1).await;
    write_records(&cluster, &topic, Compression::None, 10).await;
    let tp = TopicPartition::new(topic.as_str(), 0);
    let resetting = consumer(&cluster, |_| {});
    resetting.assign([tp.clone()]).unwrap();
    resetting.seek(&tp, 1000).unwrap();
    assert_eq!(numbers(&read(&resetting, 10).await)[0], 0);

    let strict = consumer(&cluster, |config| config.auto_offset_reset = AutoOffsetReset::None);
    strict.assign([tp.clone()]).unwrap();
    let error = strict.poll(WAIT).await.unwrap_err();
    assert_eq!(error.kind(), ConsumerErrorKind::NoOffset);
    strict.seek(&tp, 1000).unwrap();
    let error = strict.poll(WAIT).await.unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ConsumerErrorKind::OffsetOutOfRange, Some(1000)));
    assert_eq!(error.partition(), Some(&tp));
    strict.seek(&tp, 5).unwrap();
    assert_eq!(numbers(&read(&strict, 5).await), [5, 6, 7, 8, 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topic_is_an_error_and_is_read_once_it_exists() {
    let cluster = Cluster::single().await;
    let topic = unique("consume-later");
    let consumer = consumer(&cluster, |_| {});
    let error = consumer.assign([("no/such", 0)]).unwrap_err();
    assert_eq!(error.kind(), ConsumerErrorKind::InvalidInput);
    consumer.assign([(topic.as_str(), 0)]).unwrap();
    let error = consumer.poll(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!((error.kind(), error.topic()), (ConsumerErrorKind::UnknownTopic, Some(topic.as_str())));
    create(&cluster.client(), &NewTopic::new(&topic).partitions(1)).await;
    write_records(&cluster, &topic, Compression::None, 3).await;
    let (mut records, deadline) = (0, Instant::now() + WAIT);
    while records < 3 {
        assert!(Instant::now() < deadline, "the topic was not picked up");
        match consumer.poll(Duration::from_secs(1)).await {
            Ok(polled) => records += polled.len(),
            Err(error) => assert_eq!(error.kind(), ConsumerErrorKind::UnknownTopic, "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_by_hand_is_seen_by_the_next_consumer() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "consume-commit", 1).await;
    let group = unique("consume-commit");
    write_records(&cluster, &topic, Compression::Zstd, 100).await;
    let tp = TopicPartition::new(topic.as_str(), 0);
    let first = consumer(&cluster, |config| {
        config.group_id = Some(group.clone());
        config.max_poll_records = 30;
    });
    first.assign([tp.clone()]).unwrap();
    read(&first, 30).await;
    first.commit_sync().await.unwrap();
    let committed = first.committed(std::slice::from_ref(&tp)).await.unwrap();
    assert_eq!(committed[&tp].as_ref().map(|at| at.offset), Some(30));

    let named = OffsetAndMetadata::new(40).with_metadata("by name");
    first.commit_sync_offsets([(tp.clone(), named)]).await.unwrap();
    first.close(WAIT).await.unwrap();
    let second = consumer(&cluster, |config| config.group_id = Some(group.clone()));
    second.assign([tp.clone()]).unwrap();
    assert_eq!(numbers(&read(&second, 60).await)[0], 40);
    let committed = second.committed(std::slice::from_ref(&tp)).await.unwrap();
    assert_eq!(committed[&tp].as_ref().map(|at| at.metadata.as_str()), Some("by name"));
    second.commit_async().await.unwrap();
    let committed = second.committed(std::slice::from_ref(&tp)).await.unwrap();
    assert_eq!(committed[&tp].as_ref().map(|at| at.offset), Some(100));
    assert_eq!(second.stats().commits, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_that_are_dropped_lose_no_record() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "consume-cancel", 1).await;
    write_records(&cluster, &topic, Compression::None, 2000).await;
    let consumer = consumer(&cluster, |config| config.max_poll_records = 7);
    consumer.assign([(topic.as_str(), 0)]).unwrap();
    let (mut seen, deadline) = (Vec::new(), Instant::now() + WAIT);
    while seen.len() < 2000 {
        assert!(Instant::now() < deadline, "only {} records came", seen.len());
        // Most of these end before the poll does.
        let wait = Duration::from_micros(50);
        if let Ok(polled) = tokio::time::timeout(wait, consumer.poll(WAIT)).await {
            seen.extend(polled.unwrap().iter().map(|record| record.offset()));
        }
    }
    assert_eq!(seen, (0..2000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_yields_what_poll_would_and_commits_what_it_yielded() {
    use futures_util::StreamExt;
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "consume-stream", 1).await;
    let group = unique("consume-stream");
    write_records(&cluster, &topic, Compression::Gzip, 50).await;
    let tp = TopicPartition::new(topic.as_str(), 0);
    let consumer = consumer(&cluster, |config| config.group_id = Some(group));
    consumer.assign([tp.clone()]).unwrap();
    let read: Vec<_> = consumer.stream().take(20).map(|record| record.unwrap().offset).collect().await;
    assert_eq!(read, (0..20).collect::<Vec<_>>());
    consumer.commit_sync().await.unwrap();
    let committed = consumer.committed(std::slice::from_ref(&tp)).await.unwrap();
    assert_eq!(committed[&tp].as_ref().map(|at| at.offset), Some(20));
}
