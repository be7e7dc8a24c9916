//! The order of one partition's batches from their first sending to their outcome: what makes a producer idempotent.
//!
//! [`InOrder`] is a pure state machine. It knows no socket, clock or task, nor what a batch is: it is told what was sent
//! and what was answered, and says what may be sent next, under which sequence, and what became of each batch.
//!
//! The rules, all per partition:
//! - Sequences are fixed when a batch is first sent. A retry keeps them, waits until all before it are settled, and
//!   nothing new is sent past a batch that waits.
//! - Batches are in flight to one broker at a time, and only one until the broker has acknowledged the first of an epoch, or
//!   the first in the log of a topic that was created anew: a broker that knows no producer accepts any sequence, so nothing
//!   may arrive before the first.
//! - What is given up leaves a gap. If it may have been written, those behind it find out by their own sequences. Once
//!   it is certain that none of those behind was written, they get sequences from 0 in the next epoch (KIP-360). What
//!   may be in the log is never numbered again, so nothing is written twice.

mod in_order;
#[cfg(test)]
mod model;

pub(crate) use in_order::{Answer, InOrder, Stamp, Verdict};

/// Who writes, to the broker: an id, and an epoch that rises where a gap has to be left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

/// The sequence that is `count` records after `sequence`; sequences wrap to 0 behind `i32::MAX`.
pub(crate) fn advance(sequence: i32, count: i32) -> i32 {
    let modulus = i64::from(i32::MAX) + 1;
    let next = (i64::from(sequence) + i64::from(count)).rem_euclid(modulus);
    i32::try_from(next).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_wrap_to_zero_as_brokers_count_them() {
        assert_eq!(advance(0, 10), 10);
        assert_eq!(advance(i32::MAX, 1), 0);
        assert_eq!(advance(i32::MAX - 2, 5), 2);
    }
}
