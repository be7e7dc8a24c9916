//! What a user may not do, on a real broker: each refusal is typed, names the resource, and comes at once.
//!
//! Only on real clusters: the users and access rules are those of its listeners.

// What is not as it must be ends the test, in its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::secured::{WAIT, admin, config, consumer, password, produce, producer, read};
use kafka_core::protocol::ErrorCode;
use kafka_tests::{Cluster, unique};
use streaming_kafka::admin::NewTopic;
use streaming_kafka::consumer::{Consumer, ConsumerError, ConsumerErrorKind, OffsetAndMetadata};
use streaming_kafka::producer::ProduceErrorKind;
use streaming_kafka::{KafkaConfig, KafkaManager, TopicPartition};

fn user(cluster: &Cluster, name: &str) -> KafkaConfig {
    config(cluster, "SASL_PLAINTEXT", &password("SCRAM-SHA-256", name, &format!("{name}-secret")))
}

/// A topic that `alice` made.
async fn topic(cluster: &Cluster, prefix: &str) -> String {
    let topic = unique(prefix);
    let new = NewTopic::new(&topic).partitions(1).replication_factor(1);
    admin(&user(cluster, "alice")).create_topic(&new).await.unwrap();
    topic
}

/// The first error of `poll`, and how long it took.
async fn first_error(consumer: &Consumer) -> (ConsumerError, Duration) {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < WAIT, "no error came");
        if let Err(error) = consumer.poll(Duration::from_millis(500)).await {
            return (error, begun.elapsed());
        }
    }
}

/// Far below any time after which something else would end the wait.
fn assert_prompt(took: Duration) {
    assert!(took < Duration::from_secs(25), "it took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_produce_is_typed_and_names_the_topic() {
    let cluster = Cluster::real_single();
    for prefix in ["private", "readable"] {
        let topic = topic(&cluster, prefix).await;
        let producer = producer(&user(&cluster, "bob"));
        let begun = Instant::now();
        let error = produce(&producer, &topic, "no").await.unwrap_err();
        assert_prompt(begun.elapsed());
        assert_eq!(error.kind(), ProduceErrorKind::Unauthorized, "{error}");
        assert!(error.to_string().contains(&topic), "{error}");
        // What is allowed goes on by the same producer.
        produce(&producer, &self::topic(&cluster, "writable").await, "yes").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_topic_is_typed_for_a_consumer_and_is_named() {
    let cluster = Cluster::real_single();
    let bob = user(&cluster, "bob");
    for prefix in ["private", "writable"] {
        let topic = topic(&cluster, prefix).await;
        produce(&producer(&user(&cluster, "alice")), &topic, "secret").await.unwrap();
        let assigned = consumer(&bob, None);
        assigned.assign([(topic.as_str(), 0)]).unwrap();
        let subscribed = consumer(&bob, Some(&unique("group")));
        subscribed.subscribe([topic.as_str()]).unwrap();
        for consumer in [assigned, subscribed] {
            let (error, took) = first_error(&consumer).await;
            assert_prompt(took);
            assert_eq!(error.kind(), ConsumerErrorKind::NotAuthorized, "{error}");
            assert!(error.to_string().contains(&topic), "{error}");
        }
    }
    let readable = topic(&cluster, "readable").await;
    produce(&producer(&user(&cluster, "alice")), &readable, "for all").await.unwrap();
    let consumer = consumer(&bob, Some(&unique("group")));
    consumer.subscribe([readable.as_str()]).unwrap();
    assert_eq!(read(&consumer, 1).await.unwrap(), ["for all"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_group_is_typed_and_named() {
    let cluster = Cluster::real_single();
    let topic = topic(&cluster, "open").await;
    let group = unique("private");
    let consumer = consumer(&user(&cluster, "bob"), Some(&group));
    consumer.subscribe([topic.as_str()]).unwrap();
    let (error, took) = first_error(&consumer).await;
    assert_prompt(took);
    assert_eq!(error.kind(), ConsumerErrorKind::NotAuthorized, "{error}");
    assert!(error.to_string().contains(&group), "{error}");

    let alone = crate::secured::consumer(&user(&cluster, "bob"), Some(&group));
    alone.assign([(topic.as_str(), 0)]).unwrap();
    let place = BTreeMap::from([(TopicPartition::new(topic.as_str(), 0), OffsetAndMetadata::new(1))]);
    let begun = Instant::now();
    for error in [
        alone.committed(&[TopicPartition::new(topic.as_str(), 0)]).await.map(|_| ()).unwrap_err(),
        alone.commit_sync_offsets(place).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ConsumerErrorKind::NotAuthorized, "{error}");
        assert!(error.to_string().contains(&group), "{error}");
    }
    assert_prompt(begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_create_is_typed_and_names_the_topic() {
    let cluster = Cluster::real_single();
    let admin = admin(&user(&cluster, "bob"));
    let name = unique("private");
    let begun = Instant::now();
    let error = admin.create_topic(&NewTopic::new(&name)).await.unwrap_err();
    assert_prompt(begun.elapsed());
    let codes = [ErrorCode::TOPIC_AUTHORIZATION_FAILED, ErrorCode::CLUSTER_AUTHORIZATION_FAILED];
    assert!(error.code().is_some_and(|code| codes.contains(&code)), "{error}");
    assert!(!error.is_retriable() && error.topic() == Some(&name), "{error}");
    let denied = topic(&cluster, "private").await;
    let deleted = admin.delete_topics(&[&denied]).await.unwrap().remove(0).result.unwrap_err();
    assert_eq!(deleted.code(), Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED));
    assert!(deleted.to_string().contains(&denied), "{deleted}");
    let described = admin.describe_topic(&denied).await.unwrap_err();
    assert_eq!(described.code(), Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED), "{described}");
    assert!(described.to_string().contains(&denied), "{described}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_tells_an_event_that_it_may_not_write() {
    let cluster = Cluster::real_single();
    let topic = topic(&cluster, "private").await;
    let manager = KafkaManager::new(&user(&cluster, "bob")).unwrap();
    let begun = Instant::now();
    let error = manager.produce_event(&topic, &serde_json::json!({"a": 1})).await.unwrap_err();
    assert_prompt(begun.elapsed());
    let text = error.to_string();
    assert!(text.contains(&topic) && text.contains("TOPIC_AUTHORIZATION_FAILED"), "{text}");
}
