use std::time::Duration;

/// The cluster's settings, named as Kafka's brokers name them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// Milliseconds since 1970 at the start of the cluster's clock.
    pub(crate) started_at: i64,
    /// `auto.create.topics.enable`
    pub(crate) auto_create_topics: bool,
    /// `num.partitions`
    pub(crate) num_partitions: i32,
    /// `default.replication.factor`
    pub(crate) default_replication_factor: i16,
    /// `offsets.topic.num.partitions`
    pub(crate) offsets_topic_partitions: usize,
    /// `transaction.state.log.num.partitions`
    pub(crate) transaction_topic_partitions: usize,
    /// `transaction.max.timeout.ms`
    pub(crate) max_transaction_timeout: Duration,
    /// `group.initial.rebalance.delay.ms`
    pub(crate) initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`
    pub(crate) min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`
    pub(crate) max_session_timeout: Duration,
    /// `group.max.size`
    pub(crate) max_group_size: usize,
    /// `offset.metadata.max.bytes`
    pub(crate) max_offset_metadata: usize,
    /// `max.incremental.fetch.session.cache.slots`
    pub(crate) max_fetch_sessions: usize,
    /// `fetch.max.bytes` of the broker
    pub(crate) fetch_max_bytes: usize,
    /// `socket.request.max.bytes`
    pub(crate) max_request_bytes: usize,
    /// `log.retention.check.interval.ms`
    pub(crate) retention_check_interval: Duration,
    /// All records of the cluster may take so many bytes; more are refused.
    pub(crate) max_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            started_at: 0,
            auto_create_topics: true,
            num_partitions: 1,
            default_replication_factor: 1,
            offsets_topic_partitions: 50,
            transaction_topic_partitions: 50,
            max_transaction_timeout: Duration::from_secs(900),
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_secs(1800),
            max_group_size: usize::MAX,
            max_offset_metadata: 4096,
            max_fetch_sessions: 1000,
            fetch_max_bytes: 57_671_680,
            max_request_bytes: 104_857_600,
            retention_check_interval: Duration::from_secs(300),
            max_bytes: 1 << 30,
        }
    }
}
