use std::collections::BTreeSet;
use std::time::Duration;

use super::Ticket;

/// How long the cluster has been running, by its own clock.
pub(crate) type Time = Duration;

/// What is due at some time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A fetch has waited for as long as it wanted.
    Fetch(Ticket),
    /// A fetch of a share group has waited for as long as it wanted.
    ShareFetch(Ticket),
    /// Something in a group: a session, a rebalance. The group itself knows what.
    Group(String),
    /// A transaction has been open for as long as it may.
    Transaction(String),
    /// Old records are removed.
    Retention,
    /// Compacted topics are looked at.
    Compaction,
}

/// When what is due.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Time, Timer)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Time, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(crate) fn cancel(&mut self, at: Time, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.0.first().map(|(at, _)| *at)
    }

    /// The first timer that is due at `now`, and since when it is.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, Timer)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first()
    }
}
