use std::time::Duration;

use crate::access::AuthorizerConfig;
use crate::listeners::ListenerConfig;

/// Whether a group with members may change between the classic protocol and that of KIP-848.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// Neither way.
    Disabled,
    /// To the new protocol.
    Upgrade,
    /// To the classic one.
    Downgrade,
    /// Both ways.
    #[default]
    Bidirectional,
}

impl MigrationPolicy {
    pub(crate) fn upgrades(self) -> bool {
        matches!(self, Self::Upgrade | Self::Bidirectional)
    }

    pub(crate) fn downgrades(self) -> bool {
        matches!(self, Self::Downgrade | Self::Bidirectional)
    }
}

impl std::fmt::Display for MigrationPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Disabled => "disabled",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Bidirectional => "bidirectional",
        })
    }
}

/// The cluster's settings, named as Kafka's brokers name them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// Milliseconds since 1970 at the start of the cluster's clock.
    pub(crate) started_at: i64,
    /// Whether the brokers listen on sockets, or are reached in memory alone.
    pub(crate) sockets: bool,
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
    /// `group.consumer.session.timeout.ms`
    pub(crate) consumer_session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`
    pub(crate) consumer_heartbeat_interval: Duration,
    /// `group.consumer.max.size`
    pub(crate) consumer_max_group_size: usize,
    /// `group.share.session.timeout.ms`
    pub(crate) share_session_timeout: Duration,
    /// `group.share.heartbeat.interval.ms`
    pub(crate) share_heartbeat_interval: Duration,
    /// `group.share.record.lock.duration.ms`
    pub(crate) share_record_lock: Duration,
    /// `group.share.delivery.count.limit`
    pub(crate) share_delivery_limit: i16,
    /// `group.share.max.size`
    pub(crate) share_max_group_size: usize,
    /// `group.share.max.share.sessions`
    pub(crate) max_share_sessions: usize,
    /// `group.consumer.migration.policy`
    pub(crate) migration_policy: MigrationPolicy,
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
    /// `offsets.retention.minutes`
    pub(crate) offsets_retention: Duration,
    /// `min.incremental.fetch.session.eviction.ms`
    pub(crate) fetch_session_eviction: Duration,
    /// `producer.id.expiration.ms`
    pub(crate) producer_expiration: Duration,
    /// `log.cleaner.backoff.ms`
    pub(crate) compaction_interval: Duration,
    /// The folder that every broker says its logs are in (`log.dirs`).
    pub(crate) log_dir: String,
    /// All records of the cluster may take so many bytes; more are refused.
    pub(crate) max_bytes: u64,
    /// `listeners`
    pub(crate) listeners: Vec<ListenerConfig>,
    /// `authorizer.class.name` and what it is told.
    pub(crate) authorizer: Option<AuthorizerConfig>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            started_at: 0,
            sockets: true,
            auto_create_topics: true,
            num_partitions: 1,
            default_replication_factor: 1,
            offsets_topic_partitions: 50,
            transaction_topic_partitions: 50,
            max_transaction_timeout: Duration::from_secs(900),
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_secs(1800),
            max_group_size: 2_147_483_647,
            consumer_session_timeout: Duration::from_secs(45),
            consumer_heartbeat_interval: Duration::from_secs(5),
            consumer_max_group_size: 2_147_483_647,
            share_session_timeout: Duration::from_secs(45),
            share_heartbeat_interval: Duration::from_secs(5),
            share_record_lock: Duration::from_secs(30),
            share_delivery_limit: 5,
            share_max_group_size: 200,
            max_share_sessions: 2000,
            migration_policy: MigrationPolicy::default(),
            max_offset_metadata: 4096,
            max_fetch_sessions: 1000,
            fetch_max_bytes: 57_671_680,
            max_request_bytes: 104_857_600,
            retention_check_interval: Duration::from_secs(300),
            offsets_retention: Duration::from_secs(7 * 86_400),
            fetch_session_eviction: Duration::from_secs(120),
            producer_expiration: Duration::from_secs(86_400),
            compaction_interval: Duration::from_secs(15),
            log_dir: "/memory".to_owned(),
            max_bytes: 1 << 30,
            listeners: vec![ListenerConfig::plaintext()],
            authorizer: None,
        }
    }
}
