use kafka_embedded::EmbeddedCluster;
use streaming_kafka::NewTopic;
use streaming_kafka::admin::{Admin, AlterConfig, ConfigResource, ConfigSource, NewPartitions};

use crate::support::{client, cluster};

#[tokio::test]
async fn a_topics_life() {
    let cluster = cluster(3, &[]).await;
    let admin = Admin::new(client(&cluster));
    let topic = NewTopic::new("life").partitions(2).replication_factor(3).config("retention.ms", 1000);
    admin.create_topic(&topic).await.unwrap();
    let code = admin.create_topic(&topic).await.unwrap_err().code().unwrap();
    assert_eq!(code.name(), "TOPIC_ALREADY_EXISTS");
    let too_many = NewTopic::new("wide").partitions(1).replication_factor(4);
    let code = admin.create_topic(&too_many).await.unwrap_err().code().unwrap();
    assert_eq!(code.name(), "INVALID_REPLICATION_FACTOR");

    let added = admin.create_partitions(&[NewPartitions::new("life", 5)]).await.unwrap();
    assert!(added[0].result.is_ok());
    let described = admin.describe_topic("life").await.unwrap();
    assert_eq!(described.partitions.len(), 5);
    let leaders: std::collections::BTreeSet<i32> =
        cluster.topic("life").unwrap().partitions.iter().map(|partition| partition.leader).collect();
    assert_eq!(leaders.len(), 3, "leaders are spread");

    let changes = [AlterConfig::topic("life").set("max.message.bytes", 2000)];
    assert!(admin.incremental_alter_configs(&changes).await[0].result.is_ok());
    let described = admin.describe_configs(&[ConfigResource::Topic("life".to_owned())]).await;
    let configs = described[0].result.as_ref().unwrap();
    let of = |name: &str| configs.get(name).unwrap();
    assert_eq!(of("max.message.bytes").value.as_deref(), Some("2000"));
    assert_eq!(of("max.message.bytes").source, ConfigSource::Topic);
    assert_eq!(of("retention.bytes").source, ConfigSource::Default);

    assert!(admin.delete_topics(&["life"]).await.unwrap()[0].result.is_ok());
    assert!(cluster.topic("life").is_none());
}

#[tokio::test]
async fn many_clusters_run_side_by_side_and_leave_no_port_behind() {
    let mut addresses = Vec::new();
    for seed in 0..20 {
        let cluster = EmbeddedCluster::builder().brokers(3).seed(seed).topic("t", 3).start().await.unwrap();
        addresses.extend(cluster.bootstrap_servers());
        assert!(Admin::new(client(&cluster)).describe_topic("t").await.unwrap().partitions.len() == 3);
    }
    for address in addresses {
        let refused = async {
            while tokio::net::TcpStream::connect(&address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::support::WAIT, refused).await.unwrap();
    }
}
