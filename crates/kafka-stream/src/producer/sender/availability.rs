//! Which brokers have taken nothing for so long that records without a key should go elsewhere (KIP-794).
//!
//! Knows no partition and no connection: it is told when a broker could not take what waits for it, and when it took
//! something.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// The brokers that something waits for.
#[derive(Debug)]
pub(super) struct Availability {
    /// `partitioner.availability.timeout.ms`; `None` where that is switched off.
    timeout: Option<Duration>,
    stalls: BTreeMap<i32, Stall>,
}

#[derive(Clone, Copy, Debug)]
struct Stall {
    since: Instant,
    left_out: bool,
}

impl Availability {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout: Some(timeout).filter(|timeout| !timeout.is_zero()), stalls: BTreeMap::new() }
    }

    /// Something waits for `broker`, which could not take it now.
    pub(super) fn stalled(&mut self, broker: i32, now: Instant) {
        if self.timeout.is_some() {
            self.stalls.entry(broker).or_insert(Stall { since: now, left_out: false });
        }
    }

    /// `broker` took something, or nothing waits for it any more; returns whether it was left out.
    pub(super) fn took(&mut self, broker: i32) -> bool {
        self.stalls.remove(&broker).is_some_and(|stall| stall.left_out)
    }

    /// Whether nothing should go to `broker` that could go elsewhere.
    pub(super) fn is_left_out(&self, broker: i32) -> bool {
        self.stalls.get(&broker).is_some_and(|stall| stall.left_out)
    }

    /// The brokers that something waits for, or did when they were last heard of.
    pub(super) fn stalled_brokers(&self) -> Vec<i32> {
        self.stalls.keys().copied().collect()
    }

    /// The brokers that are left out from `now` on.
    pub(super) fn on_time(&mut self, now: Instant) -> Vec<i32> {
        let Some(timeout) = self.timeout else { return Vec::new() };
        let late =
            |stall: &Stall| !stall.left_out && stall.since.checked_add(timeout).is_some_and(|at| at <= now);
        let newly = self.stalls.iter_mut().filter(|(_, stall)| late(stall));
        newly
            .map(|(broker, stall)| {
                stall.left_out = true;
                *broker
            })
            .collect()
    }

    /// When the next broker is left out, unless it takes something before.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        let timeout = self.timeout?;
        let waiting = self.stalls.values().filter(|stall| !stall.left_out);
        waiting.filter_map(|stall| stall.since.checked_add(timeout)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(100);

    #[test]
    fn a_broker_is_left_out_once_it_took_nothing_for_the_timeout() {
        let (mut availability, start) = (Availability::new(TIMEOUT), Instant::now());
        availability.stalled(1, start);
        // That it is still stalled does not start the time anew.
        availability.stalled(1, start + TIMEOUT / 2);
        availability.stalled(2, start + TIMEOUT / 2);
        assert_eq!(availability.next_timer(), Some(start + TIMEOUT));
        assert!(availability.on_time(start + TIMEOUT - Duration::from_millis(1)).is_empty());
        assert_eq!(availability.on_time(start + TIMEOUT), [1]);
        assert!(availability.is_left_out(1) && !availability.is_left_out(2));
        assert_eq!(availability.next_timer(), Some(start + TIMEOUT * 3 / 2));
        assert!(availability.on_time(start + TIMEOUT).is_empty(), "it is named once");
    }

    #[test]
    fn what_is_taken_ends_the_stall() {
        let (mut availability, start) = (Availability::new(TIMEOUT), Instant::now());
        availability.stalled(1, start);
        assert!(!availability.took(1), "it was not left out yet");
        availability.stalled(1, start + TIMEOUT);
        assert!(availability.on_time(start + TIMEOUT).is_empty(), "the time counts anew");
        assert_eq!(availability.on_time(start + TIMEOUT * 2), [1]);
        assert!(availability.took(1) && !availability.is_left_out(1));
        assert!(availability.stalled_brokers().is_empty() && availability.next_timer().is_none());
    }

    #[test]
    fn without_a_timeout_nobody_is_left_out() {
        let (mut availability, start) = (Availability::new(Duration::ZERO), Instant::now());
        availability.stalled(1, start);
        assert_eq!(availability.next_timer(), None);
        assert!(availability.on_time(start + TIMEOUT * 1_000).is_empty() && !availability.is_left_out(1));
    }
}
