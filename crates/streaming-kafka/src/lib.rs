//! An Apache Kafka client without a line of C, set up from `STREAMING_KAFKA__*`.
//!
//! [`KafkaConfig`] is the configuration, [`KafkaManager`] produces and handles events, [`KafkaTopicManager`] creates topics. What is beneath is here too: [`admin`],
//! [`producer`] and [`consumer`].

pub mod config;
mod error;
mod key_field;
mod manager;
#[cfg(test)]
mod readme_test;
mod topic_manager;

pub use config::{ConfigError, KafkaConfig, recommended_partitions};
pub use error::{DeadLetter, Error, Result};
pub use kafka_admin as admin;
pub use kafka_admin::{NewTopic, TopicConfigs};
pub use kafka_security::{SaslMechanism, Secret, SecurityConfig, SecurityProtocol};
pub use kafka_stream::{consumer, producer};
pub use manager::{EventDelivery, KafkaManager};
pub use topic_manager::{KafkaTopicManager, TopicOutcome};
