//! Topics and configs on every cluster, checked with Kafka's own tools.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

use kafka_admin::{
    Admin, AlterConfig, ConfigResource, ConfigSource, Created, Difference, NewPartitions, NewTopic,
};
use kafka_core::ErrorKind;
use kafka_core::protocol::ErrorCode;
use kafka_tests::{Cluster, Tool, unique};

fn admin(cluster: &Cluster) -> Admin {
    Admin::new(cluster.client())
}

async fn described_by_kafka(cluster: &Cluster, topic: &str) -> String {
    let output = cluster.tool(Tool::Topics, &["--describe", "--topic", topic], "").await.success();
    String::from_utf8(output).unwrap()
}

async fn a_topics_life(cluster: &Cluster) {
    let admin = admin(cluster);
    let name = unique("admin-life");
    let topic = NewTopic::new(&name)
        .partitions(2)
        .replication_factor(1)
        .config("retention.ms", 604_800_000)
        .config("cleanup.policy", "delete");

    let Created::New(_) = admin.create_topic_if_absent(&topic).await.unwrap() else { panic!("not new") };
    let described = described_by_kafka(cluster, &name).await;
    assert!(described.contains("PartitionCount: 2"), "{described}");
    assert!(described.contains("retention.ms=604800000"), "{described}");

    assert_eq!(admin.create_topic_if_absent(&topic).await.unwrap(), Created::Same);
    let other = NewTopic::new(&name).partitions(3).config("retention.ms", 1000);
    let differences = [
        Difference::Partitions { wanted: 3, found: 2 },
        Difference::Config {
            key: "retention.ms".into(),
            wanted: "1000".into(),
            found: Some("604800000".into()),
        },
    ];
    assert_eq!(admin.create_topic_if_absent(&other).await.unwrap(), Created::Other(differences.into()));
    let error = admin.create_topic(&topic).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TOPIC_ALREADY_EXISTS));
    assert_eq!(error.topic(), Some(name.as_str()));

    let more = [NewPartitions::new(&name, 4), NewPartitions::new(unique("admin-absent"), 4)];
    assert!(admin.validate_partitions(&more[..1]).await.unwrap()[0].result.is_ok());
    assert_eq!(admin.describe_topic(&name).await.unwrap().partitions.len(), 2);
    let added = admin.create_partitions(&more).await.unwrap();
    assert!(added[0].result.is_ok());
    let missing = added[1].result.as_ref().unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    assert!(described_by_kafka(cluster, &name).await.contains("PartitionCount: 4"));

    let changes = [
        AlterConfig::topic(&name)
            .set("retention.ms", 5000)
            .delete("cleanup.policy")
            .append("cleanup.policy", "x"),
        AlterConfig::topic(&name).set("retention.ms", 5000).append("cleanup.policy", "compact"),
        AlterConfig::topic(&name).set("retention.ms", "much"),
    ];
    let changed = admin.incremental_alter_configs(&changes).await;
    assert_eq!(*changed[0].result.as_ref().unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(changed[1].result.is_ok(), "{changed:?}");
    // Kafka 2.8 calls a value of the wrong type an invalid request.
    let refused = changed[2].result.as_ref().unwrap_err().code();
    assert!(matches!(refused, Some(ErrorCode::INVALID_CONFIG | ErrorCode::INVALID_REQUEST)), "{refused:?}");
    let configs = admin.describe_config(&ConfigResource::Topic(name.clone())).await.unwrap();
    let retention = configs.get("retention.ms").unwrap();
    assert_eq!((retention.value.as_deref(), retention.source), (Some("5000"), ConfigSource::Topic));
    assert_eq!(configs.get("cleanup.policy").unwrap().value.as_deref(), Some("delete,compact"));
    assert_ne!(configs.get("segment.bytes").unwrap().source, ConfigSource::Topic);

    let listed = admin.list_topics().await.unwrap();
    assert_eq!(listed.iter().find(|topic| topic.name == name).unwrap().partitions, 4);
    let deleted = admin.delete_topics(&[name.as_str(), "a b", &unique("admin-absent")]).await.unwrap();
    assert!(deleted[0].result.is_ok());
    assert_eq!(*deleted[1].result.as_ref().unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(deleted[2].result.as_ref().unwrap_err().code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
}

#[tokio::test]
async fn a_topic_is_created_compared_grown_altered_and_deleted() {
    a_topics_life(&Cluster::single()).await;
}

#[tokio::test]
async fn a_topic_is_created_compared_grown_altered_and_deleted_on_the_oldest_broker() {
    a_topics_life(&Cluster::oldest()).await;
}

#[tokio::test]
async fn a_topic_is_created_compared_grown_altered_and_deleted_on_three_brokers() {
    a_topics_life(&Cluster::three()).await;
}

#[tokio::test]
async fn one_topics_failure_hides_no_success() {
    let admin = admin(&Cluster::single());
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
    let admin = admin(&Cluster::single());
    let name = unique("admin-validate");
    let results = admin.validate_topics(&[NewTopic::new(&name).partitions(2)]).await.unwrap();
    assert_eq!(results[0].result.as_ref().unwrap().topic_id, None);
    let error = admin.describe_topic(&name).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
}

#[tokio::test]
async fn replicas_are_placed_where_they_were_assigned() {
    let cluster = Cluster::three();
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
    let cluster = Cluster::single();
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
