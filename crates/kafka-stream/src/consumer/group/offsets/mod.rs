//! Committed offsets: the group's memory of how far its members are.
//!
//! [`commit`] and [`fetch`] make requests and judge answers without I/O; [`Offsets`] sends them.

mod client;
mod commit;
mod fetch;
mod topic_ids;

pub(crate) use client::Offsets;

use super::{CommitError, ConsumerGroupMetadata, OffsetAndMetadata};

#[cfg(test)]
mod tests;
