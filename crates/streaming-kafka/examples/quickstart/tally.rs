use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// How often each event was seen.
pub(crate) struct Tally {
    seen: Vec<AtomicU8>,
    distinct: AtomicU64,
}

impl Tally {
    /// Nothing seen of events 1 to `events`.
    pub(crate) fn new(events: u32) -> Self {
        let seen = (0..=events).map(|_| AtomicU8::new(0)).collect();
        Self { seen, distinct: AtomicU64::new(0) }
    }

    /// Counts event `number`.
    pub(crate) fn see(&self, number: u32) {
        let Some(count) = usize::try_from(number).ok().and_then(|number| self.seen.get(number)) else {
            return;
        };
        let before = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.saturating_add(1)));
        if before == Ok(0) {
            self.distinct.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many different events were seen.
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct.load(Ordering::Relaxed)
    }

    /// How many events were not seen although `expected`, and how often one was seen again or unexpectedly.
    pub(crate) fn faults(&self, expected: impl Fn(u32) -> bool) -> (u64, u64) {
        let (mut missing, mut extra) = (0, 0);
        for (number, count) in (0..).zip(&self.seen).skip(1) {
            let wanted = u8::from(expected(number));
            let count = count.load(Ordering::Relaxed);
            missing += u64::from(wanted.saturating_sub(count));
            extra += u64::from(count.saturating_sub(wanted));
        }
        (missing, extra)
    }
}
