//! A pure-Rust Apache Kafka client, set up from `STREAMING_KAFKA__*`.

pub mod config;

pub use config::{ConfigError, KafkaConfig, recommended_partitions};
pub use kafka_security::{SaslMechanism, Secret, SecurityConfig, SecurityProtocol};

#[cfg(test)]
mod readme_test;
