//! Topics with per-topic configs, partitions and configs of a Kafka cluster.
