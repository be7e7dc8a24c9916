use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::protocol::Uuid;
use kafka_core::{Error, TopicPartition};

/// Says whether a topic belongs to a subscription by pattern.
pub(crate) type TopicFilter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What a consumer wants to read as a member of its group.
#[derive(Clone)]
pub(crate) enum Subscription {
    /// These topics, whether they exist yet or not.
    Topics(BTreeSet<Arc<str>>),
    /// All topics, now and later, whose whole name matches; the filter says the same.
    Pattern(Arc<str>, TopicFilter),
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topics(topics) => f.debug_tuple("Topics").field(topics).finish(),
            Self::Pattern(pattern, _) => f.debug_tuple("Pattern").field(pattern).finish(),
        }
    }
}

/// What the group tells its consumer; events are to be worked off in order.
#[derive(Debug)]
pub(crate) enum GroupEvent {
    /// These partitions go to other members. The consumer stops handing out their records, runs its listener, commits
    /// if it wants, and then calls [`GroupHandle::revoke_done`](super::GroupHandle::revoke_done): the group waits for it
    /// (up to `max.poll.interval.ms`, then the member leaves and [`Lost`](Self::Lost) follows). Heartbeats go on meanwhile.
    Revoke {
        /// Owned until now; never empty.
        partitions: Vec<TopicPartition>,
    },
    /// A rebalance is done. Comes after each one, also when nothing was added.
    Assign {
        /// Owned from now on and not before: their positions must be looked up.
        added: Vec<TopicPartition>,
        /// All that is owned now.
        owned: Vec<TopicPartition>,
        /// The ids of the topics of what was added, where topics are assigned by them (KIP-848).
        topic_ids: BTreeMap<Arc<str>, Uuid>,
    },
    /// Membership is gone and these partitions with it; others may read them already, so commits are refused. The
    /// member joins again by itself, except where [`Failed`](Self::Failed) follows. A [`Revoke`](Self::Revoke) of the same
    /// partitions may have come before, not yet answered; it needs no answer any more.
    Lost {
        /// Owned until now; may be empty.
        partitions: Vec<TopicPartition>,
        /// Why.
        reason: LossReason,
    },
    /// The coordinator refuses the member, which tries again: what is in its way may be taken out of it elsewhere.
    Refused(Error),
    /// The member cannot be in the group until its user changes something and subscribes again; comes after `Lost`.
    Failed(Error),
}

/// Why a consumer lost its partitions without a chance to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossReason {
    /// The time between two polls, or that of a rebalance listener at work, was longer than `max.poll.interval.ms`, given
    /// here: the member left the group, and joins again at the next poll.
    PollIntervalExceeded(Duration),
    /// The coordinator no longer knew the member: its session had expired, or it was removed.
    UnknownMember,
    /// The group went on to a generation without the member.
    IllegalGeneration,
    /// Another member with the same `group.instance.id` took its place (KIP-345).
    Fenced,
    /// The coordinator refused the member, as the error that follows says.
    Failed,
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PollIntervalExceeded(interval) => write!(
                f,
                "no poll within max.poll.interval.ms ({} ms), or a rebalance listener at work for longer: the member \
                 left the group and joins again at the next poll; poll more often, work on fewer records per poll, or \
                 raise the setting",
                interval.as_millis()
            ),
            Self::UnknownMember => f.write_str(
                "the coordinator no longer knows the member: no heartbeat reached it within session.timeout.ms, or \
                 the member was removed",
            ),
            Self::IllegalGeneration => f.write_str("the group rebalanced without the member"),
            Self::Fenced => f.write_str("another member joined with the same group.instance.id"),
            Self::Failed => f.write_str("the coordinator refused the member"),
        }
    }
}

/// An offset to commit, or one that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffsetAndMetadata {
    /// The next offset to read: one past the last record that is done with.
    pub offset: i64,
    /// The leader epoch of the last record, by which a truncated log is noticed (KIP-320); `None` if not known.
    pub leader_epoch: Option<i32>,
    /// Anything the user wants to keep with it; at most `offset.metadata.max.bytes` of the broker.
    pub metadata: String,
}

impl OffsetAndMetadata {
    /// The offset alone.
    pub fn new(offset: i64) -> Self {
        Self { offset, leader_epoch: None, metadata: String::new() }
    }

    /// Adds the leader epoch of the last record.
    #[must_use]
    pub fn with_leader_epoch(mut self, leader_epoch: i32) -> Self {
        self.leader_epoch = Some(leader_epoch);
        self
    }

    /// Adds text to keep with the offset.
    #[must_use]
    pub fn with_metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = metadata.into();
        self
    }
}

impl From<i64> for OffsetAndMetadata {
    fn from(offset: i64) -> Self {
        Self::new(offset)
    }
}

/// Who a consumer is in its group; a transaction commits offsets in this name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerGroupMetadata {
    /// `group.id`.
    pub group_id: String,
    /// The group's generation; -1 outside of one.
    pub generation_id: i32,
    /// The name that the coordinator gave the member; empty outside of a generation.
    pub member_id: String,
    /// `group.instance.id`, if the member is static.
    pub group_instance_id: Option<String>,
}
