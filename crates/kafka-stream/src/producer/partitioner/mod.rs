//! Which partition a record goes to.
//!
//! A [`Partitioner`] decides from the record alone; where it does not care, the uniform sticky partitioner (KIP-794)
//! fills one partition's batch before it moves to the next, weighted by how long each partition's queue is.
//! Knows no broker and no socket.

mod by_key;
mod murmur2;
mod sticky;
mod weights;

pub use by_key::{ConsistentRandom, KeyHash};
pub use murmur2::{murmur2, partition_for_key};
pub(crate) use sticky::Sticky;
pub(crate) use weights::pick;

use super::ProducerRecord;

/// Chooses a record's partition (`partitioner.class`).
pub trait Partitioner: std::fmt::Debug + Send + Sync + 'static {
    /// The partition of `record`, from 0 up to but not including `partitions`, which is at least 1.
    ///
    /// `None` leaves the choice to the uniform sticky partitioner. Records that name their partition are not asked for.
    /// Called on the path of every record: it should be quick and must not block. A partition out of range fails that
    /// record alone.
    fn partition(&self, record: &ProducerRecord<'_>, partitions: u32) -> Option<u32>;
}
