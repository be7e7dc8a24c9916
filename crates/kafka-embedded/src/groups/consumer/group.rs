use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::{ErrorCode, Uuid};

use super::ConsumerMember;
use super::reconcile::Goal;
use crate::core::Time;
use crate::groups::assignors::{ASSIGNORS, Subscriber};
use crate::groups::{Effects, Place, TopicShape, TopicTable};

/// A group whose members are assigned by the coordinator.
#[derive(Debug, Default)]
pub(crate) struct ConsumerGroup {
    /// Counts what changes who should have what.
    pub(crate) epoch: i32,
    /// The epoch that the targets were made for.
    pub(crate) assignment_epoch: i32,
    pub(crate) members: BTreeMap<String, ConsumerMember>,
    /// What each member is to have.
    pub(crate) targets: BTreeMap<String, BTreeSet<Place>>,
    /// The topics that the members want to read, as they were when the epoch was counted.
    pub(super) subscribed: BTreeMap<String, TopicShape>,
}

impl ConsumerGroup {
    /// A group without members that has come this far.
    pub(crate) fn in_epoch(epoch: i32) -> Self {
        Self { epoch, assignment_epoch: epoch, ..Self::default() }
    }

    /// As Kafka's tools print it.
    pub(crate) fn state(&self) -> &'static str {
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.assignment_epoch {
            "Assigning"
        } else if self.members.values().any(|member| !member.has_reached(self.assignment_epoch)) {
            "Reconciling"
        } else {
            "Stable"
        }
    }

    /// The assignor that most members ask for.
    pub(crate) fn assignor(&self) -> &'static str {
        let votes = |name: &str| {
            self.members.values().filter(|member| member.assignor.as_deref() == Some(name)).count()
        };
        let names = ASSIGNORS.iter().rev().map(|(name, _)| *name);
        names.max_by_key(|name| votes(name)).unwrap_or_default()
    }

    pub(crate) fn member(&self, id: &str) -> Result<&ConsumerMember, ErrorCode> {
        self.members.get(id).ok_or(ErrorCode::UNKNOWN_MEMBER_ID)
    }

    pub(super) fn member_of_instance(&self, instance: &str) -> Option<&ConsumerMember> {
        self.members.values().find(|member| member.instance.as_deref() == Some(instance))
    }

    /// Whether a member reads the topic.
    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        self.subscribed.contains_key(topic)
            || self.members.values().any(|member| member.names.contains(topic))
    }

    /// Notices which topics the members want to read by now, and counts the epoch if that or `more` changed.
    pub(super) fn refresh(&mut self, topics: &dyn TopicTable, more: bool) {
        let mut subscribed = BTreeMap::new();
        for name in self.members.values().flat_map(|member| &member.names) {
            if let Some(shape) = topics.shape(name) {
                subscribed.insert(name.clone(), shape);
            }
        }
        let patterns = || self.members.values().map(|member| &member.pattern);
        if patterns().any(|pattern| !pattern.text().is_empty()) {
            for name in topics.names().filter(|name| patterns().any(|pattern| pattern.matches(name))) {
                if let Some(shape) = topics.shape(name) {
                    subscribed.insert(name.to_owned(), shape);
                }
            }
        }
        if more || self.subscribed != subscribed {
            self.epoch = self.epoch.saturating_add(1);
        }
        self.subscribed = subscribed;
    }

    /// Decides anew who is to have what, if something changed since the last time.
    pub(super) fn assign(&mut self) {
        if self.epoch <= self.assignment_epoch {
            return;
        }
        let shapes = self.subscribed.values().map(|shape| (shape.id, shape.partitions)).collect();
        let members =
            self.members.values().map(|member| (member.id.clone(), self.subscriber(member))).collect();
        let name = self.assignor();
        let assign = ASSIGNORS.iter().find(|(known, _)| *known == name).map(|(_, assign)| assign);
        self.targets = assign.map(|assign| assign(&members, &shapes)).unwrap_or_default();
        self.assignment_epoch = self.epoch;
    }

    fn subscriber(&self, member: &ConsumerMember) -> Subscriber {
        let wanted = |name: &str| member.names.contains(name) || member.pattern.matches(name);
        let topics: BTreeSet<Uuid> =
            self.subscribed.iter().filter(|(name, _)| wanted(name)).map(|(_, shape)| shape.id).collect();
        Subscriber {
            instance: member.instance.clone(),
            topics,
            current: self.targets.get(&member.id).cloned().unwrap_or_default(),
        }
    }

    /// Brings the member a step nearer to what it is to have.
    pub(super) fn reconcile(&mut self, id: &str, owned: Option<&BTreeSet<Place>>, now: Time) {
        let others = self.members.values().filter(|member| member.id != id);
        let taken: BTreeSet<Place> = others.flat_map(ConsumerMember::held).collect();
        let none = BTreeSet::new();
        let goal = Goal {
            epoch: self.assignment_epoch,
            places: self.targets.get(id).unwrap_or(&none),
            taken: &taken,
        };
        let Some(member) = self.members.get_mut(id) else { return };
        if member.step(&goal, owned) && member.classic.is_none() {
            let revokes = !member.revoking.is_empty();
            member.revoke_by = revokes.then_some(now + member.rebalance_timeout);
        }
    }

    /// The member is gone; the others share what it had as soon as one of them is heard of.
    pub(super) fn remove(&mut self, id: &str, topics: &dyn TopicTable) {
        if self.members.remove(id).is_some() {
            self.targets.remove(id);
            self.refresh(topics, true);
        }
    }

    /// When [`due`](Self::due) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.members.values().map(ConsumerMember::next_deadline).min()
    }

    /// Members that were silent for too long, or did not give up in time what they were to, are gone.
    pub(crate) fn due(&mut self, effects: &mut Effects<'_>) {
        let late = self.members.values().filter(|member| member.next_deadline() <= effects.now);
        let late: Vec<String> = late.map(|member| member.id.clone()).collect();
        for id in late {
            self.remove(&id, effects.topics);
        }
    }

    /// Another broker coordinates the group now: all get a new session.
    pub(crate) fn moved(&mut self, effects: &Effects<'_>) {
        for member in self.members.values_mut() {
            member.heard_of(effects);
        }
    }
}

impl ConsumerMember {
    fn next_deadline(&self) -> Time {
        let classic = self.classic.as_ref();
        let by = [self.revoke_by, classic.and_then(|one| one.join_by), classic.and_then(|one| one.sync_by)];
        by.into_iter().flatten().fold(self.expires, Time::min)
    }

    pub(super) fn heard_of(&mut self, effects: &Effects<'_>) {
        let classic = self.classic.as_ref().map(|classic| classic.session_timeout);
        self.expires = effects.now + classic.unwrap_or(effects.session_timeout);
    }
}
