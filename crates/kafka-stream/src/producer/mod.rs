//! The producer: batches by partition, sent in order, idempotent by default.

mod config;
mod delivery;
mod error;
mod memory;
pub mod partitioner;
mod record;
mod sequence;

pub use config::{Acks, ProducerConfig};
pub use delivery::Delivery;
pub use error::{ProduceError, ProduceErrorKind, SizeLimit};
pub use partitioner::Partitioner;
pub use record::{Payload, ProducerRecord, RecordMetadata, Timestamp};
