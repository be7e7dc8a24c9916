//! Every operation can run in a task of its own: its future is `Send`, which only a compiler can show.

use kafka_admin::{Admin, AlterConfig, ConfigResource, NewPartitions, NewTopic};
use kafka_core::cluster::{Client, ClientConfig};

fn spawnable<T: Send>(future: T) {
    drop(future);
}

#[tokio::test]
async fn every_operation_can_be_spawned() {
    let client = Client::new(ClientConfig::new(["127.0.0.1:1".parse().unwrap()])).unwrap();
    let admin = Admin::new(client.clone());
    spawnable(admin.create_topics(&[NewTopic::new("t")]));
    spawnable(admin.create_topic_if_absent(&NewTopic::new("t")));
    spawnable(admin.delete_topics(&["t"]));
    spawnable(admin.create_partitions(&[NewPartitions::new("t", 2)]));
    spawnable(admin.list_topics());
    spawnable(admin.describe_topics(&["t"]));
    spawnable(admin.describe_configs(&[ConfigResource::Broker(1)]));
    spawnable(admin.incremental_alter_configs(&[AlterConfig::topic("t").set("retention.ms", 1)]));
    spawnable(admin.describe_cluster());
}
