//! A member of a group under the classic protocol, as a state machine.
//!
//! [`Membership::on_event`] is told what happened and when, and answers with what to do. It knows no socket, clock or
//! task. A request's answer comes back with the ticket that went out with it; answers to what no longer matters are
//! known by their tickets and ignored.
//!
//! ```text
//! Idle -> Unjoined -> (Revoking) -> Joining -> (Assigning) -> Syncing -> (Revoking) -> Stable
//!             ^-----------------------------------------------------------------------'
//! ```
//!
//! [`join`]: getting into a generation. [`membership`]: staying in it, and losing it. [`failure`]: what each error code
//! means.

mod failure;
mod input;
mod join;
mod membership;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::TopicPartition;
use kafka_core::backoff::ExponentialBackoff;
use tokio::time::Instant;

pub(super) use failure::{is_passing, refusal};
pub(super) use input::{
    Action, Answer, Failure, GroupHeartbeat, Heard, Input, JoinRequest, Joined, JoinedMember, Request,
    Synced, Ticket, Wish,
};

use super::standing::Standing;
use super::{ConsumerGroupMetadata, GroupEvent};
use crate::consumer::GroupProtocol;
use crate::consumer::assignor::{
    Assignor, PartitionRacks, PreviousAssignment, RebalanceProtocol, TopicPartitionCounts,
};

/// What the machine needs to know of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) protocol: GroupProtocol,
    /// `group.remote.assignor` (KIP-848).
    pub(super) remote_assignor: Option<String>,
    pub(super) group_id: String,
    pub(super) instance_id: Option<String>,
    pub(super) rack: Option<String>,
    pub(super) session_timeout: Duration,
    pub(super) heartbeat_interval: Duration,
    /// Also the time that a rebalance waits for this member.
    pub(super) max_poll_interval: Duration,
    pub(super) request_timeout: Duration,
    pub(super) backoff: ExponentialBackoff,
    /// The preferred first; not empty.
    pub(super) assignors: Vec<Arc<dyn Assignor>>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing to read.
    Idle,
    /// Left because the user did not poll; joins when it does.
    AwaitingPoll,
    /// Refused for good: only another subscription leads out of it.
    Failed,
    /// Joins at this time.
    Unjoined { at: Instant },
    /// The consumer gives up these partitions.
    Revoking { partitions: BTreeSet<TopicPartition>, ticket: Ticket, then: AfterRevoke },
    /// The coordinator waits for the other members.
    Joining { ticket: Ticket },
    /// The leader waits for the topics' partition counts.
    Assigning { joined: Joined },
    /// The coordinator waits for the leader's assignment.
    Syncing { ticket: Ticket },
    /// In the group.
    Stable,
}

#[derive(Debug)]
enum AfterRevoke {
    Join,
    Take(BTreeSet<TopicPartition>),
}

/// What a leader watches.
#[derive(Debug)]
struct Leading {
    /// All topics of all members.
    topics: BTreeSet<Arc<str>>,
    /// Their partitions when they were assigned.
    counts: TopicPartitionCounts,
    racks: PartitionRacks,
}

#[derive(Debug, Default)]
struct Heartbeat {
    next: Option<Instant>,
    in_flight: Option<Ticket>,
    /// When the coordinator is given up unless it has answered.
    session_end: Option<Instant>,
}

/// A member of a group; see the module.
#[derive(Debug)]
pub(super) struct Membership {
    settings: Settings,
    protocol: RebalanceProtocol,
    phase: Phase,
    /// What the user wants to read.
    topics: BTreeSet<Arc<str>>,
    /// What the coordinator was told.
    joined_topics: BTreeSet<Arc<str>>,
    member_id: String,
    generation: i32,
    /// The assignor of the generation.
    assignor: Option<Arc<dyn Assignor>>,
    owned: BTreeSet<TopicPartition>,
    /// The generation that gave `owned`.
    owned_generation: i32,
    previous: Option<PreviousAssignment>,
    /// Why to join again once that is possible.
    rejoin: Option<String>,
    /// Why the next join happens, for the coordinator's log (KIP-800).
    reason: String,
    leading: Option<Leading>,
    /// Whether it was the leader once.
    has_assigned: bool,
    heartbeat: Heartbeat,
    last_poll: Instant,
    last_ticket: Ticket,
    /// A join under way whose member is not wanted any more.
    abandoned: Option<Ticket>,
    /// Failed attempts since the last time in the group.
    failures: u32,
    random: fastrand::Rng,
    actions: Vec<Action>,
}

impl Membership {
    /// A member of nothing yet. `seed` decides the jitter of its waits.
    pub(super) fn new(settings: Settings, now: Instant, seed: u64) -> Self {
        let protocols = settings.assignors.iter().map(|assignor| assignor.protocol());
        Self {
            protocol: protocols.min().unwrap_or(RebalanceProtocol::Eager),
            settings,
            phase: Phase::Idle,
            topics: BTreeSet::new(),
            joined_topics: BTreeSet::new(),
            member_id: String::new(),
            generation: -1,
            assignor: None,
            owned: BTreeSet::new(),
            owned_generation: -1,
            previous: None,
            rejoin: None,
            reason: String::new(),
            leading: None,
            has_assigned: false,
            heartbeat: Heartbeat::default(),
            last_poll: now,
            last_ticket: 0,
            abandoned: None,
            failures: 0,
            random: fastrand::Rng::with_seed(seed),
            actions: Vec::new(),
        }
    }

    /// Takes in what happened, and says what to do now, in order.
    pub(super) fn on_event(&mut self, now: Instant, input: Input) -> Vec<Action> {
        match input {
            // The others are of KIP-848, which this machine never asks for.
            Input::Tick
            | Input::SubscribePattern(_)
            | Input::Answer(_, Answer::Group(_) | Answer::Names(_)) => {}
            Input::Polled(at) => self.on_poll(now, at),
            Input::Subscribe(topics) => self.on_subscribe(now, topics),
            Input::RevokeDone(ticket) => self.on_revoke_done(now, ticket),
            Input::Topics(counts, racks) => self.on_topics(now, counts, racks),
            Input::Leave(reason) => self.leave(reason),
            Input::CommitRefused { code, generation } => self.on_commit_refused(now, code, generation),
            Input::Answer(ticket, Answer::Join(result)) => self.on_join_answer(now, ticket, result),
            Input::Answer(ticket, Answer::Sync(result)) => self.on_sync_answer(now, ticket, result),
            Input::Answer(ticket, Answer::Heartbeat(result)) => self.on_heartbeat_answer(now, ticket, result),
        }
        self.advance(now);
        std::mem::take(&mut self.actions)
    }

    /// When to call [`on_event`](Self::on_event) with [`Input::Tick`] at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let join = match self.phase {
            Phase::Unjoined { at } => Some(at),
            _ => None,
        };
        let poll = self.is_active().then(|| self.last_poll + self.settings.max_poll_interval);
        let (beat, session) = match self.beats() {
            true if self.heartbeat.in_flight.is_none() => (self.heartbeat.next, self.heartbeat.session_end),
            true => (None, self.heartbeat.session_end),
            false => (None, None),
        };
        [join, poll, beat, session].into_iter().flatten().min()
    }

    /// Who the member is in the group.
    pub(super) fn metadata(&self) -> ConsumerGroupMetadata {
        ConsumerGroupMetadata {
            group_id: self.settings.group_id.clone(),
            generation_id: self.generation,
            member_id: if self.generation < 0 { String::new() } else { self.member_id.clone() },
            group_instance_id: self.settings.instance_id.clone(),
        }
    }

    /// What the consumer owns.
    pub(super) fn owned(&self) -> &BTreeSet<TopicPartition> {
        &self.owned
    }

    /// How the member stands, for those who commit.
    pub(super) fn standing(&self) -> Standing {
        match self.phase {
            Phase::Idle => Standing::Outside,
            Phase::AwaitingPoll | Phase::Failed => Standing::Lost,
            Phase::Revoking { .. } => Standing::Revoking,
            Phase::Stable => Standing::Stable,
            Phase::Unjoined { .. }
            | Phase::Joining { .. }
            | Phase::Assigning { .. }
            | Phase::Syncing { .. } => Standing::Rebalancing,
        }
    }

    /// Whether the machine is in the group, or on the way into it.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::AwaitingPoll | Phase::Failed)
    }

    /// Whether only a poll brings the machine on.
    pub(super) fn awaits_poll(&self) -> bool {
        matches!(self.phase, Phase::AwaitingPoll)
    }

    /// What leads on without news from outside: timers, and joining again.
    fn advance(&mut self, now: Instant) {
        if self.is_active() && now >= self.last_poll + self.settings.max_poll_interval {
            self.on_poll_overrun();
        }
        if self.beats() {
            self.beat(now);
        }
        if matches!(self.phase, Phase::Stable)
            && let Some(reason) = self.rejoin.take()
        {
            self.reason = reason;
            self.phase = Phase::Unjoined { at: now };
        }
        if let Phase::Unjoined { at } = self.phase
            && now >= at
        {
            self.prepare_join();
        }
    }

    fn is_static(&self) -> bool {
        self.settings.instance_id.is_some()
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        self.last_ticket
    }

    fn send(&mut self, request: Request) -> Ticket {
        let ticket = self.ticket();
        self.actions.push(Action::Send(ticket, request));
        ticket
    }

    fn emit(&mut self, event: GroupEvent) {
        self.actions.push(Action::Emit(event));
    }
}
