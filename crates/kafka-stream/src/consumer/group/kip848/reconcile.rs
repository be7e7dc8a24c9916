//! From the coordinator's target to what the member owns: find the topics' names, give up, take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_core::protocol::Uuid;
use kafka_core::{Error, TopicPartition};
use tokio::time::Instant;

use super::{Member, Phase, Place};
use crate::consumer::group::GroupEvent;
use crate::consumer::group::state::{Action, Request, Ticket};

impl Member {
    /// The next step towards the target, if one can be made now.
    pub(super) fn reconcile(&mut self, now: Instant) {
        if self.phase != Phase::Member || self.revoking.is_some() || self.naming.is_some() {
            return;
        }
        let Some(target) = &self.target else { return };
        let unknown: BTreeSet<Uuid> =
            target.iter().map(|(id, _)| *id).filter(|id| !self.names.contains_key(id)).collect();
        if !unknown.is_empty() && self.name_at.is_some_and(|at| now >= at) {
            self.name_at = None;
            self.naming = Some(self.send(Request::NameTopics(unknown)));
            return;
        }
        // What has no name yet does not keep the rest waiting.
        let reachable: BTreeSet<Place> =
            target.iter().filter(|(id, _)| self.names.contains_key(id)).copied().collect();
        let leaving: BTreeSet<Place> = self.owned.difference(&reachable).copied().collect();
        if !leaving.is_empty() {
            let ticket = self.ticket();
            let partitions = self.named(&leaving);
            self.actions.push(Action::Revoke(ticket, GroupEvent::Revoke { partitions }));
            self.revoking = Some((ticket, leaving));
            return;
        }
        let all = unknown.is_empty();
        if all {
            self.target = None;
            self.name_at = None;
        } else if reachable == self.owned {
            return;
        }
        let added: BTreeSet<Place> = reachable.difference(&self.owned).copied().collect();
        let name = |(id, _): &Place| Some((Arc::clone(self.names.get(id)?), *id));
        let topic_ids = added.iter().filter_map(name).collect();
        let added = self.named(&added);
        self.own(now, reachable);
        let owned = self.owned_names.iter().cloned().collect();
        self.emit(GroupEvent::Assign { added, owned, topic_ids });
    }

    pub(super) fn on_revoke_done(&mut self, now: Instant, done: Ticket) {
        let Some((_, leaving)) = self.revoking.take_if(|(ticket, _)| *ticket == done) else { return };
        let kept = self.owned.difference(&leaving).copied().collect();
        self.own(now, kept);
    }

    pub(super) fn on_names(
        &mut self,
        now: Instant,
        answered: Ticket,
        result: Result<BTreeMap<Uuid, Arc<str>>, Error>,
    ) {
        if self.naming != Some(answered) {
            return;
        }
        self.naming = None;
        match result {
            Ok(names) => self.names.extend(names),
            Err(error) => {
                tracing::warn!(%error, "looking up the topics of an assignment failed; trying again")
            }
        }
        // A topic that was just created is not known to all brokers at once; one that was deleted leaves the target.
        self.name_at = Some(now + self.settings.backoff.delay_at(0, self.random.f64()));
    }

    fn own(&mut self, now: Instant, places: BTreeSet<Place>) {
        if places != self.owned {
            // The coordinator waits for it.
            self.heartbeats.next = Some(now);
        }
        self.owned_names = self.named(&places).into_iter().collect();
        self.owned = places;
        let target = self.target.iter().flatten();
        let used: BTreeSet<Uuid> = self.owned.iter().chain(target).map(|(id, _)| *id).collect();
        self.names.retain(|id, _| used.contains(id));
    }

    fn named(&self, places: &BTreeSet<Place>) -> Vec<TopicPartition> {
        let name =
            |(id, partition): &Place| Some(TopicPartition::new(Arc::clone(self.names.get(id)?), *partition));
        let mut named: Vec<_> = places.iter().filter_map(name).collect();
        named.sort_unstable();
        named
    }
}
