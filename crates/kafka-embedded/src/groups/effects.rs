use std::collections::BTreeMap;
use std::time::Duration;

use kafka_core::protocol::messages::{JoinGroupResponse, SyncGroupResponse};

use super::{ShareSettings, TopicTable};
use crate::core::{Ticket, Time};
use crate::settings::Settings;

/// What a group is told beside its request, and what it answers beside its reply.
pub(crate) struct Effects<'a> {
    pub(crate) now: Time,
    pub(crate) settings: &'a Settings,
    pub(crate) topics: &'a dyn TopicTable,
    pub(crate) random: &'a mut fastrand::Rng,
    /// How the group is to behave if it is a share group.
    pub(crate) share: ShareSettings,
    /// For how long a member that the coordinator assigns may be silent.
    pub(crate) session_timeout: Duration,
    /// How often it is to be heard of.
    pub(crate) heartbeat_interval: Duration,
    /// Answers to members that waited for a rebalance.
    pub(crate) joined: Vec<(Ticket, JoinGroupResponse)>,
    /// Answers to members that waited for their assignment.
    pub(crate) synced: Vec<(Ticket, SyncGroupResponse)>,
}

impl<'a> Effects<'a> {
    pub(crate) fn new(
        now: Time,
        settings: &'a Settings,
        topics: &'a dyn TopicTable,
        random: &'a mut fastrand::Rng,
    ) -> Self {
        let share = ShareSettings::of(settings, None);
        Self {
            now,
            settings,
            topics,
            random,
            share,
            session_timeout: settings.consumer_session_timeout,
            heartbeat_interval: settings.consumer_heartbeat_interval,
            joined: Vec::new(),
            synced: Vec::new(),
        }
    }

    /// Heeds what was set for the group itself.
    pub(super) fn with_configs(mut self, configs: Option<&BTreeMap<String, String>>) -> Self {
        self.share = ShareSettings::of(self.settings, configs);
        let millis = |name: &str| configs?.get(name)?.parse().ok().map(Duration::from_millis);
        self.session_timeout = millis("consumer.session.timeout.ms").unwrap_or(self.session_timeout);
        self.heartbeat_interval = millis("consumer.heartbeat.interval.ms").unwrap_or(self.heartbeat_interval);
        self
    }
}
