//! Administration of an Apache Kafka cluster: topics with per-topic configs, partitions, and configs of topics and
//! brokers.
//!
//! [`Admin`] sends one request for many topics and gives one result per topic, so that one failure hides no success.
//! What can be checked without a broker, names, keys and counts, is checked before anything is sent.
//!
//! ```no_run
//! use kafka_admin::{Admin, Created, NewTopic};
//! use kafka_core::cluster::{Client, ClientConfig};
//!
//! # async fn example() -> kafka_core::Result<()> {
//! let client = Client::new(ClientConfig::new(["localhost:9092".parse()?]))?;
//! let admin = Admin::new(client);
//! let topic = NewTopic::new("analytics-events").partitions(6).config("retention.ms", 604_800_000);
//! match admin.create_topic_if_absent(&topic).await? {
//!     Created::New(_) => println!("created"),
//!     Created::Same => println!("was there"),
//!     Created::Other(differences) => println!("was there, but {differences:?}"),
//! }
//! # Ok(())
//! # }
//! ```

mod admin;
mod alter_configs;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_topics;
mod new_topic;
mod resource;
mod topic_configs;

pub use admin::{Admin, TopicResult};
pub use alter_configs::{AlterConfig, ConfigOperation};
pub use create_partitions::NewPartitions;
pub use create_topics::{Created, CreatedTopic, Difference};
pub use describe_cluster::{BrokerDescription, ClusterDescription};
pub use describe_configs::{ConfigEntry, ConfigSource, ConfigSynonym, ResourceConfigs};
pub use describe_topics::{PartitionDescription, TopicDescription, TopicListing};
pub use new_topic::NewTopic;
pub use resource::{ConfigResource, ResourceResult};
pub use topic_configs::TopicConfigs;

#[cfg(test)]
mod tests {
    use super::*;

    fn spawnable<F: Future + Send>(_: F) {}

    #[test]
    fn what_the_admin_does_can_be_spawned() {
        // Never called: that it compiles is the test.
        let _ = |admin: Admin, topic: NewTopic| {
            spawnable(async move {
                let _ = admin.create_topic_if_absent(&topic).await;
                let _ = admin.describe_topics(&[&topic.name]).await;
                let _ = admin.describe_configs(&[ConfigResource::Topic(topic.name.clone())]).await;
                let _ = admin.incremental_alter_configs(&[AlterConfig::topic(&topic.name)]).await;
                let _ = admin.create_partitions(&[NewPartitions::new(&topic.name, 2)]).await;
                let _ = admin.delete_topics(&[&topic.name]).await;
                let _ = admin.describe_cluster().await;
            });
        };
    }
}
