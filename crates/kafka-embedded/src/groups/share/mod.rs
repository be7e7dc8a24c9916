//! Share groups (KIP-932): all members get records of the same partitions, each record one at a time.
//!
//! `group` knows the members, `records` what has become of each record of a partition, `sessions` what members ask of a
//! broker again and again. Knows no log and no broker.

mod group;
mod records;
mod sessions;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use group::ShareGroup;
pub(crate) use records::{Acquired, ShareRecords, Verdict, Wish};
pub(crate) use sessions::{ShareSessions, Turn};
pub(crate) use settings::{Reset, ShareSettings, reset};
