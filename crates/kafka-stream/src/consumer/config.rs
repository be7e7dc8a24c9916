use std::time::Duration;

/// Where to start when a partition has no committed offset, or one out of range (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoOffsetReset {
    /// At the first record that is still there.
    #[default]
    Earliest,
    /// After the last record.
    Latest,
    /// Nowhere: `poll` returns an error.
    None,
    /// At the first record younger than this (KIP-1106, `by_duration:PT1H`).
    ByDuration(Duration),
}

/// Which records of transactions are seen (`isolation.level`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IsolationLevel {
    /// All records.
    #[default]
    ReadUncommitted,
    /// Those of committed transactions and those outside any.
    ReadCommitted,
}

/// How partitions are given to the members of a group (`partition.assignment.strategy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AssignmentStrategy {
    /// Contiguous ranges of each topic.
    Range,
    /// One after the other over all topics.
    RoundRobin,
    /// Balanced, and as before where it can be; all partitions stop during a rebalance.
    Sticky,
    /// Balanced, and as before where it can be; only partitions that move stop during a rebalance (KIP-429).
    CooperativeSticky,
}

/// Which protocol a group speaks (`group.protocol`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupProtocol {
    /// JoinGroup, SyncGroup and a leader among the members that assigns.
    #[default]
    Classic,
    /// Heartbeats alone, and the coordinator assigns (KIP-848). Kafka 4.0 and newer. The session timeout and the
    /// heartbeat interval are the broker's, patterns are matched by the broker (in the syntax of RE2), and assignors of the
    /// client's are not used.
    Consumer,
}

/// The consumer's settings, named as Kafka names them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConsumerConfig {
    /// `group.id`: needed by `subscribe` and by commits. Default: none.
    pub group_id: Option<String>,
    /// `group.instance.id`: the name of a static member (KIP-345). Default: none.
    pub group_instance_id: Option<String>,
    /// `group.protocol`. Default: classic.
    pub group_protocol: GroupProtocol,
    /// `group.remote.assignor`: the broker's assignor, `uniform` or `range`, for the protocol
    /// [`Consumer`](GroupProtocol::Consumer). Default: the broker's choice.
    pub group_remote_assignor: Option<String>,
    /// `partition.assignment.strategy`, the preferred first. Default: range, then cooperative sticky.
    pub partition_assignment_strategy: Vec<AssignmentStrategy>,
    /// `auto.offset.reset`. Default: earliest.
    pub auto_offset_reset: AutoOffsetReset,
    /// `enable.auto.commit`. Default: false.
    pub enable_auto_commit: bool,
    /// `auto.commit.interval.ms`. Default: 5 s.
    pub auto_commit_interval: Duration,
    /// `max.poll.records`: the most records one `poll` returns. Default: 500.
    pub max_poll_records: usize,
    /// `max.poll.interval.ms`: the longest time between two polls, and for a rebalance listener, before the member leaves the
    /// group. Default: 300 s.
    pub max_poll_interval: Duration,
    /// `session.timeout.ms`. Default: 30 s.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`: at most a third of the session timeout. Default: 3 s.
    pub heartbeat_interval: Duration,
    /// `fetch.min.bytes`. Default: 1,024.
    pub fetch_min_bytes: i32,
    /// `fetch.max.wait.ms`. Default: 500 ms.
    pub fetch_max_wait: Duration,
    /// `fetch.max.bytes`: the most one fetch returns. A broker is asked for 4 MiB at a time, and for up to this where it is
    /// more than 10 ms away. Default: 52,428,800.
    pub fetch_max_bytes: i32,
    /// `max.partition.fetch.bytes`: the most one fetch returns of a partition. Default: 1,048,576.
    pub max_partition_fetch_bytes: i32,
    /// The most that is fetched ahead of `poll`, over all partitions, in bytes; nothing more is asked for then. Each broker is
    /// asked for its share of it at most, so that what is under way may come to as much again, and to one batch per broker
    /// where that is larger. Not a setting of Kafka's own clients. Default: 33,554,432.
    pub prefetch_max_bytes: usize,
    /// `isolation.level`. Default: read uncommitted.
    pub isolation_level: IsolationLevel,
    /// `check.crcs`: whether each batch's checksum is verified. Default: true.
    pub check_crcs: bool,
    /// `client.rack`: where this consumer is, for fetching from a near replica (KIP-392). Default: none.
    pub client_rack: Option<String>,
    /// `exclude.internal.topics`: whether a pattern leaves Kafka's own topics out. Default: true.
    pub exclude_internal_topics: bool,
    /// `allow.auto.create.topics`. Default: false.
    pub allow_auto_create_topics: bool,
    /// `default.api.timeout.ms`: how long commits and look-ups may take. Default: 60 s.
    pub default_api_timeout: Duration,
    /// `request.timeout.ms`: how long one request may take. Default: 30 s.
    pub request_timeout: Duration,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            group_id: None,
            group_instance_id: None,
            group_protocol: GroupProtocol::Classic,
            group_remote_assignor: None,
            partition_assignment_strategy: vec![
                AssignmentStrategy::Range,
                AssignmentStrategy::CooperativeSticky,
            ],
            auto_offset_reset: AutoOffsetReset::Earliest,
            enable_auto_commit: false,
            auto_commit_interval: Duration::from_secs(5),
            max_poll_records: 500,
            max_poll_interval: Duration::from_secs(300),
            session_timeout: Duration::from_secs(30),
            heartbeat_interval: Duration::from_secs(3),
            fetch_min_bytes: 1024,
            fetch_max_wait: Duration::from_millis(500),
            fetch_max_bytes: 52_428_800,
            max_partition_fetch_bytes: 1_048_576,
            prefetch_max_bytes: 33_554_432,
            isolation_level: IsolationLevel::ReadUncommitted,
            check_crcs: true,
            client_rack: None,
            exclude_internal_topics: true,
            allow_auto_create_topics: false,
            default_api_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
        }
    }
}
