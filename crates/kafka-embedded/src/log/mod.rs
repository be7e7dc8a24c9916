//! The log of a partition: batches in order, epochs, and what is remembered of producers.
//!
//! Knows no topic, broker or request. Offsets, epochs and sequence checks are those of Kafka's own log.

mod append;
mod epochs;
mod markers;
mod partition_log;
mod producers;
mod retention;
mod search;
mod validate;

pub(crate) use append::{Appended, Refusal};
pub(crate) use epochs::Epochs;
pub(crate) use partition_log::Log;
pub(crate) use producers::{Producers, Sequence};
