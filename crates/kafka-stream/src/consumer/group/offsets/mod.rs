//! Committed offsets: the group's memory of how far its members are.
//!
//! [`commit`] and [`fetch`] make requests and judge answers without I/O.

mod commit;
mod fetch;
mod topic_ids;

use super::{CommitError, ConsumerGroupMetadata, OffsetAndMetadata};

#[cfg(test)]
mod tests;
