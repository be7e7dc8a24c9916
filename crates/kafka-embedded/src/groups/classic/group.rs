use std::time::Duration;

use kafka_core::protocol::ErrorCode;

use super::Member;
use crate::core::Time;
use crate::groups::Effects;

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Empty,
    /// Members are to join again.
    PreparingRebalance,
    /// The leader is to say who gets what.
    CompletingRebalance,
    Stable,
}

impl State {
    /// As Kafka's tools print it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// The wait for members to join.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rebalance {
    pub(super) deadline: Time,
    /// Set while a group that was empty waits for more members (`group.initial.rebalance.delay.ms`): by when at last.
    pub(super) initial_until: Option<Time>,
    /// Whether somebody joined since the deadline was set.
    pub(super) newcomers: bool,
}

/// A group whose members choose one of themselves to assign.
#[derive(Debug)]
pub(crate) struct ClassicGroup {
    pub(crate) state: State,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<String>,
    /// In the order in which they joined.
    pub(crate) members: Vec<Member>,
    /// Ids that were given out, and until when they may be used to join.
    pub(super) pending: Vec<(String, Time)>,
    pub(super) rebalance: Option<Rebalance>,
    pub(super) sync_deadline: Option<Time>,
}

impl ClassicGroup {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: Vec::new(),
            pending: Vec::new(),
            rebalance: None,
            sync_deadline: None,
        }
    }

    pub(crate) fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    pub(super) fn member_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.id == id)
    }

    pub(super) fn member_of_instance(&self, instance: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.instance.as_deref() == Some(instance))
    }

    pub(super) fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    /// Whether a request may speak for the member; one with an instance id only if no other took that over.
    pub(crate) fn check_member(&self, id: &str, instance: Option<&str>) -> Result<(), ErrorCode> {
        match instance {
            Some(instance) => match self.member_of_instance(instance) {
                None => Err(ErrorCode::UNKNOWN_MEMBER_ID),
                Some(member) if member.id != id => Err(ErrorCode::FENCED_INSTANCE_ID),
                Some(_) => Ok(()),
            },
            None if self.member(id).is_none() => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            None => Ok(()),
        }
    }

    pub(crate) fn check_generation(&self, generation: i32) -> Result<(), ErrorCode> {
        if generation == self.generation { Ok(()) } else { Err(ErrorCode::ILLEGAL_GENERATION) }
    }

    pub(super) fn longest_rebalance_timeout(&self) -> Duration {
        self.members.iter().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    /// When [`due`](Self::due) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let sessions = self.members.iter().filter(|member| !member.waits()).map(|member| member.expires);
        let pending = self.pending.iter().map(|(_, until)| *until);
        let rebalance = self.rebalance.map(|rebalance| rebalance.deadline);
        sessions.chain(pending).chain(rebalance).chain(self.sync_deadline).min()
    }

    /// Does what is due by now: members that were silent for too long go, rebalances end.
    pub(crate) fn due(&mut self, effects: &mut Effects<'_>) {
        let now = effects.now;
        self.pending.retain(|(_, until)| *until > now);
        let silent: Vec<String> = self
            .members
            .iter()
            .filter(|member| !member.waits() && member.expires <= now)
            .map(|member| member.id.clone())
            .collect();
        for member in silent {
            self.remove_member(&member, effects);
        }
        if self.sync_deadline.is_some_and(|deadline| deadline <= now) {
            self.sync_is_over(effects);
        }
        self.maybe_complete_join(effects);
        if let Some(rebalance) = self.rebalance.filter(|rebalance| rebalance.deadline <= now) {
            self.join_is_over(rebalance, effects);
        }
    }
}
