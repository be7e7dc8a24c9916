//! An Apache Kafka client without a line of C, set up from `STREAMING_KAFKA__*`.
//!
//! [`KafkaConfig`] is the configuration, [`KafkaManager`] produces and handles events, [`KafkaTopicManager`] creates
//! topics. What is beneath is here too: [`admin`], [`producer`], [`consumer`], [`handler`], [`dead_letter`] and
//! [`security`].

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
pub use kafka_core::TopicPartition;
pub use kafka_core::cluster::{Client, ClientConfig};
pub use kafka_security as security;
pub use kafka_security::{SaslMechanism, Secret, SecurityConfig, SecurityProtocol};
pub use kafka_stream::{consumer, dead_letter, handler, producer};
pub use manager::{ConsumeOptions, ConsumptionStats, EventDelivery, KafkaManager};
pub use topic_manager::{KafkaTopicManager, TopicOutcome};

/// What most programs need: `use streaming_kafka::prelude::*`.
pub mod prelude {
    pub use crate::consumer::{Consumer, ConsumerRecord};
    pub use crate::handler::{Failure, Handler, HandlerOptions, json};
    pub use crate::producer::{Producer, ProducerRecord};
    pub use crate::{
        ConsumeOptions, Error, KafkaConfig, KafkaManager, KafkaTopicManager, TopicConfigs,
        recommended_partitions,
    };
}

/// The README's code, so that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
