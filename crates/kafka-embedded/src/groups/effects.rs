use kafka_core::protocol::messages::{JoinGroupResponse, SyncGroupResponse};

use crate::core::{Ticket, Time};
use crate::settings::Settings;

/// What a group is told beside its request, and what it answers beside its reply.
pub(crate) struct Effects<'a> {
    pub(crate) now: Time,
    pub(crate) settings: &'a Settings,
    pub(crate) random: &'a mut fastrand::Rng,
    /// Answers to members that waited for a rebalance.
    pub(crate) joined: Vec<(Ticket, JoinGroupResponse)>,
    /// Answers to members that waited for their assignment.
    pub(crate) synced: Vec<(Ticket, SyncGroupResponse)>,
}

impl<'a> Effects<'a> {
    pub(crate) fn new(now: Time, settings: &'a Settings, random: &'a mut fastrand::Rng) -> Self {
        Self { now, settings, random, joined: Vec::new(), synced: Vec::new() }
    }
}
