use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use kafka_core::TopicPartition;

use super::{CooperativeStickyAssignor, RangeAssignor, RoundRobinAssignor, StickyAssignor};
use crate::consumer::AssignmentStrategy;

/// How many partitions each topic has. Topics that do not exist are not in it.
pub type TopicPartitionCounts = BTreeMap<Arc<str>, i32>;

/// In which racks each partition has replicas; partitions without any are left out.
pub type PartitionRacks = BTreeMap<TopicPartition, BTreeSet<Arc<str>>>;

/// Each member's partitions, by member id. A member without partitions may be left out.
pub type GroupAssignment = BTreeMap<Arc<str>, Vec<TopicPartition>>;

/// What a member does with its partitions when a rebalance begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RebalanceProtocol {
    /// Gives all up before it joins again.
    Eager,
    /// Keeps them, and gives up only those that go to another member (KIP-429).
    Cooperative,
}

/// A member of the group, as it described itself when it joined.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMember {
    /// The name that the coordinator gave it.
    pub member_id: Arc<str>,
    /// `group.instance.id`, if it is a static member.
    pub instance_id: Option<Arc<str>>,
    /// What it wants to read.
    pub topics: BTreeSet<Arc<str>>,
    /// The assignor's own, as [`Assignor::user_data`] made it on the member.
    pub user_data: Option<Bytes>,
    /// What it still holds: nothing under the eager protocol.
    pub owned: Vec<TopicPartition>,
    /// The generation in which it got them; -1 if not said (KIP-792).
    pub generation: i32,
    /// `client.rack`.
    pub rack: Option<String>,
}

impl GroupMember {
    /// A member that wants these topics and holds nothing.
    pub fn new(member_id: impl Into<Arc<str>>, topics: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self {
            member_id: member_id.into(),
            instance_id: None,
            topics: topics.into_iter().collect(),
            user_data: None,
            owned: Vec::new(),
            generation: -1,
            rack: None,
        }
    }

    /// Where the member stands among the others: static members first, by instance id, so that a restart changes
    /// nothing; then by member id.
    pub(super) fn order(&self) -> (bool, &str) {
        match &self.instance_id {
            Some(instance) => (false, instance),
            None => (true, &self.member_id),
        }
    }
}

/// What a member was given when it last took part in a rebalance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreviousAssignment {
    /// Its partitions, also if it has given them up since.
    pub partitions: Vec<TopicPartition>,
    /// The generation of that rebalance.
    pub generation: i32,
}

impl PreviousAssignment {
    /// Partitions given in a generation.
    pub fn new(partitions: Vec<TopicPartition>, generation: i32) -> Self {
        Self { partitions, generation }
    }
}

/// The assignor of a built-in strategy.
pub fn built_in(strategy: AssignmentStrategy) -> Arc<dyn Assignor> {
    match strategy {
        AssignmentStrategy::Range => Arc::new(RangeAssignor),
        AssignmentStrategy::RoundRobin => Arc::new(RoundRobinAssignor),
        AssignmentStrategy::Sticky => Arc::new(StickyAssignor),
        AssignmentStrategy::CooperativeSticky => Arc::new(CooperativeStickyAssignor),
    }
}

/// A strategy for dividing partitions among the members of a group (`partition.assignment.strategy`).
///
/// All members of a group must know one common strategy by name; the one that most members prefer is used, and the
/// group's leader runs it.
pub trait Assignor: fmt::Debug + Send + Sync + 'static {
    /// The name by which members agree on it, e.g. `range`.
    fn name(&self) -> &str;

    /// The most that the strategy allows. A consumer is cooperative only if all its assignors are.
    fn protocol(&self) -> RebalanceProtocol {
        RebalanceProtocol::Eager
    }

    /// What this member tells the leader's assignor beyond its topics and what it holds. `previous` is `None` before
    /// the first assignment.
    fn user_data(&self, previous: Option<&PreviousAssignment>) -> Option<Bytes> {
        let _ = previous;
        None
    }

    /// Divides the partitions. Runs on the leader, in the group's task, so it must not block.
    ///
    /// A partition must go to one member at most, and only to one that wants its topic. A cooperative strategy returns
    /// what should be in the end: what another member still holds is left out by the caller until that one gave it up.
    fn assign(&self, partitions: &TopicPartitionCounts, members: &[GroupMember]) -> GroupAssignment;

    /// As [`assign`](Self::assign), for a strategy that gives members what is near them (KIP-881). Racks are ignored
    /// unless a strategy has its own.
    fn assign_near(
        &self,
        partitions: &TopicPartitionCounts,
        racks: &PartitionRacks,
        members: &[GroupMember],
    ) -> GroupAssignment {
        let _ = racks;
        self.assign(partitions, members)
    }
}
