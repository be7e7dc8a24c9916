use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_core::Error;
use kafka_core::protocol::{ErrorCode, Uuid};
use tokio::time::Instant;

use super::GroupEvent;
use crate::consumer::assignor::{PartitionRacks, TopicPartitionCounts};

/// Tells which request an answer belongs to.
pub(in crate::consumer::group) type Ticket = u64;

/// What happened.
#[derive(Debug)]
pub(in crate::consumer::group) enum Input {
    /// Time went by.
    Tick,
    /// The user polled, at this time.
    Polled(Instant),
    /// The user wants to read these topics.
    Subscribe(BTreeSet<Arc<str>>),
    /// The user wants to read the topics that match, as the coordinator finds them (KIP-848 alone).
    SubscribePattern(Arc<str>),
    /// The consumer has given up what the `Revoke` with this ticket named.
    RevokeDone(Ticket),
    /// How many partitions the topics have, and in which racks, that [`Action::LookUpTopics`] named last; again whenever that changes.
    Topics(TopicPartitionCounts, PartitionRacks),
    /// The user wants out.
    Leave(String),
    /// A commit in the name of this generation was refused.
    CommitRefused { code: ErrorCode, generation: i32 },
    /// The coordinator answered, or did not.
    Answer(Ticket, Answer),
}

#[derive(Debug)]
pub(in crate::consumer::group) enum Answer {
    Join(Result<Joined, Failure>),
    Sync(Result<Synced, Failure>),
    Heartbeat(Result<(), Failure>),
    /// Of [`Request::Group`].
    Group(Result<Heard, Failure>),
    /// Of [`Request::NameTopics`]; topics that do not exist are left out.
    Names(Result<BTreeMap<Uuid, Arc<str>>, Error>),
}

/// What a member under KIP-848 wants to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::consumer::group) enum Wish {
    Topics(BTreeSet<Arc<str>>),
    /// Topics whose whole name matches, in the broker's syntax (RE2).
    Pattern(Arc<str>),
}

impl Default for Wish {
    fn default() -> Self {
        Self::Topics(BTreeSet::new())
    }
}

/// The coordinator's answer to a heartbeat of KIP-848.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::consumer::group) struct Heard {
    /// Given by coordinators of the oldest version.
    pub(in crate::consumer::group) member_id: Option<String>,
    pub(in crate::consumer::group) epoch: i32,
    pub(in crate::consumer::group) interval: Duration,
    /// What the member is to own; `None` if that is as before.
    pub(in crate::consumer::group) target: Option<Vec<(Uuid, i32)>>,
}

/// Why a request did not do what it was to do.
#[derive(Debug)]
pub(in crate::consumer::group) enum Failure {
    /// The coordinator's error code.
    Code(ErrorCode),
    /// The coordinator wants the member to join again under this name (KIP-394).
    MemberIdRequired(String),
    /// No answer; the coordinator may be gone.
    Unreachable,
    /// The client can do nothing: not authenticated, closed, no common version.
    Fatal(Error),
}

/// The coordinator's answer to a join: the generation is complete.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::consumer::group) struct Joined {
    pub(in crate::consumer::group) generation: i32,
    pub(in crate::consumer::group) member_id: String,
    pub(in crate::consumer::group) leader: String,
    /// The assignor's name.
    pub(in crate::consumer::group) protocol_name: String,
    /// The leader only watches, and takes the assignment of before (KIP-814).
    pub(in crate::consumer::group) skip_assignment: bool,
    /// All members, told to the leader alone.
    pub(in crate::consumer::group) members: Vec<JoinedMember>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::consumer::group) struct JoinedMember {
    pub(in crate::consumer::group) member_id: String,
    pub(in crate::consumer::group) instance_id: Option<String>,
    pub(in crate::consumer::group) subscription: Bytes,
}

/// The coordinator's answer to a sync: what this member was given.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::consumer::group) struct Synced {
    pub(in crate::consumer::group) assignment: Bytes,
}

/// What to do.
#[derive(Debug)]
pub(in crate::consumer::group) enum Action {
    /// Send this to the coordinator, and bring the answer with the ticket.
    Send(Ticket, Request),
    /// The coordinator is elsewhere or gone: look it up before the next request.
    ForgetCoordinator,
    /// Find out how many partitions these topics have, tell with [`Input::Topics`], and go on watching them.
    LookUpTopics(BTreeSet<Arc<str>>),
    /// Tell the consumer to give up partitions; it answers with this ticket.
    Revoke(Ticket, GroupEvent),
    /// Tell the consumer.
    Emit(GroupEvent),
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::consumer::group) enum Request {
    Join(JoinRequest),
    Sync {
        member_id: String,
        generation: i32,
        protocol_name: String,
        /// By member id; from the leader alone.
        assignments: Vec<(String, Bytes)>,
    },
    Heartbeat {
        member_id: String,
        generation: i32,
    },
    /// A heartbeat of KIP-848, which also joins.
    Group(GroupHeartbeat),
    /// The end of a membership under KIP-848; needs no answer.
    LeaveByEpoch {
        member_id: String,
        epoch: i32,
        reason: String,
    },
    /// Finds the names of topics; to any broker.
    NameTopics(BTreeSet<Uuid>),
    /// Needs no answer.
    Leave {
        member_id: String,
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::consumer::group) struct GroupHeartbeat {
    pub(in crate::consumer::group) member_id: String,
    /// 0 joins.
    pub(in crate::consumer::group) epoch: i32,
    /// Whether the settings are to be told too.
    pub(in crate::consumer::group) complete: bool,
    /// `None` if it is as told before.
    pub(in crate::consumer::group) wish: Option<Wish>,
    /// `None` if it is as told before.
    pub(in crate::consumer::group) owned: Option<Vec<(Uuid, i32)>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::consumer::group) struct JoinRequest {
    /// Empty the first time.
    pub(in crate::consumer::group) member_id: String,
    /// Assignors by name, the preferred first, each with the subscription as it sees it.
    pub(in crate::consumer::group) protocols: Vec<(String, Bytes)>,
    pub(in crate::consumer::group) reason: String,
}
