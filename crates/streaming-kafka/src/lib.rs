//! A pure-Rust Apache Kafka client, set up from `STREAMING_KAFKA__*`.

pub mod config;

pub use config::{ConfigError, KafkaConfig, recommended_partitions};

#[cfg(test)]
mod readme_test;
