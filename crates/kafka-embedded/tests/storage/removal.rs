use std::time::{Duration, UNIX_EPOCH};

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::alter_replica_log_dirs_request::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic,
};
use kafka_core::protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_core::protocol::messages::{
    AlterReplicaLogDirsRequest, DeleteRecordsRequest, DescribeLogDirsRequest,
};
use kafka_core::records::{ProducerStamp, TimestampType};
use kafka_embedded::EmbeddedCluster;

use crate::fixture::Fixture;

fn now() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn the_clock_drives_retention_and_compaction() {
    let fixture = Fixture::start(EmbeddedCluster::builder()).await;
    fixture.create_topic("old", &[("retention.ms", "60000")]).await;
    fixture.create_topic("keys", &[("cleanup.policy", "compact"), ("segment.ms", "1000")]).await;
    fixture.produce("old", "v", now(), &ProducerStamp::NONE, None).await;
    for at in 0..3 {
        fixture.produce("keys", &at.to_string(), at * 2000, &ProducerStamp::NONE, None).await;
    }
    assert_eq!(fixture.values("keys"), ["0", "1", "2"]);
    fixture.cluster.advance(Duration::from_secs(15));
    assert_eq!(
        (fixture.values("keys"), fixture.range("keys")),
        (vec!["1".to_owned(), "2".to_owned()], (0, 3))
    );
    assert_eq!(fixture.range("old"), (0, 1));
    fixture.cluster.advance(Duration::from_secs(300));
    assert_eq!(fixture.range("old"), (1, 1));
}

#[tokio::test]
async fn a_topics_settings_decide_how_a_batch_is_taken() {
    let fixture = Fixture::start(EmbeddedCluster::builder()).await;
    let produce = |topic: &'static str, value: &'static str, at| {
        let fixture = &fixture;
        async move { fixture.produce(topic, value, at, &ProducerStamp::NONE, None).await.0 }
    };
    fixture.create_topic("broker-time", &[("message.timestamp.type", "LogAppendTime")]).await;
    assert_eq!(produce("broker-time", "v", 5).await, ErrorCode::NONE);
    let record = fixture.cluster.topic("broker-time").unwrap().partitions[0].records.remove(0);
    assert!(record.timestamp_type == TimestampType::LogAppendTime && record.timestamp > now() - 60_000);

    let range = [("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "60000")];
    fixture.create_topic("range", &range).await;
    assert_eq!(produce("range", "v", now()).await, ErrorCode::NONE);
    assert_eq!(produce("range", "v", now() - 70_000).await, ErrorCode::INVALID_TIMESTAMP);
    assert_eq!(produce("range", "v", now() + 70_000).await, ErrorCode::INVALID_TIMESTAMP);

    fixture.create_topic("small", &[("max.message.bytes", "100")]).await;
    assert_eq!(produce("small", "v", 0).await, ErrorCode::NONE);
    let long = "a value that makes the batch longer than the limit";
    assert_eq!(produce("small", long, 0).await, ErrorCode::MESSAGE_TOO_LARGE);
    let packed = [("compression.type", "zstd"), ("max.message.bytes", "110")];
    fixture.create_topic("packed", &packed).await;
    assert_eq!(produce("packed", "0", 0).await, ErrorCode::NONE);
    assert_eq!(fixture.values("packed"), ["0"]);
}

/// How many partitions `t` has, and the size of the first.
async fn size(fixture: &Fixture) -> (usize, i64) {
    let answer = fixture.ask(DescribeLogDirsRequest { topics: None }).await;
    let topic = answer.results[0].topics.iter().find(|topic| topic.name == "t").unwrap();
    (topic.partitions.len(), topic.partitions[0].partition_size)
}

#[tokio::test]
async fn records_are_deleted_up_to_an_offset_and_log_folders_tell() {
    let fixture = Fixture::start(EmbeddedCluster::builder()).await;
    fixture.create_topic("t", &[]).await;
    for value in ["0", "1", "2"] {
        fixture.produce("t", value, 0, &ProducerStamp::NONE, None).await;
    }
    let before = size(&fixture).await;
    assert_eq!(before.0, 2);
    let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset: 2 }];
    let topics = vec![DeleteRecordsTopic { name: "t".to_owned(), partitions }];
    let answer = fixture.ask(DeleteRecordsRequest { topics, timeout_ms: 1000 }).await;
    assert_eq!(answer.topics[0].partitions[0].low_watermark, 2);
    assert_eq!((fixture.range("t"), fixture.values("t")), ((2, 3), vec!["2".to_owned()]));
    assert_eq!(size(&fixture).await.1 * 3, before.1);

    let path = fixture.ask(DescribeLogDirsRequest { topics: None }).await.results[0].log_dir.clone();
    let asked = |path: &str, partition| {
        let topics = vec![AlterReplicaLogDirTopic { name: "t".to_owned(), partitions: vec![partition] }];
        AlterReplicaLogDirsRequest { dirs: vec![AlterReplicaLogDir { path: path.to_owned(), topics }] }
    };
    for (path, partition, code) in [
        (path.as_str(), 0, ErrorCode::NONE),
        (path.as_str(), 9, ErrorCode::REPLICA_NOT_AVAILABLE),
        ("/elsewhere", 0, ErrorCode::LOG_DIR_NOT_FOUND),
    ] {
        let answer = fixture.ask(asked(path, partition)).await;
        assert_eq!(ErrorCode(answer.results[0].partitions[0].error_code), code, "{path} {partition}");
    }
}

#[tokio::test]
async fn groups_that_nobody_uses_go_after_a_week() {
    let fixture = Fixture::start(EmbeddedCluster::builder()).await;
    fixture.create_topic("t", &[]).await;
    fixture.commit("g", "t", 1).await;
    let day = Duration::from_secs(86_400);
    fixture.cluster.advance(6 * day);
    fixture.commit("g", "t", 2).await;
    fixture.cluster.advance(6 * day);
    assert!(fixture.cluster.group("g").is_some());
    fixture.cluster.advance(2 * day);
    assert!(fixture.cluster.group("g").is_none());
}

#[tokio::test]
async fn a_full_cluster_takes_records_again_once_others_are_gone() {
    let fixture = Fixture::start(EmbeddedCluster::builder().max_bytes(10_000)).await;
    fixture.create_topic("t", &[("retention.ms", "60000")]).await;
    let value = "x".repeat(1000);
    let mut taken = 0;
    let refused = loop {
        match fixture.produce("t", &value, now(), &ProducerStamp::NONE, None).await.0 {
            ErrorCode::NONE => taken += 1,
            other => break other,
        }
    };
    assert_eq!((refused, taken), (ErrorCode::KAFKA_STORAGE_ERROR, 8));
    fixture.cluster.advance(Duration::from_secs(400));
    let produced = fixture.produce("t", &value, now() + 400_000, &ProducerStamp::NONE, None).await;
    assert_eq!(produced, (ErrorCode::NONE, taken));
}
