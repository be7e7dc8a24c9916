//! What a client asks of a cluster.

use std::time::Duration;

use kafka_admin::NewTopic;
use kafka_core::TopicPartition;
use kafka_core::cluster::{CoordinatorKind, Lane};
use kafka_core::net::CallOptions;
use kafka_core::protocol::ApiKey;
use kafka_core::protocol::messages::{ApiVersionsRequest, DescribeClusterRequest, ListGroupsRequest};
use tokio::time::Instant;

use crate::{Cluster, create, unique};

fn options() -> CallOptions {
    CallOptions::new(Duration::from_secs(20))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// Metadata, coordinators, the controller, features and connections.
pub async fn everything_a_client_asks_of_a_cluster(cluster: &Cluster, replicas: i16) {
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
    create(&client, &NewTopic::new(&name).partitions(3).replication_factor(replicas)).await;
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
        client.call(leader.id, lane, options(), |_| ApiVersionsRequest::default()).await.unwrap();
    }

    let group = unique("group");
    let coordinator = client.coordinator(CoordinatorKind::Group, &group).await.unwrap();
    let groups =
        client.call(coordinator, Lane::Coordinator, options(), |_| ListGroupsRequest::default()).await;
    assert_eq!(groups.unwrap().error_code, 0);
    client.forget_coordinator(CoordinatorKind::Group, &group);
    assert_eq!(client.coordinator(CoordinatorKind::Group, &group).await.unwrap(), coordinator);
    client.coordinator(CoordinatorKind::Transaction, &group).await.unwrap();

    let fetch = client.api_version_range(leader.id, ApiKey::Fetch).await.unwrap().unwrap();
    assert!(*fetch.end() >= 12, "{fetch:?}");
    if cluster.version_numbers() >= (4, 0, 0) {
        assert_eq!(client.feature(leader.id, "group.version").await.unwrap(), Some(1));
        let described = client.call_any(options(), |_| DescribeClusterRequest::default()).await.unwrap();
        assert_eq!(described.brokers.len(), brokers);
    }
    let metrics = client.metrics();
    assert!(metrics.responses > 8 && metrics.bytes_received > 1000, "{metrics:?}");
    assert_eq!(metrics.connection_failures, 0, "{metrics:?}");
}
