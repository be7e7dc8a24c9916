//! What can go wrong while consuming, typed for code and worded for people.

use std::fmt;
use std::time::Duration;

use kafka_core::{Error, ErrorKind, TopicPartition};

/// A failure of a [`Consumer`](super::Consumer), with what it belongs to.
///
/// The message starts with what failed and ends with what to do. Errors that `poll` returns never lose records: the
/// consumer goes on from the same positions at the next call.
pub struct ConsumerError(Box<Inner>);

struct Inner {
    kind: ConsumerErrorKind,
    message: String,
    partition: Option<TopicPartition>,
    topic: Option<String>,
    offset: Option<i64>,
    next_offset: Option<i64>,
    source: Option<Error>,
    for_good: bool,
}

/// What sort of failure a [`ConsumerError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsumerErrorKind {
    /// A setting is not valid or contradicts another one.
    InvalidConfig,
    /// An argument is not valid: a topic name that Kafka does not allow, a negative offset, a bad pattern.
    InvalidInput,
    /// `poll` before `subscribe` or `assign`, or one of them while the other is in force.
    NoSubscription,
    /// The partition is not assigned to this consumer (any more).
    NotAssigned,
    /// The cluster has no such topic or partition. `poll` says so once a broker has missed it for 5 s: a new one is not known
    /// to all brokers at once.
    UnknownTopic,
    /// No offset is committed, and `auto_offset_reset` is `None`.
    NoOffset,
    /// The position is outside the log, and `auto_offset_reset` is `None`.
    OffsetOutOfRange,
    /// The log was truncated below the position: records that were read are gone (KIP-320).
    LogTruncated,
    /// A record batch is damaged, also when fetched again.
    CorruptRecords,
    /// The group moved on without this member: its partitions belong to others now, and the commit was not applied.
    CommitFailed,
    /// The group is rebalancing; the commit was not applied and can be repeated after the next `poll`.
    RebalanceInProgress,
    /// `poll` was not called for `max_poll_interval`: the member left the group. The next `poll` joins again.
    MaxPollIntervalExceeded,
    /// Another member with the same `group_instance_id` took over. Fatal for this consumer.
    Fenced,
    /// The principal may not do this.
    NotAuthorized,
    /// It took longer than allowed.
    Timeout,
    /// The consumer was closed.
    Closed,
    /// The cluster could not be reached or refused; the source says more.
    Cluster,
}

impl ConsumerError {
    pub(crate) fn new(kind: ConsumerErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            partition: None,
            topic: None,
            offset: None,
            next_offset: None,
            source: None,
            for_good: false,
        }))
    }

    /// Marks what no repetition and no waiting can help.
    pub(crate) fn for_good(mut self) -> Self {
        self.0.for_good = true;
        self
    }

    pub(crate) fn with_partition(mut self, tp: &TopicPartition) -> Self {
        self.0.partition = Some(tp.clone());
        self
    }

    pub(crate) fn with_topic(mut self, topic: &str) -> Self {
        self.0.topic = Some(topic.to_owned());
        self
    }

    pub(crate) fn with_offset(mut self, offset: i64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    pub(crate) fn with_next_offset(mut self, offset: Option<i64>) -> Self {
        self.0.next_offset = offset;
        self
    }

    pub(crate) fn timeout(what: impl fmt::Display, allowed: Duration) -> Self {
        Self::new(
            ConsumerErrorKind::Timeout,
            format!("{what} took longer than {allowed:?}; repeat it, or allow more time"),
        )
    }

    pub(crate) fn closed() -> Self {
        Self::new(ConsumerErrorKind::Closed, "the consumer is closed; build a new one")
    }

    pub(crate) fn not_assigned(tp: &TopicPartition) -> Self {
        Self::new(
            ConsumerErrorKind::NotAssigned,
            format!("partition {tp} is not assigned to this consumer; see assignment()"),
        )
        .with_partition(tp)
    }

    pub(crate) fn unknown_partition(tp: &TopicPartition) -> Self {
        Self::new(
            ConsumerErrorKind::UnknownTopic,
            format!("the cluster has no partition {tp}; create it, or check the name"),
        )
        .with_partition(tp)
    }

    pub(crate) fn unknown_topic(topic: &str) -> Self {
        Self::new(
            ConsumerErrorKind::UnknownTopic,
            format!("the cluster has no topic {topic}; create it, or check the name: it is picked up once it exists"),
        )
        .with_topic(topic)
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ConsumerErrorKind {
        self.0.kind
    }

    /// The topic that it belongs to, if it belongs to one.
    pub fn topic(&self) -> Option<&str> {
        self.0
            .partition
            .as_ref()
            .map(|tp| &*tp.topic)
            .or(self.0.topic.as_deref())
            .or_else(|| self.0.source.as_ref().and_then(Error::topic))
    }

    /// The partition that it belongs to, if it belongs to one.
    pub fn partition(&self) -> Option<&TopicPartition> {
        self.0.partition.as_ref()
    }

    /// The offset where it happened.
    pub fn offset(&self) -> Option<i64> {
        self.0.offset
    }

    /// Where `seek` can go on: behind a damaged batch (what lies between is not read), or where a truncated log parts
    /// from what was read.
    pub fn next_offset(&self) -> Option<i64> {
        self.0.next_offset
    }

    /// The failed exchange with the cluster beneath, if there is one.
    pub fn cluster_error(&self) -> Option<&Error> {
        self.0.source.as_ref()
    }

    /// Whether the same call may succeed later without the user changing anything.
    pub fn is_retriable(&self) -> bool {
        match self.0.kind {
            _ if self.0.for_good => false,
            ConsumerErrorKind::Timeout
            | ConsumerErrorKind::RebalanceInProgress
            | ConsumerErrorKind::MaxPollIntervalExceeded
            | ConsumerErrorKind::UnknownTopic => true,
            ConsumerErrorKind::Cluster => self.0.source.as_ref().is_some_and(Error::is_retriable),
            _ => false,
        }
    }

    /// Whether this consumer will not read again: `poll` says the same each time. For an error of the group, a new
    /// subscription tries again once its cause is gone.
    pub fn is_fatal(&self) -> bool {
        match self.0.kind {
            _ if self.0.for_good => true,
            ConsumerErrorKind::Fenced | ConsumerErrorKind::Closed => true,
            ConsumerErrorKind::Cluster => self.0.source.as_ref().is_some_and(Error::is_fatal),
            _ => false,
        }
    }
}

impl From<Error> for ConsumerError {
    fn from(source: Error) -> Self {
        use kafka_core::protocol::ErrorCode as Code;
        let kind = match source.kind() {
            ErrorKind::Closed => ConsumerErrorKind::Closed,
            ErrorKind::Timeout(_) => ConsumerErrorKind::Timeout,
            ErrorKind::InvalidInput => ConsumerErrorKind::InvalidInput,
            ErrorKind::CorruptRecords => ConsumerErrorKind::CorruptRecords,
            ErrorKind::NotFound if source.topic().is_some() => ConsumerErrorKind::UnknownTopic,
            ErrorKind::Broker(code) => match *code {
                Code::UNKNOWN_TOPIC_OR_PARTITION | Code::UNKNOWN_TOPIC_ID => ConsumerErrorKind::UnknownTopic,
                Code::INVALID_TOPIC_EXCEPTION => ConsumerErrorKind::InvalidInput,
                Code::FENCED_INSTANCE_ID => ConsumerErrorKind::Fenced,
                Code::REBALANCE_IN_PROGRESS => ConsumerErrorKind::RebalanceInProgress,
                Code::TOPIC_AUTHORIZATION_FAILED
                | Code::GROUP_AUTHORIZATION_FAILED
                | Code::CLUSTER_AUTHORIZATION_FAILED => ConsumerErrorKind::NotAuthorized,
                _ => ConsumerErrorKind::Cluster,
            },
            _ => ConsumerErrorKind::Cluster,
        };
        let partition = match (source.topic(), source.partition()) {
            (Some(topic), Some(partition)) => Some(TopicPartition::new(topic, partition)),
            _ => None,
        };
        let mut error = Self::new(kind, source.to_string());
        error.0.partition = partition;
        error.0.source = Some(source);
        error
    }
}

impl fmt::Display for ConsumerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for ConsumerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("ConsumerError")
            .field("kind", &inner.kind)
            .field("message", &inner.message)
            .field("partition", &inner.partition)
            .field("offset", &inner.offset)
            .field("source", &inner.source)
            .finish()
    }
}

impl std::error::Error for ConsumerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}
