//! Single answers in given versions, as a broker of Kafka gives them; `tests/real` (`differential`) compares thousands with one.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use bytes::Bytes;
use kafka_core::protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_core::protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_core::protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_core::protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::messages::{
    ApiVersionsRequest, CreatePartitionsRequest, CreateTopicsRequest, FetchRequest, FindCoordinatorRequest,
    OffsetCommitRequest, OffsetFetchRequest, ProduceRequest,
};
use kafka_core::protocol::{ApiKey, ErrorCode, Request, decode_response, encode_request};
use kafka_core::records::{BatchBuilder, Compression, Compressor, NO_HEADERS, ProducerStamp};
use kafka_embedded::{AuthorizerConfig, EmbeddedCluster};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The answer of one broker to a request in this version.
async fn ask<R: Request>(server: &str, version: i16, request: R) -> R::ResponseBody {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let frame = encode_request(&request, version, 1, None).unwrap().concat();
    stream.write_all(&frame).await.unwrap();
    let length = stream.read_i32().await.unwrap();
    let mut answer = vec![0; length.try_into().unwrap()];
    stream.read_exact(&mut answer).await.unwrap();
    decode_response::<R>(Bytes::from(answer), version).unwrap().1
}

fn topic(name: &str, num_partitions: i32) -> CreatableTopic {
    CreatableTopic { name: name.to_owned(), num_partitions, replication_factor: 1, ..Default::default() }
}

#[tokio::test]
async fn an_old_fetch_at_a_broker_that_does_not_lead_is_answered() {
    let cluster = EmbeddedCluster::builder().brokers(2).start().await.unwrap();
    let servers = cluster.bootstrap_servers();
    ask(&servers[0], 7, CreateTopicsRequest { topics: vec![topic("t", 1)], ..Default::default() }).await;
    let part = FetchPartition { partition_max_bytes: 1, ..Default::default() };
    let fetch = FetchRequest {
        topics: vec![FetchTopic { topic: "t".to_owned(), partitions: vec![part], ..Default::default() }],
        ..Default::default()
    };
    for version in [4, 11, 12] {
        let mut codes = Vec::new();
        for server in &servers {
            let answer = ask(server, version, fetch.clone()).await;
            codes.push(ErrorCode(answer.responses[0].partitions[0].error_code));
        }
        codes.sort_unstable_by_key(|code| code.0);
        assert_eq!(codes, [ErrorCode::NONE, ErrorCode::NOT_LEADER_OR_FOLLOWER], "version {version}");
    }
}

#[tokio::test]
async fn a_commit_of_which_nothing_is_kept_makes_no_group() {
    let cluster = EmbeddedCluster::builder().topic("t", 1).start().await.unwrap();
    let server = cluster.bootstrap_servers().remove(0);
    let keys = vec!["g".to_owned()];
    ask(&server, 6, FindCoordinatorRequest { coordinator_keys: keys, ..Default::default() }).await;
    for (name, code) in [("unknown", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), ("t", ErrorCode::NONE)] {
        assert!(cluster.group("g").is_none());
        let partitions = vec![OffsetCommitRequestPartition::default()];
        let topics =
            vec![OffsetCommitRequestTopic { name: name.to_owned(), partitions, ..Default::default() }];
        let commit = OffsetCommitRequest { group_id: "g".to_owned(), topics, ..Default::default() };
        let answer = ask(&server, 9, commit).await;
        assert_eq!(ErrorCode(answer.topics[0].partitions[0].error_code), code);
    }
    assert!(cluster.group("g").is_some());
}

#[tokio::test]
async fn the_first_version_of_offset_fetch_says_with_each_partition_that_the_group_is_denied() {
    let nobody = AuthorizerConfig::new();
    let cluster = EmbeddedCluster::builder().topic("t", 1).authorizer(nobody).start().await.unwrap();
    let server = cluster.bootstrap_servers().remove(0);
    let topics = vec![OffsetFetchRequestTopic { name: "t".to_owned(), partition_indexes: vec![0] }];
    let fetch = OffsetFetchRequest { group_id: "g".to_owned(), topics: Some(topics), ..Default::default() };
    let denied = ErrorCode::GROUP_AUTHORIZATION_FAILED.0;
    assert_eq!(ask(&server, 1, fetch.clone()).await.topics[0].partitions[0].error_code, denied);
    assert_eq!(ask(&server, 2, fetch).await.error_code, denied);
}

#[tokio::test]
async fn one_request_makes_partitions_within_bounds_only() {
    let cluster = EmbeddedCluster::builder().topic("a", 1).topic("b", 1).start().await.unwrap();
    let server = cluster.bootstrap_servers().remove(0);
    for counts in [[6_000, 6_000], [i32::MAX, i32::MAX], [1, i32::MAX]] {
        let topics = counts.iter().zip(["c", "d"]).map(|(count, name)| topic(name, *count)).collect();
        let answer = ask(&server, 7, CreateTopicsRequest { topics, ..Default::default() }).await;
        let codes: Vec<_> = answer.topics.iter().map(|topic| ErrorCode(topic.error_code)).collect();
        assert_eq!(codes, [ErrorCode::POLICY_VIOLATION; 2], "{counts:?}");
        assert!(cluster.topic("c").is_none());
    }
    let grow =
        |name: &str, count: i32| CreatePartitionsTopic { name: name.to_owned(), count, assignments: None };
    let topics = vec![grow("a", 6_000), grow("b", 6_000)];
    let answer = ask(&server, 3, CreatePartitionsRequest { topics, ..Default::default() }).await;
    let codes: Vec<_> = answer.results.iter().map(|result| ErrorCode(result.error_code)).collect();
    assert_eq!(codes, [ErrorCode::NONE, ErrorCode::INVALID_PARTITIONS]);
    assert_eq!(cluster.topic("b").unwrap().partitions.len(), 1);
}

#[tokio::test]
async fn no_more_replicas_have_to_be_in_sync_than_there_are() {
    let cluster = EmbeddedCluster::builder().start().await.unwrap();
    let server = cluster.bootstrap_servers().remove(0);
    let name = "min.insync.replicas".to_owned();
    let mut careful = topic("t", 1);
    careful.configs = vec![CreatableTopicConfig { name, value: Some("2".to_owned()) }];
    ask(&server, 7, CreateTopicsRequest { topics: vec![careful], ..Default::default() }).await;
    let mut builder = BatchBuilder::with_capacity(100);
    builder.append(0, None, Some(b"value"), NO_HEADERS).unwrap();
    let batch = builder.finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE).unwrap();
    let partition_data = vec![PartitionProduceData { index: 0, records: Some(batch.bytes()) }];
    let topic_data = vec![TopicProduceData { name: "t".to_owned(), partition_data, ..Default::default() }];
    let produce = ProduceRequest { acks: -1, timeout_ms: 1000, topic_data, ..Default::default() };
    let answer = ask(&server, 9, produce).await;
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
}

#[tokio::test]
async fn what_is_offered_is_told_as_kafka_tells_it() {
    let cluster = EmbeddedCluster::builder().start().await.unwrap();
    let answer = ask(&cluster.bootstrap_servers()[0], 0, ApiVersionsRequest::default()).await;
    let find = |key: ApiKey| answer.api_keys.iter().find(|api| api.api_key == key.code());
    assert_eq!(find(ApiKey::Produce).unwrap().min_version, 0, "older clients look for the first versions");
    assert!(find(ApiKey::PushTelemetry).is_none(), "nobody asks clients for metrics");
}
