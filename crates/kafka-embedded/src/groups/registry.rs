use std::collections::BTreeMap;

use kafka_core::protocol::messages::{JoinGroupRequest, SyncGroupRequest};

use super::{Effects, Group};
use crate::core::{Cluster, CoordinatorKind, Time, Timer};

/// All groups, and when each is to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: BTreeMap<String, Group>,
    timers: BTreeMap<String, Time>,
}

impl Groups {
    pub(crate) fn get(&self, id: &str) -> Option<&Group> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Group> {
        self.by_id.get_mut(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.by_id.values()
    }

    pub(crate) fn get_or_create(&mut self, id: &str) -> &mut Group {
        self.by_id.entry(id.to_owned()).or_insert_with(|| Group::new(id))
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        for group in self.by_id.values_mut() {
            group.offsets.forget_topic(topic);
        }
    }
}

impl Cluster {
    /// Does something with a group, answers whoever it let go, and sets its clock. `None` if there is no such group.
    pub(crate) fn in_group<T>(
        &mut self,
        id: &str,
        act: impl FnOnce(&mut Group, &mut Effects<'_>) -> T,
    ) -> Option<T> {
        let group = self.groups.by_id.get_mut(id)?;
        let mut effects = Effects::new(self.now, &self.settings, &mut self.random);
        let result = act(group, &mut effects);
        let (joined, synced) = (effects.joined, effects.synced);
        let (before, next) = (self.groups.timers.get(id).copied(), group.next_deadline());
        if before != next {
            if let Some(before) = before {
                self.timers.cancel(before, Timer::Group(id.to_owned()));
                self.groups.timers.remove(id);
            }
            if let Some(next) = next {
                self.timers.set(next, Timer::Group(id.to_owned()));
                self.groups.timers.insert(id.to_owned(), next);
            }
        }
        for (ticket, response) in joined {
            self.answer::<JoinGroupRequest>(ticket, response);
        }
        for (ticket, response) in synced {
            self.answer::<SyncGroupRequest>(ticket, response);
        }
        Some(result)
    }

    pub(crate) fn group_is_due(&mut self, id: &str) {
        self.groups.timers.remove(id);
        self.in_group(id, |group, effects| group.due(effects));
    }

    /// Members that wait at a broker that is no longer their coordinator are told so.
    pub(crate) fn refuse_members_of_moved_groups(&mut self) {
        let ids: Vec<String> = self.groups.by_id.keys().cloned().collect();
        for id in ids {
            let coordinator = self.find_coordinator(CoordinatorKind::Group, &id).ok();
            self.in_group(&id, |group, effects| group.moved_to(coordinator, effects));
        }
    }
}
