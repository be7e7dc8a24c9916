//! The producer: batches by partition, sent in order, idempotent by default.
//!
//! The way of a record, file by file:
//! 1. `handle.rs`: [`Producer::send`] takes a [`ProducerRecord`]; where something is missing, it waits here.
//! 2. `accumulator/`: the partitioner chooses, and the partition's queue appends the record to its open batch, straight
//!    into the buffer that goes onto the wire. Memory comes from `memory.rs`.
//! 3. `delivery.rs`: the caller gets a [`Delivery`], which shares its batch's `Completion`.
//! 4. `sender/`: one task takes complete and lingering batches, compresses and stamps them (`batch.rs`), and hands them
//!    to the leader's connection; `sequence/` keeps each partition's order and numbers.
//! 5. `sender/outcome.rs`: an answer ends a batch, or sends it again; `hooks.rs` counts and tells interceptors.
//!
//! Knows nothing of consumers, and of the cluster only what [`kafka_core::cluster::Client`] offers.

mod accumulator;
mod batch;
mod builder;
mod codec;
mod config;
mod delivery;
mod error;
mod flush;
mod handle;
mod hooks;
mod memory;
pub mod partitioner;
mod payload;
mod record;
mod sender;
mod sequence;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod validate;

pub use builder::ProducerBuilder;
pub use config::{Acks, ProducerConfig};
pub use delivery::Delivery;
pub use error::{ProduceError, ProduceErrorKind, SizeLimit};
pub use handle::{Producer, TrySendError};
pub use hooks::{Acknowledgement, Interceptor, ProducerStats};
pub use partitioner::Partitioner;
pub use payload::Payload;
pub use record::{ProducerRecord, RecordMetadata, Timestamp};
