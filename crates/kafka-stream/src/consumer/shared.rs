use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kafka_core::TopicPartition;
use kafka_core::cluster::Client;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::fetch::OpenSessions;
use super::positions::{FetchLimits, Halt, OffsetSpec, Phase, Positions};
use super::problems::Problems;
use super::stats::Counters;
use super::{AutoOffsetReset, ConsumerConfig, ConsumerError, ConsumerErrorKind, RebalanceListener};

/// What the public face, the resolver and the fetch tasks of one consumer have in common.
///
/// `positions` is the one place of truth; its lock is held for bookkeeping only, never while waiting or decoding.
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) config: ConsumerConfig,
    pub(crate) positions: Mutex<Positions>,
    pub(crate) problems: Mutex<Problems>,
    pub(crate) counters: Counters,
    pub(crate) sessions: OpenSessions,
    /// Why the group does not want this consumer, for good: every `poll` says it until another subscription.
    pub(crate) failed: Mutex<Option<kafka_core::Error>>,
    /// Hears of rebalances.
    pub(crate) listener: Mutex<Option<Arc<dyn RebalanceListener>>>,
    /// Subscribed by name: each should exist.
    pub(crate) topics: Mutex<BTreeSet<Arc<str>>>,
    closed: AtomicBool,
    /// How many calls wait for the poll under way to return.
    interrupts: AtomicUsize,
    /// There may be something for `poll`: records or an error.
    pub(crate) for_poll: Notify,
    /// There may be something for the resolver: positions to look up, leaders to find.
    pub(crate) for_resolver: Notify,
    /// There may be something for the fetch tasks: a partition that may be fetched now.
    pub(crate) for_fetchers: Notify,
}

impl Shared {
    pub(crate) fn new(client: Client, config: ConsumerConfig) -> Self {
        Self {
            client,
            config,
            positions: Mutex::default(),
            problems: Mutex::default(),
            counters: Counters::default(),
            sessions: OpenSessions::default(),
            failed: Mutex::default(),
            listener: Mutex::default(),
            topics: Mutex::default(),
            closed: AtomicBool::new(false),
            interrupts: AtomicUsize::new(0),
            for_poll: Notify::new(),
            for_resolver: Notify::new(),
            for_fetchers: Notify::new(),
        }
    }

    /// Where `auto.offset.reset` starts.
    pub(crate) fn reset_policy(&self) -> Option<OffsetSpec> {
        match self.config.auto_offset_reset {
            AutoOffsetReset::Earliest => Some(OffsetSpec::Earliest),
            AutoOffsetReset::Latest => Some(OffsetSpec::Latest),
            AutoOffsetReset::ByDuration(age) => Some(OffsetSpec::Ago(age)),
            AutoOffsetReset::None => None,
        }
    }

    /// Makes these the partitions to read.
    pub(crate) fn assign(&self, wanted: &BTreeSet<TopicPartition>, in_group: bool) {
        {
            let mut positions = self.positions.lock();
            let policy = self.reset_policy();
            let phase = match (in_group, policy) {
                (true, _) => Phase::Committed,
                (false, Some(spec)) => Phase::Reset(spec),
                (false, None) => Phase::Halted(Halt::new(
                    ConsumerErrorKind::NoOffset,
                    "auto_offset_reset is none and there is no group; seek to where to start".to_owned(),
                )),
            };
            positions.assign(wanted, &phase);
        }
        self.wake_all();
    }

    /// Lets a poll that waits return.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.for_poll.notify_one();
    }

    /// Has polls return, with what they have, until the guard is dropped.
    pub(crate) fn interrupt(&self) -> Interrupt<'_> {
        self.interrupts.fetch_add(1, Ordering::AcqRel);
        self.for_poll.notify_one();
        Interrupt(self)
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupts.load(Ordering::Acquire) > 0
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn fetch_limits(&self) -> FetchLimits {
        FetchLimits {
            partition_bytes: self.config.max_partition_fetch_bytes,
            total_bytes: self.config.prefetch_max_bytes,
        }
    }

    /// Has the next `poll` return an error.
    pub(crate) fn report(&self, error: impl Into<ConsumerError>) {
        self.problems.lock().report(error.into(), Instant::now());
        self.for_poll.notify_one();
    }

    /// Positions or leaders changed: whoever works on them looks again.
    pub(crate) fn wake_all(&self) {
        self.for_resolver.notify_one();
        self.for_fetchers.notify_waiters();
        self.for_poll.notify_one();
    }
}

/// See [`Shared::interrupt`].
pub(crate) struct Interrupt<'a>(&'a Shared);

impl Drop for Interrupt<'_> {
    fn drop(&mut self) {
        self.0.interrupts.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .field("positions", &self.positions)
            .finish_non_exhaustive()
    }
}
