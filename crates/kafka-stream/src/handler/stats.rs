use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What handlers have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerStats {
    /// Records that the handler accepted.
    pub handled: u64,
    /// Times that the handler was called again for a record.
    pub retries: u64,
    /// Records that are in the dead letter topic, acknowledged.
    pub dead_lettered: u64,
    /// Commits that the broker accepted.
    pub commits: u64,
    /// Commits that failed; the next one covers what they would have.
    pub failed_commits: u64,
    /// Times that a partition was paused because its records piled up.
    pub pauses: u64,
    /// Records whose handling was dropped because the partition was taken away.
    pub abandoned: u64,
}

/// Reads the [`HandlerStats`] of an [`EventConsumer`](super::EventConsumer) while it runs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StatsReader(pub(crate) Arc<Counters>);

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) handled: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) failed_commits: AtomicU64,
    pub(crate) pauses: AtomicU64,
    pub(crate) abandoned: AtomicU64,
}

impl StatsReader {
    /// The numbers at this moment.
    pub fn stats(&self) -> HandlerStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HandlerStats {
            handled: read(&self.0.handled),
            retries: read(&self.0.retries),
            dead_lettered: read(&self.0.dead_lettered),
            commits: read(&self.0.commits),
            failed_commits: read(&self.0.failed_commits),
            pauses: read(&self.0.pauses),
            abandoned: read(&self.0.abandoned),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
