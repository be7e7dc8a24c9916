//! A member of a group under the protocol of KIP-848, as a state machine: the coordinator assigns, and one request,
//! the heartbeat, carries everything.
//!
//! The same [`Input`]s and [`Action`]s as the classic machine, and so the same driver. The coordinator keeps for each
//! member an epoch and a target. A member gives up what the target lacks, takes what it adds, and says with its next
//! heartbeat what it owns; partitions that another member still has are not in the target. There is no common stop, no
//! leader, and no join that is held back.
//!
//! ```text
//! Idle -> Joining (epoch 0) -> Member (epoch n) -> Idle (epoch -1, or -2 of a static member)
//!             ^--- fenced --------'
//! ```
//!
//! [`heartbeat`]: what the coordinator is told and says. [`reconcile`]: from the target to what is owned. [`failure`]:
//! what each error code means.

mod failure;
mod heartbeat;
mod reconcile;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kafka_core::protocol::Uuid;
use kafka_core::{Error, TopicPartition};
use tokio::time::Instant;

use super::event::{ConsumerGroupMetadata, GroupEvent, LossReason};
use super::standing::Standing;
use super::state::{Action, Answer, Input, Request, Settings, Ticket, Wish};

/// A partition as the coordinator names it.
pub(super) type Place = (Uuid, i32);

/// Leaves for good.
const LEAVES: i32 = -1;
/// A static member that comes back (KIP-345).
const LEAVES_FOR_A_WHILE: i32 = -2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing to read.
    Idle,
    /// Left because the user did not poll; joins when it does.
    AwaitingPoll,
    /// Refused for good.
    Failed,
    /// Not in the group yet, or not any more.
    Joining,
    /// In the group.
    Member,
}

/// What the coordinator knows of the member.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    wish: Wish,
    owned: BTreeSet<Place>,
}

#[derive(Debug)]
struct Heartbeats {
    /// As the coordinator asks for.
    interval: Duration,
    next: Option<Instant>,
    in_flight: Option<(Ticket, Told)>,
}

/// A member of a group; see the module.
#[derive(Debug)]
pub(super) struct Member {
    settings: Settings,
    phase: Phase,
    /// What the user wants to read.
    wish: Wish,
    /// Made here, and kept for as long as the machine lives.
    member_id: String,
    epoch: i32,
    /// `None` if the coordinator must be told everything.
    told: Option<Told>,
    heartbeats: Heartbeats,
    /// What the coordinator wants this member to own, if that is not reached yet.
    target: Option<BTreeSet<Place>>,
    owned: BTreeSet<Place>,
    /// `owned`, by name.
    owned_names: BTreeSet<TopicPartition>,
    names: BTreeMap<Uuid, Arc<str>>,
    /// The names that are being looked up.
    naming: Option<Ticket>,
    /// Names that could not be found are looked up again at this time.
    name_at: Option<Instant>,
    /// What the consumer gives up at this moment.
    revoking: Option<(Ticket, BTreeSet<Place>)>,
    last_poll: Instant,
    last_ticket: Ticket,
    /// Failed heartbeats since the last one that was answered.
    failures: u32,
    random: fastrand::Rng,
    actions: Vec<Action>,
}

impl Member {
    /// A member of nothing yet. `seed` decides its name and the jitter of its waits.
    pub(super) fn new(settings: Settings, now: Instant, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let member_id = Uuid(random.u128(..).to_be_bytes()).to_string();
        Self {
            heartbeats: Heartbeats { interval: settings.heartbeat_interval, next: None, in_flight: None },
            settings,
            phase: Phase::Idle,
            wish: Wish::default(),
            member_id,
            epoch: 0,
            told: None,
            target: None,
            owned: BTreeSet::new(),
            owned_names: BTreeSet::new(),
            names: BTreeMap::new(),
            naming: None,
            name_at: None,
            revoking: None,
            last_poll: now,
            last_ticket: 0,
            failures: 0,
            random,
            actions: Vec::new(),
        }
    }

    /// Takes in what happened, and says what to do now, in order.
    pub(super) fn on_event(&mut self, now: Instant, input: Input) -> Vec<Action> {
        match input {
            Input::Polled(at) => self.on_poll(now, at),
            Input::Subscribe(topics) => self.on_wish(now, Wish::Topics(topics)),
            Input::SubscribePattern(pattern) => self.on_wish(now, Wish::Pattern(pattern)),
            Input::RevokeDone(ticket) => self.on_revoke_done(now, ticket),
            Input::Leave(reason) => self.leave(reason),
            Input::CommitRefused { .. } if self.phase == Phase::Member => self.heartbeats.next = Some(now),
            Input::Answer(ticket, Answer::Group(result)) => self.on_heartbeat_answer(now, ticket, result),
            Input::Answer(ticket, Answer::Names(result)) => self.on_names(now, ticket, result),
            // Of the classic protocol, which this machine never asks for.
            Input::Tick | Input::CommitRefused { .. } | Input::Topics(..) | Input::Answer(..) => {}
        }
        self.advance(now);
        std::mem::take(&mut self.actions)
    }

    /// When to call [`on_event`](Self::on_event) with [`Input::Tick`] at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if !self.is_active() {
            return None;
        }
        let poll = self.last_poll + self.settings.max_poll_interval;
        let beat = self.heartbeats.next.filter(|_| self.heartbeats.in_flight.is_none());
        let name = self.name_at.filter(|_| self.naming.is_none() && self.revoking.is_none());
        [Some(poll), beat, name].into_iter().flatten().min()
    }

    /// Who the member is in the group; the epoch stands for the generation.
    pub(super) fn metadata(&self) -> ConsumerGroupMetadata {
        let in_group = self.phase == Phase::Member;
        ConsumerGroupMetadata {
            group_id: self.settings.group_id.clone(),
            generation_id: if in_group { self.epoch } else { -1 },
            member_id: if in_group { self.member_id.clone() } else { String::new() },
            group_instance_id: self.settings.instance_id.clone(),
        }
    }

    /// What the consumer owns.
    pub(super) fn owned(&self) -> &BTreeSet<TopicPartition> {
        &self.owned_names
    }

    /// How the member stands, for those who commit.
    pub(super) fn standing(&self) -> Standing {
        match self.phase {
            Phase::Idle => Standing::Outside,
            Phase::AwaitingPoll | Phase::Failed => Standing::Lost,
            Phase::Joining => Standing::Rebalancing,
            Phase::Member if self.revoking.is_some() => Standing::Revoking,
            Phase::Member => Standing::Stable,
        }
    }

    /// Whether only a poll brings the machine on.
    pub(super) fn awaits_poll(&self) -> bool {
        self.phase == Phase::AwaitingPoll
    }

    fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Joining | Phase::Member)
    }

    /// What leads on without news from outside.
    fn advance(&mut self, now: Instant) {
        if self.is_active() && now >= self.last_poll + self.settings.max_poll_interval {
            self.on_poll_overrun();
        }
        self.reconcile(now);
        if self.is_active() {
            self.beat(now);
        }
    }

    fn on_poll(&mut self, now: Instant, at: Instant) {
        // The last poll is told again and again; only one after the overrun ends it.
        let polled_anew = at > self.last_poll;
        self.last_poll = self.last_poll.max(at);
        if self.awaits_poll() && polled_anew {
            self.join(now);
        }
    }

    fn on_wish(&mut self, now: Instant, wish: Wish) {
        self.last_poll = self.last_poll.max(now);
        let changed = self.wish != wish;
        self.wish = wish;
        if !self.is_active() {
            self.failures = 0;
            self.join(now);
        } else if changed {
            self.heartbeats.next = Some(now);
        }
    }

    fn on_poll_overrun(&mut self) {
        let interval = self.settings.max_poll_interval;
        self.send_leave(format!("no poll within {} ms", interval.as_millis()));
        self.lose(LossReason::PollIntervalExceeded(interval));
        self.phase = Phase::AwaitingPoll;
    }

    fn leave(&mut self, reason: String) {
        if self.is_active() {
            self.send_leave(reason);
        }
        self.forget();
        self.wish = Wish::default();
        self.phase = Phase::Idle;
    }

    fn send_leave(&mut self, reason: String) {
        let epoch = if self.settings.instance_id.is_some() { LEAVES_FOR_A_WHILE } else { LEAVES };
        let member_id = self.member_id.clone();
        self.send(Request::LeaveByEpoch { member_id, epoch, reason });
    }

    /// Joins at this time.
    fn join(&mut self, at: Instant) {
        self.forget();
        self.phase = Phase::Joining;
        self.heartbeats.next = Some(at);
    }

    /// Membership is gone, and all partitions with it.
    fn lose(&mut self, reason: LossReason) {
        let partitions: Vec<_> = std::mem::take(&mut self.owned_names).into_iter().collect();
        self.forget();
        let expected = matches!(reason, LossReason::UnknownMember | LossReason::IllegalGeneration);
        if !(partitions.is_empty() && expected) {
            self.emit(GroupEvent::Lost { partitions, reason });
        }
    }

    fn forget(&mut self) {
        self.epoch = 0;
        self.told = None;
        self.target = None;
        self.owned.clear();
        self.owned_names.clear();
        self.naming = None;
        self.name_at = None;
        self.revoking = None;
        self.heartbeats.in_flight = None;
        self.heartbeats.next = None;
    }

    fn send(&mut self, request: Request) -> Ticket {
        let ticket = self.ticket();
        self.actions.push(Action::Send(ticket, request));
        ticket
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        self.last_ticket
    }

    fn emit(&mut self, event: GroupEvent) {
        self.actions.push(Action::Emit(event));
    }

    /// The member cannot be in the group until its user changes something.
    fn fail(&mut self, error: Error, reason: LossReason) {
        self.lose(reason);
        self.emit(GroupEvent::Failed(error));
        self.phase = Phase::Failed;
    }
}
