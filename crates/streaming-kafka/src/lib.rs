//! A pure-Rust Apache Kafka client, set up from `STREAMING_KAFKA__*`.
