//! What the tests of the producer share: topics made for them, and Kafka's own console tools to read what was written.

#![allow(dead_code, reason = "not every test program uses all of it")]

use std::time::Duration;

use kafka_core::cluster::Client;
use kafka_core::net::CallOptions;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_core::protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use kafka_core::records::Compression;
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord, Timestamp};
use kafka_tests::{Cluster, Tool, unique};

/// Creates a topic.
pub(crate) async fn create(
    client: &Client,
    name: &str,
    partitions: i32,
    replicas: i16,
    configs: &[(&str, &str)],
) {
    let configs = configs
        .iter()
        .map(|(name, value)| CreatableTopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        })
        .collect();
    let topic = CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: replicas,
        configs,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 20_000, ..Default::default() };
    let code = |response: &CreateTopicsResponse| ErrorCode(response.topics.first().unwrap().error_code);
    let options = CallOptions::new(Duration::from_secs(20));
    let created = client.call_controller(options, |_| request.clone(), code).await.unwrap();
    assert_eq!(code(&created), ErrorCode::NONE, "{created:?}");
}

/// The lines that Java's console consumer prints for `count` records: partition, key and value.
pub(crate) async fn read_by_java(
    cluster: &Cluster,
    topic: &str,
    count: usize,
    properties: &[&str],
) -> Vec<String> {
    let count = count.to_string();
    let mut arguments =
        vec!["--topic", topic, "--from-beginning", "--max-messages", &count, "--timeout-ms", "30000"];
    for property in properties {
        arguments.extend(["--property", property]);
    }
    let printed = cluster.tool(Tool::ConsoleConsumer, &arguments, "").await.success();
    let printed = String::from_utf8(printed).unwrap();
    // Newer tools say on standard output that they will call their options differently one day.
    printed.lines().filter(|line| !line.starts_with("Option --property")).map(str::to_owned).collect()
}

/// How many records a topic holds, as Java sees it.
pub(crate) async fn count_by_java(cluster: &Cluster, topic: &str) -> u64 {
    let printed = cluster.tool(Tool::GetOffsets, &["--topic", topic], "").await.success();
    let lines = String::from_utf8(printed).unwrap();
    lines.lines().map(|line| line.rsplit(':').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Writes keys, values, headers and nulls in each compression, and reads them with Java's console consumer.
pub(crate) async fn every_compression_is_read_by_java(cluster: &Cluster) {
    let client = cluster.client();
    // Not longer ago than the topic keeps its records.
    let first = Timestamp::now().0 - 60_000;
    for compression in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let topic = unique("compressed");
        create(&client, &topic, 1, 1, &[]).await;
        let mut config = ProducerConfig::default();
        config.compression_type = compression;
        let producer = Producer::new(client.clone(), config).unwrap();
        let mut expected = Vec::new();
        let mut deliveries = Vec::new();
        for index in 0..300_u16 {
            let (key, value) =
                (format!("key-{index}"), format!("välue-{index}-").repeat(usize::from(index) % 40 + 1));
            let record = ProducerRecord::to(topic.as_str()).timestamp(first + i64::from(index));
            let (record, line) = match index % 4 {
                0 => (record.key(&key).value(&value), format!("NO_HEADERS|{key}|{value}")),
                1 => (record.value(&value), format!("NO_HEADERS|null|{value}")),
                2 => (record.key(&key).null_value(), format!("NO_HEADERS|{key}|null")),
                _ => (
                    record.key(&key).value(&value).header("a", &key).null_header("b"),
                    format!("a:{key},b:null|{key}|{value}"),
                ),
            };
            deliveries.push(producer.send(record).await.unwrap());
            expected.push(format!("CreateTime:{}|{line}", first + i64::from(index)));
        }
        producer.flush().await.unwrap();
        for (offset, delivery) in (0..).zip(deliveries) {
            let metadata = delivery.await.unwrap();
            assert_eq!((metadata.partition, metadata.offset), (0, Some(offset)), "{compression}");
        }
        let properties = [
            "print.timestamp=true",
            "print.headers=true",
            "print.key=true",
            "key.separator=|",
            "headers.separator=,",
        ];
        let read = read_by_java(cluster, &topic, 300, &properties).await;
        // The console consumer separates its columns with the same separator.
        let read: Vec<_> = read.iter().map(|line| line.replace('\t', "|")).collect();
        assert_eq!(read, expected, "{compression}");
        producer.close(Duration::from_secs(10)).await.unwrap();
    }
}
