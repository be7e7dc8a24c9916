//! The cluster's client on real brokers: metadata, coordinators, controller, features, connections.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use kafka_core::cluster::{Client, CoordinatorKind, Lane};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::create_topics_request::CreatableTopic;
use kafka_core::protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, DescribeClusterRequest, ListGroupsRequest,
};
use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_core::{ErrorKind, TopicPartition};
use kafka_tests::{Cluster, unique};
use tokio::time::Instant;

const OPTIONS: fn() -> CallOptions = || CallOptions::new(Duration::from_secs(20));

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

async fn create(client: &Client, name: &str, partitions: i32, replicas: i16) {
    let topic = CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: replicas,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 20_000, ..Default::default() };
    let first = |response: &kafka_core::protocol::messages::CreateTopicsResponse| {
        ErrorCode(response.topics.first().unwrap().error_code)
    };
    let created = client.call_controller(OPTIONS(), |_| request.clone(), first).await.unwrap();
    assert_eq!(first(&created), ErrorCode::NONE, "{created:?}");
}

async fn everything_a_client_asks_of_a_cluster(cluster: &Cluster, replicas: i16) {
    let client = cluster.client();
    let brokers = client.ready().await.unwrap().brokers.len();
    assert_eq!(brokers, cluster.bootstrap_servers().len());

    let name = unique("client");
    // Asked for before it exists: the wait ends when it does.
    let waiting = tokio::spawn({
        let (client, name) = (client.clone(), name.clone());
        async move { client.topic(&name, soon()).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    create(&client, &name, 3, replicas).await;
    let topic = waiting.await.unwrap().unwrap();
    assert_eq!(topic.partitions.len(), 3);
    assert_eq!(topic.partition(2).unwrap().replicas.len(), usize::try_from(replicas).unwrap());
    let found = client.metadata().topic_by_id(topic.id.unwrap()).map(|topic| topic.name.to_string());
    assert_eq!(found.as_ref(), Some(&name));
    assert!(client.list_all_topics().await.unwrap().iter().any(|listed| listed.name == topic.name));

    // A leader may still be missing right after creation.
    let leader = loop {
        match client.metadata().leader(&TopicPartition::new(&*name, 0)) {
            Some(leader) => break leader,
            None => drop(client.refresh_metadata(soon()).await.unwrap()),
        }
    };
    for lane in [Lane::Produce, Lane::Fetch, Lane::Coordinator, Lane::Admin] {
        client.call(leader.id, lane, OPTIONS(), |_| ApiVersionsRequest::default()).await.unwrap();
    }

    let group = unique("group");
    let coordinator = client.coordinator(CoordinatorKind::Group, &group).await.unwrap();
    let groups =
        client.call(coordinator, Lane::Coordinator, OPTIONS(), |_| ListGroupsRequest::default()).await;
    assert_eq!(groups.unwrap().error_code, 0);
    client.forget_coordinator(CoordinatorKind::Group, &group);
    assert_eq!(client.coordinator(CoordinatorKind::Group, &group).await.unwrap(), coordinator);
    client.coordinator(CoordinatorKind::Transaction, &group).await.unwrap();

    let fetch = client.api_version_range(leader.id, ApiKey::Fetch).await.unwrap().unwrap();
    assert!(*fetch.end() >= 12, "{fetch:?}");
    if cluster.version_numbers() >= (4, 0, 0) {
        assert_eq!(client.feature(leader.id, "group.version").await.unwrap(), Some(1));
        let described = client.call_any(OPTIONS(), |_| DescribeClusterRequest::default()).await.unwrap();
        assert_eq!(described.brokers.len(), brokers);
    }
    let metrics = client.metrics();
    assert!(metrics.responses > 8 && metrics.bytes_received > 1000, "{metrics:?}");
    assert_eq!(metrics.connection_failures, 0, "{metrics:?}");
}

#[tokio::test]
async fn one_broker_answers_everything_a_client_asks() {
    everything_a_client_asks_of_a_cluster(&Cluster::single(), 1).await;
}

#[tokio::test]
async fn three_brokers_answer_everything_a_client_asks() {
    everything_a_client_asks_of_a_cluster(&Cluster::three(), 3).await;
}

#[tokio::test]
async fn the_oldest_broker_answers_everything_a_client_asks() {
    everything_a_client_asks_of_a_cluster(&Cluster::oldest(), 1).await;
}

#[tokio::test]
async fn an_unknown_topic_is_an_error_at_the_deadline_and_an_invalid_one_at_once() {
    let cluster = Cluster::single();
    let client = cluster.client();
    let name = unique("nowhere");
    let started = Instant::now();
    let error = client.topic(&name, started + Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    assert!(error.to_string().contains(&name), "{error}");
    assert!(started.elapsed() >= Duration::from_secs(1));

    let started = Instant::now();
    let error = client.topic("no spaces, please", soon()).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::INVALID_TOPIC_EXCEPTION), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
    // Not created by asking.
    assert!(!client.list_all_topics().await.unwrap().iter().any(|topic| *topic.name == *name));
}

#[tokio::test]
async fn metadata_follows_the_brokers_that_are_killed_and_started() {
    let cluster = Cluster::three().exclusive();
    let client = cluster.client();
    assert_eq!(client.ready().await.unwrap().brokers.len(), 3);
    client.call(2, Lane::Fetch, OPTIONS(), |_| ApiVersionsRequest::default()).await.unwrap();
    cluster.kill(2).await;
    let lost = client.call(2, Lane::Fetch, OPTIONS(), |_| ApiVersionsRequest::default()).await.unwrap_err();
    assert!(lost.is_retriable(), "{lost}");
    // The others go on, and soon tell.
    while client.refresh_metadata(soon()).await.unwrap().brokers.contains_key(&2) {
        client.call_any(OPTIONS(), |_| ApiVersionsRequest::default()).await.unwrap();
    }
    cluster.start(2).await;
    while !client.refresh_metadata(soon()).await.unwrap().brokers.contains_key(&2) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.call(2, Lane::Fetch, OPTIONS(), |_| ApiVersionsRequest::default()).await.unwrap();
}
