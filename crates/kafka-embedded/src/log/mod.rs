//! The log of a partition: batches in order, epochs, and what is remembered of producers.
//!
//! It is divided into segments, which are what `retention` and `compaction` remove and rewrite.
//!
//! Knows no topic, broker or request. Offsets, epochs and sequence checks are those of Kafka's own log.

mod append;
mod compaction;
#[cfg(test)]
mod compaction_tests;
mod epochs;
mod markers;
mod partition_log;
mod producers;
mod restore;
mod retention;
mod search;
mod segment;
#[cfg(test)]
mod testkit;
mod transactions_left;
mod validate;

pub(crate) use append::{Appended, Refusal};
pub(crate) use epochs::Epochs;
pub(crate) use markers::Marker;
pub(crate) use partition_log::Log;
pub(crate) use producers::{ActiveProducer, Producers, Sequence};
pub(crate) use restore::FoundSegment;
