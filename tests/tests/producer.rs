//! The producer on real brokers, checked by Kafka's own console tools.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod produced;

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_core::records::Compression;
use kafka_stream::producer::{ProduceErrorKind, Producer, ProducerConfig, ProducerRecord, SizeLimit};
use kafka_tests::{Cluster, Tool, unique};
use produced::{count_by_java, create, every_compression_is_read_by_java, read_by_java};

#[tokio::test(flavor = "multi_thread")]
async fn java_reads_every_compression_byte_for_byte() {
    every_compression_is_read_by_java(&Cluster::single()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_goes_to_the_partition_where_java_puts_it() {
    let cluster = Cluster::single();
    let client = cluster.client();
    let (ours, theirs) = (unique("keys-ours"), unique("keys-java"));
    create(&client, &ours, 7, 1, &[]).await;
    create(&client, &theirs, 7, 1, &[]).await;
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
    let properties = ["print.partition=true", "print.key=true", "print.value=false", "key.separator=|"];
    let mut places = Vec::new();
    for topic in [&ours, &theirs] {
        let mut read = read_by_java(&cluster, topic, 200, &properties).await;
        read.sort();
        places.push(read);
    }
    assert_eq!(places[0].len(), 200);
    assert_eq!(places[0], places[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_fails_alone_and_says_why() {
    let cluster = Cluster::single();
    let client = cluster.client();
    let topic = unique("refused");
    create(&client, &topic, 2, 1, &[("max.message.bytes", "100000")]).await;
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
    assert_eq!(count_by_java(&cluster, &topic).await, 20);
    producer.close(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_10_mb_is_written_where_it_is_allowed() {
    let cluster = Cluster::single();
    let client = cluster.client();
    let topic = unique("large");
    create(&client, &topic, 1, 1, &[("max.message.bytes", "12000000")]).await;
    let mut config = ProducerConfig::default();
    config.max_request_size = 11_000_000;
    let producer = Producer::new(client, config).unwrap();
    let value: Vec<u8> = (0..10_000_000_u32)
        .map(|index| b'a' + (index.wrapping_mul(2_654_435_761) >> 27) as u8 % 26)
        .collect();
    let delivery = producer.send(ProducerRecord::to(topic.as_str()).value(&value)).await.unwrap();
    assert_eq!(delivery.await.unwrap().offset, Some(0));
    let arguments = ["--topic", &topic, "--from-beginning", "--max-messages", "1", "--timeout-ms", "30000"];
    let read = cluster.tool(Tool::ConsoleConsumer, &arguments, "").await.success();
    assert!(read.strip_suffix(b"\n") == Some(value.as_slice()));
    producer.close(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_loses_repeats_and_reorders_nothing() {
    const COUNT: usize = 60_000;
    let cluster = Cluster::three().exclusive();
    let client = cluster.client();
    let topic = unique("killed");
    create(&client, &topic, 6, 3, &[("min.insync.replicas", "2")]).await;
    let mut config = ProducerConfig::default();
    config.retries = 3;
    let producer = Producer::new(client, config).unwrap();
    let sending = tokio::spawn({
        let (producer, topic) = (producer.clone(), topic.clone());
        async move {
            let mut deliveries = Vec::new();
            for index in 0..COUNT {
                let value = index.to_string();
                let partition = i32::try_from(index % 6).unwrap();
                let record = ProducerRecord::to(topic.as_str()).partition(partition).value(value);
                deliveries.push(producer.send(record).await.unwrap());
                if index % 100 == 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            let mut failed = Vec::new();
            for delivery in deliveries {
                failed.extend(delivery.await.err());
            }
            failed
        }
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    let victim = cluster.broker_ids()[1];
    cluster.kill(victim).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.start(victim).await;
    let failed = sending.await.unwrap();
    assert!(failed.is_empty(), "{} failed, first {:?}", failed.len(), failed.first());
    producer.close(Duration::from_secs(30)).await.unwrap();

    let properties = ["print.partition=true", "key.separator=|"];
    let read = read_by_java(&cluster, &topic, COUNT, &properties).await;
    assert_eq!(count_by_java(&cluster, &topic).await, COUNT as u64);
    let mut partitions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for line in read {
        let (partition, value) = line.split_once(['|', '\t']).unwrap();
        partitions.entry(partition.to_owned()).or_default().push(value.parse().unwrap());
    }
    assert_eq!(partitions.len(), 6);
    for (partition, values) in partitions {
        let expected: Vec<usize> = (0..COUNT).filter(|index| index % 6 == values[0] % 6).collect();
        assert!(values == expected, "{partition}: {} records, not in order or not whole", values.len());
    }
}
