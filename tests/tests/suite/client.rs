//! The cluster's client: metadata, coordinators, controller, features, connections.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use kafka_core::ErrorKind;
use kafka_core::cluster::Lane;
use kafka_core::net::CallOptions;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::ApiVersionsRequest;
use kafka_tests::scenarios::everything_a_client_asks_of_a_cluster;
use kafka_tests::{Cluster, unique};
use tokio::time::Instant;

const OPTIONS: fn() -> CallOptions = || CallOptions::new(Duration::from_secs(20));

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

#[tokio::test]
async fn one_broker_answers_everything_a_client_asks() {
    everything_a_client_asks_of_a_cluster(&Cluster::single().await, 1).await;
}

#[tokio::test]
async fn three_brokers_answer_everything_a_client_asks() {
    everything_a_client_asks_of_a_cluster(&Cluster::three().await, 3).await;
}

#[tokio::test]
async fn an_unknown_topic_is_an_error_at_the_deadline_and_an_invalid_one_at_once() {
    let cluster = Cluster::single().await;
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
    let cluster = Cluster::three().await.exclusive();
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
