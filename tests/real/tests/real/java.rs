//! Our client and Java's on the same topics and groups.
//!
//! Only on real clusters: Java's own producer, consumer and tools are the other side.

use std::time::{Duration, Instant};

use kafka_admin::NewTopic;
use kafka_core::TopicPartition;
use kafka_stream::consumer::{Consumer, ConsumerConfig, ConsumerRecord, IsolationLevel};
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use kafka_tests::{Cluster, Tool, create, create_topic, read_back, unique};

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

/// Has Java's producer write into a topic; see `java/Writer.java`.
async fn write_with_java(cluster: &Cluster, topic: &str, what: &[&str]) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/java/Writer.java");
    let servers = cluster.bootstrap_servers().join(",");
    let mut arguments = vec![servers.as_str(), topic];
    arguments.extend(what);
    cluster.java(program, &arguments, "").await.success();
}

async fn every_record_of_java_arrives_byte_for_byte(cluster: &Cluster) {
    const COUNT: usize = 1000;
    for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = create_topic(cluster, &format!("consume-{compression}"), 1).await;
        write_with_java(cluster, &topic, &["records", compression, &COUNT.to_string()]).await;
        let consumer = consumer(cluster, |_| {});
        consumer.assign([(topic.as_str(), 0)]).unwrap();
        for (i, record) in read(&consumer, COUNT).await.iter().enumerate() {
            let text = |name: &str| format!("{name}-{i}");
            assert_eq!(record.offset, i as i64);
            assert_eq!(record.timestamp, 1_000_000 + i as i64);
            assert_eq!(
                record.key.as_deref(),
                (i % 3 != 0).then(|| text("key")).as_deref().map(str::as_bytes)
            );
            assert_eq!(
                record.value.as_deref(),
                (i % 5 != 0).then(|| text("value")).as_deref().map(str::as_bytes)
            );
            assert_eq!(record.header("number"), Some(i.to_string().as_bytes()));
            assert_eq!(record.headers.len(), 2);
            assert_eq!((&*record.headers[1].key, &record.headers[1].value), ("nothing", &None));
        }
        let end = consumer.position(&(topic.as_str(), 0).into()).unwrap();
        assert_eq!(end, Some(COUNT as i64), "{compression}");
        consumer.close(WAIT).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_java_arrives_byte_for_byte_from_the_newest_broker() {
    every_record_of_java_arrives_byte_for_byte(&Cluster::real_single()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_java_arrives_byte_for_byte_from_the_oldest_broker() {
    every_record_of_java_arrives_byte_for_byte(&Cluster::oldest()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_records_are_seen_by_those_who_ask_for_them_only() {
    let cluster = Cluster::real_single();
    let topic = create_topic(&cluster, "consume-transactions", 1).await;
    write_with_java(&cluster, &topic, &["transactions", "10"]).await;
    for (level, names) in [
        (IsolationLevel::ReadCommitted, vec!["first", "third"]),
        (IsolationLevel::ReadUncommitted, vec!["first", "second", "third"]),
    ] {
        let consumer = consumer(&cluster, |config| config.isolation_level = level);
        consumer.assign([(topic.as_str(), 0)]).unwrap();
        let expected: Vec<_> =
            names.iter().flat_map(|name| (0..10).map(move |i| format!("{name}-{i}"))).collect();
        let read: Vec<_> = read(&consumer, expected.len())
            .await
            .iter()
            .map(|record| String::from_utf8(record.value.clone().unwrap().to_vec()).unwrap())
            .collect();
        assert_eq!(read, expected);
        // Behind the last record there is a marker; going past it needs no record.
        let nothing = consumer.poll(Duration::from_secs(1)).await.unwrap();
        assert!(nothing.is_empty());
        assert_eq!(consumer.lag(&(topic.as_str(), 0).into()), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_goes_to_the_partition_where_java_puts_it() {
    let cluster = Cluster::real_single();
    let client = cluster.client();
    let (ours, theirs) = (unique("keys-ours"), unique("keys-java"));
    for topic in [&ours, &theirs] {
        create(&client, &NewTopic::new(topic).partitions(7)).await;
    }
    let producer = Producer::new(client, ProducerConfig::default()).unwrap();
    let mut lines = String::new();
    for index in 0..200 {
        let key = format!("user-{index}");
        drop(producer.send(ProducerRecord::to(ours.as_str()).key(&key).value("v")).await.unwrap());
        lines.push_str(&format!("{key}|v\n"));
    }
    producer.flush().await.unwrap();
    let arguments = ["--topic", &theirs, "--property", "parse.key=true", "--property", "key.separator=|"];
    cluster.tool(Tool::ConsoleProducer, &arguments, lines).await.success();
    let mut places = Vec::new();
    for topic in [&ours, &theirs] {
        let read = read_back(&cluster, topic, 200).await;
        let mut read: Vec<_> = read.into_iter().map(|record| (record.partition, record.key)).collect();
        read.sort();
        places.push(read);
    }
    assert_eq!(places[0].len(), 200);
    assert_eq!(places[0], places[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_by_hand_is_seen_by_java() {
    let cluster = Cluster::real_single();
    let topic = create_topic(&cluster, "java-commit", 1).await;
    let group = unique("java-commit");
    write_with_java(&cluster, &topic, &["records", "zstd", "100"]).await;
    let consumer = consumer(&cluster, |config| {
        config.group_id = Some(group.clone());
        config.max_poll_records = 30;
    });
    consumer.assign([TopicPartition::new(topic.as_str(), 0)]).unwrap();
    read(&consumer, 30).await;
    consumer.commit_sync().await.unwrap();
    let described =
        cluster.tool(Tool::ConsumerGroups, &["--describe", "--group", &group], "").await.success();
    let described = String::from_utf8(described).unwrap();
    let line = described.lines().find(|line| line.contains(&topic)).unwrap();
    let columns: Vec<_> = line.split_whitespace().collect();
    assert_eq!(columns[2..6], ["0", "30", "100", "70"], "{described}");
}
