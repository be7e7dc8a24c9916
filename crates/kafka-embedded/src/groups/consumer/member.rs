use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::ConsumerGroupHeartbeatRequest;
use kafka_core::protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;

use super::Pattern;
use crate::core::{Call, Time};
use crate::groups::classic::Member;
use crate::groups::{Place, Refusal};

/// How far a member is on its way to what it is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It has all that was meant for it in its epoch.
    Stable,
    /// It is to give something up first.
    Unrevoked,
    /// Others have not yet given up what it is to get.
    Unreleased,
}

/// What only a member that speaks the classic protocol has.
#[derive(Clone, Debug)]
pub(crate) struct ClassicMembership {
    pub(crate) session_timeout: Duration,
    /// The assignors that it offers, and what it says to each.
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// By when it is to join again.
    pub(super) join_by: Option<Time>,
    /// By when it is to ask for its assignment.
    pub(super) sync_by: Option<Time>,
}

/// A member of a group that the coordinator assigns.
#[derive(Clone, Debug)]
pub(crate) struct ConsumerMember {
    pub(crate) id: String,
    /// `group.instance.id`: it may come back under another id and gets what it had.
    pub(crate) instance: Option<String>,
    pub(crate) rack: Option<String>,
    pub(crate) client_id: String,
    pub(crate) host: String,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) names: BTreeSet<String>,
    pub(crate) pattern: Pattern,
    pub(crate) assignor: Option<String>,
    pub(crate) epoch: i32,
    /// The epoch of the last answer but one, which it still has if that was lost.
    pub(super) previous_epoch: i32,
    pub(super) progress: Progress,
    /// What it has or may take, each with the epoch in which it was given.
    pub(crate) assigned: BTreeMap<Place, i32>,
    /// What it is to give up.
    pub(super) revoking: BTreeMap<Place, i32>,
    /// When it counts as gone, unless it is heard of before.
    pub(super) expires: Time,
    /// By when it must have given up what it is to give up.
    pub(super) revoke_by: Option<Time>,
    pub(crate) classic: Option<ClassicMembership>,
}

impl ConsumerMember {
    pub(super) fn new(id: &str, call: &Call) -> Self {
        Self {
            id: id.to_owned(),
            instance: None,
            rack: None,
            client_id: call.client_id.clone().unwrap_or_default(),
            host: format!("/{}", call.host),
            rebalance_timeout: Duration::ZERO,
            names: BTreeSet::new(),
            pattern: Pattern::default(),
            assignor: None,
            epoch: 0,
            previous_epoch: 0,
            progress: Progress::Stable,
            assigned: BTreeMap::new(),
            revoking: BTreeMap::new(),
            expires: Time::ZERO,
            revoke_by: None,
            classic: None,
        }
    }

    /// A member of the classic protocol whose group is taken over in this generation.
    pub(crate) fn of_classic(
        member: &Member,
        subscription: &ConsumerProtocolSubscription,
        generation: i32,
        assigned: BTreeMap<Place, i32>,
    ) -> Self {
        Self {
            id: member.id.clone(),
            instance: member.instance.clone(),
            rack: subscription.rack_id.clone(),
            client_id: member.client_id.clone(),
            host: member.host.clone(),
            rebalance_timeout: member.rebalance_timeout,
            names: subscription.topics.iter().cloned().collect(),
            pattern: Pattern::default(),
            assignor: None,
            epoch: generation,
            previous_epoch: generation,
            progress: Progress::Stable,
            assigned,
            revoking: BTreeMap::new(),
            expires: member.expires,
            revoke_by: None,
            classic: Some(ClassicMembership {
                session_timeout: member.session_timeout,
                protocols: member.protocols.clone(),
                join_by: None,
                sync_by: None,
            }),
        }
    }

    /// Takes in what the member says of itself; whether it wants to read something else now.
    pub(super) fn update(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        pattern: Option<Pattern>,
        call: &Call,
    ) -> bool {
        self.client_id = call.client_id.clone().unwrap_or_default();
        self.host = format!("/{}", call.host);
        self.classic = None;
        if request.instance_id.is_some() {
            self.instance.clone_from(&request.instance_id);
        }
        if request.rack_id.is_some() {
            self.rack.clone_from(&request.rack_id);
        }
        if request.server_assignor.is_some() {
            self.assignor.clone_from(&request.server_assignor);
        }
        if let Ok(millis) = u64::try_from(request.rebalance_timeout_ms) {
            self.rebalance_timeout = Duration::from_millis(millis);
        }
        let mut changed = false;
        if let Some(names) = &request.subscribed_topic_names {
            let names: BTreeSet<String> = names.iter().cloned().collect();
            changed |= names != self.names;
            self.names = names;
        }
        if let Some(pattern) = pattern {
            changed |= pattern != self.pattern;
            self.pattern = pattern;
        }
        changed
    }

    /// Whether the member may go on from this epoch: the last one that it was told, or the one before, as long as it has
    /// taken nothing since.
    pub(super) fn check_epoch(&self, epoch: i32, owned: Option<&BTreeSet<Place>>) -> Result<(), Refusal> {
        let told = || owned.is_some_and(|owned| owned.iter().all(|place| self.assigned.contains_key(place)));
        let how = if epoch > self.epoch {
            "greater"
        } else if epoch < self.epoch && !(epoch == self.previous_epoch && told()) {
            "smaller"
        } else {
            return Ok(());
        };
        let message = format!(
            "The consumer group member has a {how} member epoch ({epoch}) than the one known by the group coordinator \
             ({}). The member must abandon all its partitions and rejoin.",
            self.epoch
        );
        Err(Refusal::new(ErrorCode::FENCED_MEMBER_EPOCH, message))
    }

    /// Whether it may have the partition open.
    pub(crate) fn holds(&self, place: &Place) -> Option<i32> {
        self.assigned.get(place).or_else(|| self.revoking.get(place)).copied()
    }

    /// What it has or is still to give up.
    pub(crate) fn held(&self) -> impl Iterator<Item = Place> {
        self.assigned.keys().chain(self.revoking.keys()).copied()
    }
}
