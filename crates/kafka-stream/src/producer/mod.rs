//! The producer: batches by partition, sent in order, idempotent by default.

mod config;

pub use config::{Acks, ProducerConfig};
