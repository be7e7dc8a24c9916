//! What is to be on disk before an answer leaves, as plain values: what changed in logs and in the cluster's state.
//!
//! `tracked` finds out what changed. Knows no file: the [disk](crate::disk) does what is asked for here. A cluster in memory
//! asks for nothing.

mod change;
mod outbox;
mod tracked;

pub(crate) use change::{Change, LogPlace};
pub(crate) use outbox::Outbox;
pub(crate) use tracked::Tracked;
