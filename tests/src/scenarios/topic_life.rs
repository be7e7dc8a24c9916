//! The life of a topic.

use std::time::{Duration, Instant};

use kafka_admin::{
    Admin, AlterConfig, ConfigResource, ConfigSource, Created, Difference, NewPartitions, NewTopic,
};
use kafka_core::ErrorKind;
use kafka_core::protocol::ErrorCode;

use crate::{Cluster, Tool, unique};

/// What was changed is not there for everybody at once.
const WAIT: Duration = Duration::from_secs(30);

/// Has Kafka's own tool describe the topic, where there is one.
async fn kafka_says(cluster: &Cluster, topic: &str, expected: &[&str]) {
    if !cluster.is_real() {
        return;
    }
    let begun = Instant::now();
    loop {
        let output = cluster.tool(Tool::Topics, &["--describe", "--topic", topic], "").await.success();
        let described = String::from_utf8(output).unwrap();
        if expected.iter().all(|text| described.contains(text)) {
            return;
        }
        assert!(begun.elapsed() < WAIT, "{described}");
    }
}

/// A topic is created, compared, grown, altered and deleted.
pub async fn a_topics_life(cluster: &Cluster) {
    let admin = Admin::new(cluster.client());
    let name = unique("admin-life");
    let topic = NewTopic::new(&name)
        .partitions(2)
        .replication_factor(1)
        .config("retention.ms", 604_800_000)
        .config("cleanup.policy", "delete");

    let Created::New(_) = admin.create_topic_if_absent(&topic).await.unwrap() else { panic!("not new") };
    kafka_says(cluster, &name, &["PartitionCount: 2", "retention.ms=604800000"]).await;

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
    kafka_says(cluster, &name, &["PartitionCount: 4"]).await;

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
    let begun = Instant::now();
    let configs = loop {
        let configs = admin.describe_config(&ConfigResource::Topic(name.clone())).await.unwrap();
        let is_changed = configs.get("retention.ms").unwrap().value.as_deref() != Some("604800000");
        if is_changed || begun.elapsed() > WAIT {
            break configs;
        }
    };
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
