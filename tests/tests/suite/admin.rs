//! Topics and configs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

use kafka_admin::{Admin, AlterConfig, ConfigResource, ConfigSource, Created, NewTopic};
use kafka_core::ErrorKind;
use kafka_core::protocol::ErrorCode;
use kafka_tests::scenarios::a_topics_life;
use kafka_tests::{Cluster, unique};

fn admin(cluster: &Cluster) -> Admin {
    Admin::new(cluster.client())
}

#[tokio::test]
async fn a_topic_is_created_compared_grown_altered_and_deleted() {
    a_topics_life(&Cluster::single().await).await;
}

#[tokio::test]
async fn a_topic_is_created_compared_grown_altered_and_deleted_on_three_brokers() {
    a_topics_life(&Cluster::three().await).await;
}

#[tokio::test]
async fn one_topics_failure_hides_no_success() {
    let cluster = Cluster::single().await;
    let admin = admin(&cluster);
    let (good, bad) = (unique("admin-good"), unique("admin-bad"));
    let topics = [
        NewTopic::new(&bad).partitions(1).replication_factor(9),
        NewTopic::new("not/valid"),
        NewTopic::new(&good).partitions(3),
        NewTopic::new(&good).partitions(3),
    ];
    let results = admin.create_topics(&topics).await.unwrap();
    assert_eq!(results[0].result.as_ref().unwrap_err().code(), Some(ErrorCode::INVALID_REPLICATION_FACTOR));
    assert_eq!(*results[1].result.as_ref().unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(results[2].result.as_ref().unwrap().partitions, Some(3));
    assert!(results[3].result.as_ref().unwrap_err().to_string().contains("named twice"));
}

#[tokio::test]
async fn validate_only_creates_nothing() {
    let cluster = Cluster::single().await;
    let admin = admin(&cluster);
    let name = unique("admin-validate");
    let results = admin.validate_topics(&[NewTopic::new(&name).partitions(2)]).await.unwrap();
    assert_eq!(results[0].result.as_ref().unwrap().topic_id, None);
    let error = admin.describe_topic(&name).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
}

#[tokio::test]
async fn replicas_are_placed_where_they_were_assigned() {
    let cluster = Cluster::three().await;
    let admin = admin(&cluster);
    let name = unique("admin-assigned");
    let topic = NewTopic::new(&name).assign_replicas(0, [3, 1]).assign_replicas(1, [2, 3]);
    admin.create_topic(&topic).await.unwrap();
    // A broker that has not heard of the topic yet may be the one that is asked.
    let description = loop {
        match admin.describe_topic(&name).await {
            Ok(description) => break description,
            Err(error) if error.is_retriable() => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await
            }
            Err(error) => panic!("{error}"),
        }
    };
    let replicas: Vec<_> =
        description.partitions.iter().map(|partition| partition.replicas.clone()).collect();
    assert_eq!(replicas, [vec![3, 1], vec![2, 3]]);
    assert_eq!(admin.create_topic_if_absent(&topic).await.unwrap(), Created::Same);
    let cluster = admin.describe_cluster().await.unwrap();
    assert_eq!(cluster.brokers.iter().map(|broker| broker.id).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_brokers_configs_are_described_and_altered() {
    let cluster = Cluster::single().await;
    let admin = admin(&cluster);
    let broker = cluster.broker_ids()[0];
    let key = "log.cleaner.backoff.ms";
    let changed = admin.incremental_alter_configs(&[AlterConfig::broker(broker).set(key, 14_999)]).await;
    assert!(changed[0].result.is_ok(), "{changed:?}");
    let mut entry = None;
    for _ in 0..600 {
        let configs = admin.describe_config(&ConfigResource::Broker(broker)).await.unwrap();
        entry = configs.get(key).cloned();
        if entry.as_ref().is_some_and(|entry| entry.value.as_deref() == Some("14999")) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let entry = entry.unwrap();
    assert_eq!((entry.value.as_deref(), entry.source), (Some("14999"), ConfigSource::DynamicBroker));
    let changed = admin.incremental_alter_configs(&[AlterConfig::broker(broker).delete(key)]).await;
    assert!(changed[0].result.is_ok(), "{changed:?}");
    let gone = admin.describe_configs(&[ConfigResource::Broker(4711)]).await;
    assert!(gone[0].result.is_err());
}
