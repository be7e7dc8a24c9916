//! Getting into a generation: give up what must be, join, assign if leader, sync, take the assignment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_core::{Error, ErrorKind, TopicPartition};
use tokio::time::Instant;

use super::{
    Action, AfterRevoke, Failure, JoinRequest, Joined, Leading, Membership, Phase, Request, Synced, Ticket,
};
use crate::consumer::assignor::{
    GroupAssignment, GroupMember, PartitionRacks, PreviousAssignment, RebalanceProtocol,
    TopicPartitionCounts, withhold,
};
use crate::consumer::group::GroupEvent;
use crate::consumer::group::consumer_protocol::{
    decode_assignment, decode_subscription, encode_assignment, encode_subscription,
};

impl Membership {
    pub(super) fn on_subscribe(&mut self, now: Instant, topics: BTreeSet<Arc<str>>) {
        let changed = topics != self.joined_topics;
        self.topics = topics;
        self.last_poll = self.last_poll.max(now);
        if !self.is_active() {
            self.reason = "the consumer subscribed".to_owned();
            self.failures = 0;
            self.phase = Phase::Unjoined { at: now };
        } else if changed {
            self.rejoin = Some("the subscription changed".to_owned());
        }
    }

    /// Gives up what cannot be kept through a rebalance, then joins.
    pub(super) fn prepare_join(&mut self) {
        let stays = |tp: &TopicPartition| match self.protocol {
            RebalanceProtocol::Eager => false,
            RebalanceProtocol::Cooperative => self.topics.contains(&tp.topic),
        };
        let leaving: BTreeSet<_> = self.owned.iter().filter(|tp| !stays(tp)).cloned().collect();
        self.revoke(leaving, AfterRevoke::Join);
        if !matches!(self.phase, Phase::Revoking { .. }) {
            self.join();
        }
    }

    fn revoke(&mut self, partitions: BTreeSet<TopicPartition>, then: AfterRevoke) {
        if partitions.is_empty() {
            return;
        }
        let event = GroupEvent::Revoke { partitions: partitions.iter().cloned().collect() };
        let ticket = self.ticket();
        self.actions.push(Action::Revoke(ticket, event));
        self.phase = Phase::Revoking { partitions, ticket, then };
    }

    pub(super) fn on_revoke_done(&mut self, now: Instant, done: Ticket) {
        if !matches!(self.phase, Phase::Revoking { ticket, .. } if ticket == done) {
            return;
        }
        let Phase::Revoking { partitions, then, .. } = std::mem::replace(&mut self.phase, Phase::Stable)
        else {
            return;
        };
        self.owned.retain(|tp| !partitions.contains(tp));
        match then {
            AfterRevoke::Join => self.phase = Phase::Unjoined { at: now },
            AfterRevoke::Take(assigned) => {
                self.rejoin.get_or_insert_with(|| "gave up partitions for other members".to_owned());
                self.take(assigned);
            }
        }
    }

    fn join(&mut self) {
        let mut member = GroupMember::new(self.member_id.as_str(), self.topics.iter().cloned());
        member.owned = self.owned.iter().cloned().collect();
        member.generation = self.owned_generation;
        member.rack = self.settings.rack.clone();
        let mut protocols = Vec::new();
        for assignor in &self.settings.assignors {
            member.user_data = assignor.user_data(self.previous.as_ref());
            match encode_subscription(&member) {
                Ok(subscription) => protocols.push((assignor.name().to_owned(), subscription)),
                Err(error) => return self.fail(error),
            }
        }
        self.joined_topics.clone_from(&self.topics);
        self.rejoin = None;
        self.leading = None;
        self.heartbeat.in_flight = None;
        let request =
            JoinRequest { member_id: self.member_id.clone(), protocols, reason: self.reason.clone() };
        let ticket = self.send(Request::Join(request));
        self.phase = Phase::Joining { ticket };
    }

    pub(super) fn on_join_answer(&mut self, now: Instant, answered: Ticket, result: Result<Joined, Failure>) {
        if self.abandoned == Some(answered) {
            self.abandoned = None;
            let member_id = match result {
                Ok(joined) => joined.member_id,
                Err(Failure::MemberIdRequired(member_id)) => member_id,
                Err(_) => return,
            };
            self.send_leave(member_id, "the join is not wanted any more".to_owned());
            return;
        }
        if !matches!(self.phase, Phase::Joining { ticket } if ticket == answered) {
            return;
        }
        match result {
            Ok(joined) => self.on_joined(now, joined),
            Err(Failure::MemberIdRequired(member_id)) => {
                self.member_id = member_id;
                self.join();
            }
            Err(failure) => self.on_join_failure(now, failure),
        }
    }

    fn on_joined(&mut self, now: Instant, joined: Joined) {
        let assignor = self.settings.assignors.iter().find(|a| a.name() == joined.protocol_name);
        let Some(assignor) = assignor.cloned() else {
            let message = format!(
                "the group chose the assignment strategy {:?}, which this member did not offer; give all members of \
                 the group a common partition.assignment.strategy",
                joined.protocol_name
            );
            self.member_id.clone_from(&joined.member_id);
            return self.refuse(now, Error::new(ErrorKind::Malformed, message));
        };
        self.assignor = Some(assignor);
        self.member_id.clone_from(&joined.member_id);
        self.generation = joined.generation;
        self.start_heartbeats(now);
        if joined.leader != joined.member_id {
            return self.sync(Vec::new(), &joined.protocol_name);
        }
        let members = decode_members(&joined);
        let topics: BTreeSet<_> = members.iter().flat_map(|m| m.topics.iter().cloned()).collect();
        self.actions.push(Action::LookUpTopics(topics.clone()));
        self.leading =
            Some(Leading { topics, counts: TopicPartitionCounts::new(), racks: PartitionRacks::new() });
        self.phase = Phase::Assigning { joined };
    }

    pub(super) fn on_topics(
        &mut self,
        _now: Instant,
        mut counts: TopicPartitionCounts,
        racks: PartitionRacks,
    ) {
        let Some(leading) = &mut self.leading else { return };
        counts.retain(|topic, _| leading.topics.contains(topic));
        if counts != leading.counts && !matches!(self.phase, Phase::Assigning { .. }) {
            self.rejoin = Some("the partitions of the group's topics changed".to_owned());
        }
        leading.counts = counts;
        leading.racks = racks;
        if !matches!(self.phase, Phase::Assigning { .. }) {
            return;
        }
        let Phase::Assigning { joined } = std::mem::replace(&mut self.phase, Phase::Stable) else { return };
        let assignments = if joined.skip_assignment {
            // A static leader that comes back: the group goes on as it last assigned. If it was away for a while only, it
            // knows what it left undone: partitions that came, or the second half of a cooperative rebalance.
            if self.has_assigned {
                self.rejoin = Some("the leader was away and is back".to_owned());
            }
            Ok(Vec::new())
        } else {
            self.has_assigned = true;
            self.assign(&joined)
        };
        match assignments {
            Ok(assignments) => self.sync(assignments, &joined.protocol_name),
            Err(error) => self.fail(error),
        }
    }

    fn assign(&self, joined: &Joined) -> Result<Vec<(String, bytes::Bytes)>, Error> {
        let (Some(assignor), Some(leading)) = (&self.assignor, &self.leading) else { return Ok(Vec::new()) };
        let members = decode_members(joined);
        let mut assignment: GroupAssignment = assignor.assign_near(&leading.counts, &leading.racks, &members);
        if assignor.protocol() == RebalanceProtocol::Cooperative {
            withhold(&mut assignment, &members);
        }
        let of = |member: &GroupMember| {
            let given = assignment.get(&member.member_id).map(Vec::as_slice).unwrap_or_default();
            Ok((member.member_id.to_string(), encode_assignment(given)?))
        };
        members.iter().map(of).collect()
    }

    fn sync(&mut self, assignments: Vec<(String, bytes::Bytes)>, protocol_name: &str) {
        let ticket = self.send(Request::Sync {
            member_id: self.member_id.clone(),
            generation: self.generation,
            protocol_name: protocol_name.to_owned(),
            assignments,
        });
        self.phase = Phase::Syncing { ticket };
    }

    pub(super) fn on_sync_answer(&mut self, now: Instant, answered: Ticket, result: Result<Synced, Failure>) {
        if !matches!(self.phase, Phase::Syncing { ticket } if ticket == answered) {
            return;
        }
        let synced = match result {
            Ok(synced) => synced,
            Err(failure) => return self.on_sync_failure(now, failure),
        };
        let Some(assigned) = decode_assignment(synced.assignment) else {
            let message =
                "the group's leader sent an assignment that cannot be decoded; check what client it is";
            return self.refuse(now, Error::new(ErrorKind::Malformed, message));
        };
        self.failures = 0;
        self.start_heartbeats(now);
        self.phase = Phase::Stable;
        if assigned.iter().any(|tp| !self.topics.contains(&tp.topic)) {
            // Assigned from an older subscription; the join that follows puts it right.
            self.rejoin.get_or_insert_with(|| "the assignment has topics not subscribed to".to_owned());
            return;
        }
        let leaving: BTreeSet<_> = self.owned.difference(&assigned).cloned().collect();
        if leaving.is_empty() {
            self.take(assigned);
        } else {
            self.revoke(leaving, AfterRevoke::Take(assigned));
        }
    }

    fn take(&mut self, assigned: BTreeSet<TopicPartition>) {
        let added = assigned.difference(&self.owned).cloned().collect();
        let owned: Vec<_> = assigned.iter().cloned().collect();
        self.previous = Some(PreviousAssignment::new(owned.clone(), self.generation));
        self.owned = assigned;
        self.owned_generation = self.generation;
        self.emit(GroupEvent::Assign { added, owned, topic_ids: BTreeMap::new() });
    }
}

/// The members as the assignor sees them. One whose subscription cannot be read wants nothing.
fn decode_members(joined: &Joined) -> Vec<GroupMember> {
    let decode = |member: &super::JoinedMember| {
        let instance_id = member.instance_id.as_deref();
        decode_subscription(&member.member_id, instance_id, member.subscription.clone()).unwrap_or_else(
            || {
                tracing::warn!(member_id = member.member_id, "a member's subscription cannot be decoded");
                GroupMember::new(member.member_id.as_str(), [])
            },
        )
    };
    joined.members.iter().map(decode).collect()
}
