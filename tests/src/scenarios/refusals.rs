//! Records that nobody takes, among others.

use std::time::Duration;

use kafka_admin::NewTopic;
use kafka_core::records::Compression;
use kafka_stream::producer::{ProduceErrorKind, Producer, ProducerConfig, ProducerRecord, SizeLimit};

use crate::{Cluster, count_records, create, unique};

/// What cannot be written fails alone, each with its kind, while others are written.
pub async fn what_is_refused_fails_alone(cluster: &Cluster) {
    let client = cluster.client();
    let topic = unique("among-others");
    create(&client, &NewTopic::new(&topic).partitions(1).config("max.message.bytes", 50_000)).await;
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
    assert_eq!(count_records(cluster, &topic).await, 60);
    producer.close(Duration::from_secs(60)).await.unwrap();
}
