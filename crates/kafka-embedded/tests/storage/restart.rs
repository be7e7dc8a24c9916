use std::collections::BTreeMap;

use kafka_core::TopicPartition;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_core::protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_core::protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::{
    CreatePartitionsRequest, DeleteGroupsRequest, DeleteTopicsRequest, DescribeClusterRequest, EndTxnRequest,
    TxnOffsetCommitRequest,
};
use kafka_core::records::ProducerStamp;

use crate::fixture::Fixture;

fn stamp(producer_id: i64, epoch: i16, base_sequence: i32, transactional: bool) -> ProducerStamp {
    ProducerStamp { producer_id, epoch, base_sequence, transactional }
}

#[tokio::test]
async fn topics_records_offsets_and_the_cluster_itself_survive() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::on(folder.path()).await;
    let cluster_id = fixture.ask(DescribeClusterRequest::default()).await.cluster_id;
    fixture.create_topic("t", &[("segment.bytes", "1048576"), ("retention.ms", "-1")]).await;
    let partitions = CreatePartitionsTopic { name: "t".to_owned(), count: 3, assignments: None };
    fixture.ask(CreatePartitionsRequest { topics: vec![partitions], ..Default::default() }).await;
    let large = "x".repeat(400_000);
    for value in [&large, &large, &large, "last"] {
        assert_eq!(fixture.produce("t", value, 5, &ProducerStamp::NONE, None).await.0, ErrorCode::NONE);
    }
    fixture.commit("g", "t", 3).await;
    fixture.commit("gone", "t", 1).await;
    fixture.ask(DeleteGroupsRequest { groups_names: vec!["gone".to_owned()] }).await;
    let before = fixture.cluster.topic("t").unwrap();
    drop(fixture);

    for _ in 0..2 {
        let fixture = Fixture::on(folder.path()).await;
        assert_eq!(fixture.ask(DescribeClusterRequest::default()).await.cluster_id, cluster_id);
        let after = fixture.cluster.topic("t").unwrap();
        assert_eq!((after.id, &after.configs), (before.id, &before.configs));
        assert_eq!(after.partitions.len(), 3);
        assert_eq!(after.partitions[0].records, before.partitions[0].records);
        assert!(after.partitions[0].leader_epoch > before.partitions[0].leader_epoch);
        let offsets = BTreeMap::from([(TopicPartition::new("t", 0), 3)]);
        assert_eq!(fixture.cluster.group("g").unwrap().offsets, offsets);
        assert!(fixture.cluster.group("gone").is_none());
    }
    let mut files: Vec<_> = std::fs::read_dir(folder.path().join("t-0"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["00000000000000000000.log", "00000000000000000002.log", "partition.metadata"]);
}

#[tokio::test]
async fn producers_and_transactions_go_on_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::on(folder.path()).await;
    fixture.create_topic("t", &[]).await;
    let plain = fixture.init(None).await.producer_id;
    fixture.produce("t", "0", 0, &stamp(plain, 0, 0, false), None).await;
    assert_eq!(fixture.produce("t", "1", 0, &stamp(plain, 0, 1, false), None).await.1, 1);
    let open = fixture.init(Some("id")).await;
    let (producer_id, producer_epoch) = (open.producer_id, open.producer_epoch);
    let in_transaction = stamp(producer_id, producer_epoch, 0, true);
    assert_eq!(fixture.produce("t", "2", 0, &in_transaction, Some("id")).await.1, 2);
    let partition = TxnOffsetCommitRequestPartition { committed_offset: 9, ..Default::default() };
    let topics = vec![TxnOffsetCommitRequestTopic { name: "t".to_owned(), partitions: vec![partition] }];
    let transactional_id = "id".to_owned();
    fixture
        .ask(TxnOffsetCommitRequest {
            transactional_id: transactional_id.clone(),
            group_id: "id".to_owned(),
            producer_id,
            producer_epoch,
            topics,
            ..Default::default()
        })
        .await;
    drop(fixture);

    let fixture = Fixture::on(folder.path()).await;
    let again = fixture.produce("t", "1", 0, &stamp(plain, 0, 1, false), None).await;
    assert_eq!(again, (ErrorCode::NONE, 1), "it is known that this was written");
    let gap = fixture.produce("t", "3", 0, &stamp(plain, 0, 3, false), None).await.0;
    assert_eq!(gap, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert!(fixture.init(None).await.producer_id > producer_id.max(plain), "ids are given once");
    let request = EndTxnRequest { transactional_id, producer_id, producer_epoch, committed: true };
    assert_eq!(fixture.ask(request.clone()).await.error_code, 0);
    assert_eq!(fixture.range("t"), (0, 4));
    assert_eq!(fixture.cluster.group("id").unwrap().offsets[&TopicPartition::new("t", 0)], 9);
    drop(fixture);

    let fixture = Fixture::on(folder.path()).await;
    assert_eq!((fixture.range("t"), fixture.values("t").len()), ((0, 4), 3));
    assert_eq!(fixture.ask(request).await.error_code, 0, "an end that is asked for again");
    assert_eq!(fixture.range("t"), (0, 4));
}

#[tokio::test]
async fn what_was_deleted_stays_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::on(folder.path()).await;
    fixture.create_topic("t", &[]).await;
    fixture.create_topic("old", &[("segment.ms", "1000"), ("retention.ms", "10000")]).await;
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let numbers = stamp(fixture.init(None).await.producer_id, 0, 0, false);
    fixture.produce("t", "first", 0, &ProducerStamp::NONE, None).await;
    fixture.produce("old", "first", now, &numbers, None).await;
    fixture.commit("g", "t", 1).await;
    let former = fixture.cluster.topic("t").unwrap().id;
    let topics = vec![DeleteTopicState { name: Some("t".to_owned()), ..Default::default() }];
    fixture.ask(DeleteTopicsRequest { topics, ..Default::default() }).await;
    fixture.create_topic("t", &[]).await;
    fixture.cluster.advance(std::time::Duration::from_secs(400));
    assert_eq!(fixture.range("old"), (1, 1));
    drop(fixture);

    let fixture = Fixture::on(folder.path()).await;
    assert_ne!(fixture.cluster.topic("t").unwrap().id, former);
    assert_eq!((fixture.range("t"), fixture.range("old")), ((0, 0), (1, 1)));
    assert_eq!(fixture.cluster.group("g").unwrap().offsets.len(), 0);
    let again = fixture.produce("old", "first", now, &numbers, None).await;
    assert_eq!(again, (ErrorCode::NONE, 0), "producers outlive their records");
    assert_eq!(fixture.produce("old", "second", now, &ProducerStamp::NONE, None).await.1, 1);
    drop(fixture);
    let fixture = Fixture::on(folder.path()).await;
    assert_eq!((fixture.values("old"), fixture.range("old")), (vec!["second".to_owned()], (1, 2)));
}

#[tokio::test]
async fn a_compacted_log_is_found_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::on(folder.path()).await;
    fixture.create_topic("t", &[("cleanup.policy", "compact"), ("segment.ms", "1")]).await;
    for at in 0..20 {
        fixture.produce("t", &at.to_string(), at * 10, &ProducerStamp::NONE, None).await;
    }
    fixture.cluster.advance(std::time::Duration::from_secs(20));
    assert_eq!(fixture.values("t"), ["18", "19"]);
    drop(fixture);
    let fixture = Fixture::on(folder.path()).await;
    assert_eq!((fixture.values("t"), fixture.range("t")), (vec!["18".to_owned(), "19".to_owned()], (0, 20)));
    assert_eq!(fixture.produce("t", "20", 1000, &ProducerStamp::NONE, None).await.1, 20);
}

#[tokio::test]
async fn the_journal_is_written_anew_when_most_of_it_is_out_of_date() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::on(folder.path()).await;
    fixture.create_topic("t", &[]).await;
    let group = "g".repeat(20_000);
    for offset in 0..80 {
        fixture.commit(&group, "t", offset).await;
    }
    drop(fixture);
    let size: u64 = std::fs::read_dir(folder.path().join("state"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size < 1_100_000, "{size} bytes");
    let fixture = Fixture::on(folder.path()).await;
    assert_eq!(fixture.cluster.group(&group).unwrap().offsets[&TopicPartition::new("t", 0)], 79);
    assert_eq!(fixture.cluster.topic("t").unwrap().partitions.len(), 2);
}
