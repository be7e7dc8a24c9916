//! The state machine of the protocol that the group speaks.

use std::collections::BTreeSet;

use kafka_core::TopicPartition;
use tokio::time::Instant;

use super::ConsumerGroupMetadata;
use super::kip848::Member;
use super::standing::Standing;
use super::state::{Action, Input, Membership, Settings};
use crate::consumer::GroupProtocol;

/// Either machine; the methods are theirs.
#[derive(Debug)]
pub(super) enum Machine {
    Classic(Box<Membership>),
    Consumer(Box<Member>),
}

macro_rules! either {
    ($machine:expr, $inner:ident => $call:expr) => {
        match $machine {
            Machine::Classic($inner) => $call,
            Machine::Consumer($inner) => $call,
        }
    };
}

impl Machine {
    pub(super) fn new(settings: Settings, now: Instant, seed: u64) -> Self {
        match settings.protocol {
            GroupProtocol::Classic => Self::Classic(Box::new(Membership::new(settings, now, seed))),
            GroupProtocol::Consumer => Self::Consumer(Box::new(Member::new(settings, now, seed))),
        }
    }

    /// Whether the coordinator finds the topics that match a pattern.
    pub(super) fn takes_patterns(&self) -> bool {
        matches!(self, Self::Consumer(_))
    }

    pub(super) fn on_event(&mut self, now: Instant, input: Input) -> Vec<Action> {
        either!(self, machine => machine.on_event(now, input))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        either!(self, machine => machine.deadline())
    }

    pub(super) fn metadata(&self) -> ConsumerGroupMetadata {
        either!(self, machine => machine.metadata())
    }

    pub(super) fn owned(&self) -> &BTreeSet<TopicPartition> {
        either!(self, machine => machine.owned())
    }

    pub(super) fn standing(&self) -> Standing {
        either!(self, machine => machine.standing())
    }

    pub(super) fn awaits_poll(&self) -> bool {
        either!(self, machine => machine.awaits_poll())
    }
}
