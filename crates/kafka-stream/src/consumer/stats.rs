use std::sync::atomic::{AtomicU64, Ordering};

/// What a consumer has done so far, and how far behind it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerStats {
    /// Records handed out.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Calls of `poll`, also those that returned nothing.
    pub polls: u64,
    /// Fetches answered.
    pub fetches: u64,
    /// Answers of partitions that came from a replica near the consumer instead of the leader (KIP-392).
    pub follower_fetches: u64,
    /// Fetches that failed.
    pub fetch_errors: u64,
    /// Commits that the coordinator acknowledged.
    pub commits: u64,
    /// Commits that failed.
    pub commit_errors: u64,
    /// Rebalances that this member saw to their end.
    pub rebalances: u64,
    /// Assigned partitions.
    pub partitions: usize,
    /// Bytes fetched and not yet handed out.
    pub buffered_bytes: usize,
    /// Records that may be read and were not handed out yet, over all assigned partitions whose end is known.
    pub lag: u64,
}

/// The running counts behind [`ConsumerStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) records: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) polls: AtomicU64,
    pub(crate) fetches: AtomicU64,
    pub(crate) follower_fetches: AtomicU64,
    pub(crate) fetch_errors: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) commit_errors: AtomicU64,
    pub(crate) rebalances: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The counts; partitions, buffer and lag are the caller's to fill in.
    pub(crate) fn stats(&self) -> ConsumerStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ConsumerStats {
            records: read(&self.records),
            bytes: read(&self.bytes),
            polls: read(&self.polls),
            fetches: read(&self.fetches),
            follower_fetches: read(&self.follower_fetches),
            fetch_errors: read(&self.fetch_errors),
            commits: read(&self.commits),
            commit_errors: read(&self.commit_errors),
            rebalances: read(&self.rebalances),
            ..ConsumerStats::default()
        }
    }
}
