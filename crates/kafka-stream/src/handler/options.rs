use std::time::Duration;

use super::{Concurrency, FailurePolicy, RetryPolicy, RetryTopics};

/// How records are handled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerOptions {
    /// How many records of a partition are handled at a time. Default: one after the other.
    pub concurrency: Concurrency,
    /// How many handlers run at a time, over all partitions. Default: as many as `concurrency` allows in each.
    pub max_running: Option<usize>,
    /// How often a handler is tried. Default: 3 times, with 100 ms and 200 ms in between.
    pub retry: RetryPolicy,
    /// What is done about failures, by their class. Default: retries for those that may pass, and then dead letters.
    pub failures: FailurePolicy,
    /// Topics in which records wait for later attempts. Default: none.
    pub retry_topics: RetryTopics,
    /// How many records of a partition may be waiting or being handled before it is paused. Default: 1,000.
    pub max_outstanding: usize,
    /// How often finished records are committed. Default: 1 s.
    pub commit_interval: Duration,
    /// How long running handlers may go on once their partition is taken away or consumption ends; then they are
    /// dropped, and their records come again. What waits for another attempt is not awaited. Never as long as
    /// `max_poll_interval`, after which the group goes on without this member. Default: 10 s.
    pub drain_timeout: Duration,
}

impl Default for HandlerOptions {
    fn default() -> Self {
        Self {
            concurrency: Concurrency::ByPartition,
            max_running: None,
            retry: RetryPolicy::default(),
            failures: FailurePolicy::default(),
            retry_topics: RetryTopics::default(),
            max_outstanding: 1_000,
            commit_interval: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
