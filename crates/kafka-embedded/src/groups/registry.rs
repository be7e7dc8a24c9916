use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::Uuid;
use kafka_core::protocol::messages::{JoinGroupRequest, SyncGroupRequest};

use super::{Effects, Group, TopicShape, TopicTable};
use crate::core::{Cluster, CoordinatorKind, Time, Timer};
use crate::storage::Tracked;
use crate::topics::Topics;

/// All groups, and when each is to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: Tracked<Group>,
    timers: BTreeMap<String, Time>,
    /// What was set for groups, which need not exist for that.
    pub(crate) configs: BTreeMap<String, BTreeMap<String, String>>,
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
        let tracked = self.by_id.is_tracking();
        self.by_id.entry(id.to_owned()).or_insert_with(|| {
            let mut group = Group::new(id);
            if tracked {
                group.offsets.track();
            }
            group
        })
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// Remembers what changes from now on, for a disk.
    pub(crate) fn track(&mut self) {
        self.by_id.track();
    }

    pub(crate) fn take_touched(&mut self) -> BTreeSet<String> {
        self.by_id.take_touched()
    }

    /// For a change that need not be remembered.
    pub(crate) fn get_untouched(&mut self, id: &str) -> Option<&mut Group> {
        self.by_id.get_untouched(id)
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
        let mut effects = Effects::new(self.now, &self.settings, &self.topics, &mut self.random)
            .with_configs(self.groups.configs.get(id));
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
        // Locks that ran out may be what others wait for.
        self.recheck_share_fetches();
    }

    /// Removes groups without members that have no offsets, or committed none for too long (`offsets.retention.minutes`).
    pub(crate) fn expire_groups(&mut self) {
        let (now, retention) = (self.now, self.settings.offsets_retention);
        let ids: Vec<String> = self.groups.by_id.keys().cloned().collect();
        for id in ids {
            let Some(group) = self.groups.get_untouched(&id) else { continue };
            let is_joined = !group.member_ids().is_empty() || group.next_deadline().is_some();
            let is_used = std::mem::take(&mut group.offsets.is_used) || is_joined;
            if is_used {
                group.used_at = now;
            } else if group.offsets.is_empty() || now.saturating_sub(group.used_at) >= retention {
                self.groups.remove(&id);
            }
        }
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

impl TopicTable for Topics {
    fn shape(&self, name: &str) -> Option<TopicShape> {
        let topic = self.get(name)?;
        Some(TopicShape { id: topic.id, partitions: i32::try_from(topic.partitions.len()).ok()? })
    }

    fn name(&self, id: Uuid) -> Option<&str> {
        self.name_of(id)
    }

    fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        Box::new(self.iter().map(|topic| topic.name.as_str()))
    }
}
