//! A broker's group coordinator as a model: what Kafka's does with one group, without I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use tokio::time::Instant;

use super::super::{Answer, Failure, JoinRequest, Joined, JoinedMember, Request, Synced, Ticket};

/// A client and its request.
pub(super) type From = (usize, Ticket);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Empty,
    Preparing { until: Instant },
    Completing,
    Stable,
}

#[derive(Clone, Debug)]
struct Member {
    instance: Option<String>,
    protocols: Vec<(String, Bytes)>,
    join: Option<From>,
    sync: Option<From>,
    assignment: Bytes,
    session_end: Instant,
}

#[derive(Debug)]
pub(super) struct Coordinator {
    phase: Phase,
    pub(super) generation: i32,
    members: BTreeMap<String, Member>,
    leader: String,
    protocol: String,
    next_id: u32,
    pending: BTreeSet<String>,
    /// Until when it answers that it is not the coordinator.
    pub(super) away_until: Option<Instant>,
    session_timeout: Duration,
    rebalance_timeout: Duration,
    answers: Vec<(From, Answer)>,
}

fn code(answer: fn(Failure) -> Answer, code: ErrorCode) -> Answer {
    answer(Failure::Code(code))
}

impl Coordinator {
    pub(super) fn new(session_timeout: Duration, rebalance_timeout: Duration) -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            members: BTreeMap::new(),
            leader: String::new(),
            protocol: String::new(),
            next_id: 0,
            pending: BTreeSet::new(),
            away_until: None,
            session_timeout,
            rebalance_timeout,
            answers: Vec::new(),
        }
    }

    pub(super) fn is_stable(&self) -> bool {
        self.phase == Phase::Stable
    }

    pub(super) fn size(&self) -> usize {
        self.members.len()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let rebalance = match self.phase {
            Phase::Preparing { until } => Some(until),
            _ => None,
        };
        let sessions = self.members.values().filter(|m| m.join.is_none()).map(|m| m.session_end);
        sessions.chain(rebalance).min()
    }

    pub(super) fn on_time(&mut self, now: Instant) -> Vec<(From, Answer)> {
        if let Some(until) = self.away_until {
            // Whoever loads the group gives all members a new session.
            for member in self.members.values_mut() {
                member.session_end = member.session_end.max(until + self.session_timeout);
            }
        }
        let expired: Vec<_> = self
            .members
            .iter()
            .filter(|(_, m)| m.join.is_none() && now >= m.session_end)
            .map(|(id, _)| id.clone())
            .collect();
        for id in expired {
            self.remove(now, &id);
        }
        self.complete_join(now);
        std::mem::take(&mut self.answers)
    }

    pub(super) fn on_request(
        &mut self,
        now: Instant,
        from: From,
        instance: Option<&str>,
        request: Request,
    ) -> Vec<(From, Answer)> {
        if self.away_until.is_some_and(|until| now < until) {
            let answer = match request {
                Request::Join(_) => Answer::Join(Err(Failure::Code(ErrorCode::NOT_COORDINATOR))),
                Request::Sync { .. } => Answer::Sync(Err(Failure::Code(ErrorCode::NOT_COORDINATOR))),
                Request::Heartbeat { .. } => {
                    Answer::Heartbeat(Err(Failure::Code(ErrorCode::NOT_COORDINATOR)))
                }
                _ => return Vec::new(),
            };
            return vec![(from, answer)];
        }
        match request {
            Request::Join(join) => self.join(now, from, instance, join),
            Request::Sync { member_id, generation, assignments, .. } => {
                self.sync(now, from, instance, &member_id, generation, assignments);
            }
            Request::Heartbeat { member_id, generation } => {
                self.heartbeat(now, from, instance, &member_id, generation);
            }
            Request::Leave { member_id, .. } => {
                self.pending.remove(&member_id);
                self.remove(now, &member_id);
            }
            other => panic!("not of the classic protocol: {other:?}"),
        }
        self.complete_join(now);
        std::mem::take(&mut self.answers)
    }

    fn answer(&mut self, to: From, answer: Answer) {
        self.answers.push((to, answer));
    }

    fn new_id(&mut self) -> String {
        self.next_id += 1;
        // Names in no order of time, as random ones are.
        format!("m{:02}-{}", self.next_id.wrapping_mul(37) % 100, self.next_id)
    }

    fn join(&mut self, now: Instant, from: From, instance: Option<&str>, join: JoinRequest) {
        let mut id = join.member_id;
        if id.is_empty() {
            match instance {
                None => {
                    let id = self.new_id();
                    self.pending.insert(id.clone());
                    return self.answer(from, Answer::Join(Err(Failure::MemberIdRequired(id))));
                }
                Some(instance) => {
                    id = self.new_id();
                    let old = self.members.iter().find(|(_, m)| m.instance.as_deref() == Some(instance));
                    if let Some((old, _)) = old.map(|(id, m)| (id.clone(), m.clone())) {
                        return self.replace_static(now, from, &old, id, join.protocols);
                    }
                }
            }
        } else if let Some(failure) = self.fenced(&id, instance) {
            return self.answer(from, Answer::Join(Err(failure)));
        } else if !self.members.contains_key(&id) && !self.pending.remove(&id) {
            return self.answer(from, code(|f| Answer::Join(Err(f)), ErrorCode::UNKNOWN_MEMBER_ID));
        }
        let session_end = now + self.session_timeout;
        let fresh = !self.members.contains_key(&id);
        let member = self.members.entry(id.clone()).or_insert_with(|| Member {
            instance: instance.map(str::to_owned),
            protocols: Vec::new(),
            join: None,
            sync: None,
            assignment: Bytes::new(),
            session_end,
        });
        member.session_end = session_end;
        let changed = member.protocols != join.protocols;
        member.protocols = join.protocols;
        let unchanged_follower = !fresh && !changed && self.leader != id;
        match self.phase {
            Phase::Stable | Phase::Completing if unchanged_follower => {
                let joined = self.joined(&id, false);
                return self.answer(from, Answer::Join(Ok(joined)));
            }
            Phase::Completing if !fresh && !changed => {
                let joined = self.joined(&id, false);
                return self.answer(from, Answer::Join(Ok(joined)));
            }
            _ => {}
        }
        if let Some(member) = self.members.get_mut(&id) {
            member.join = Some(from);
        }
        self.prepare(now);
    }

    fn replace_static(
        &mut self,
        now: Instant,
        from: From,
        old: &str,
        id: String,
        protocols: Vec<(String, Bytes)>,
    ) {
        let Some(mut member) = self.members.remove(old) else { return };
        if let Some(join) = member.join.take() {
            self.answer(join, code(|f| Answer::Join(Err(f)), ErrorCode::FENCED_INSTANCE_ID));
        }
        if let Some(sync) = member.sync.take() {
            self.answer(sync, code(|f| Answer::Sync(Err(f)), ErrorCode::FENCED_INSTANCE_ID));
        }
        member.protocols = protocols;
        member.session_end = now + self.session_timeout;
        if self.leader == old {
            self.leader.clone_from(&id);
        }
        if self.phase == Phase::Stable {
            self.members.insert(id.clone(), member);
            let joined = self.joined(&id, true);
            self.answer(from, Answer::Join(Ok(joined)));
        } else {
            member.join = Some(from);
            self.members.insert(id, member);
            self.prepare(now);
        }
    }

    fn joined(&self, id: &str, skip_assignment: bool) -> Joined {
        let leads = self.leader == id;
        let members = self.members.iter().filter(|_| leads).map(|(id, m)| JoinedMember {
            member_id: id.clone(),
            instance_id: m.instance.clone(),
            subscription: m
                .protocols
                .iter()
                .find(|(name, _)| *name == self.protocol)
                .map(|(_, subscription)| subscription.clone())
                .unwrap_or_default(),
        });
        Joined {
            generation: self.generation,
            member_id: id.to_owned(),
            leader: self.leader.clone(),
            protocol_name: self.protocol.clone(),
            skip_assignment: leads && skip_assignment,
            members: members.collect(),
        }
    }

    fn fenced(&self, id: &str, instance: Option<&str>) -> Option<Failure> {
        let instance = instance?;
        let holder = self.members.iter().find(|(_, m)| m.instance.as_deref() == Some(instance));
        match holder {
            Some((holder, _)) if holder != id => Some(Failure::Code(ErrorCode::FENCED_INSTANCE_ID)),
            Some(_) => None,
            None => Some(Failure::Code(ErrorCode::UNKNOWN_MEMBER_ID)),
        }
    }

    /// What is wrong with a member's standing, if anything.
    fn wrong(&mut self, now: Instant, id: &str, instance: Option<&str>, generation: i32) -> Option<Failure> {
        if let Some(failure) = self.fenced(id, instance) {
            return Some(failure);
        }
        let Some(member) = self.members.get_mut(id) else {
            return Some(Failure::Code(ErrorCode::UNKNOWN_MEMBER_ID));
        };
        if generation != self.generation {
            return Some(Failure::Code(ErrorCode::ILLEGAL_GENERATION));
        }
        member.session_end = now + self.session_timeout;
        None
    }

    fn sync(
        &mut self,
        now: Instant,
        from: From,
        instance: Option<&str>,
        id: &str,
        generation: i32,
        assignments: Vec<(String, Bytes)>,
    ) {
        if let Some(failure) = self.wrong(now, id, instance, generation) {
            return self.answer(from, Answer::Sync(Err(failure)));
        }
        match self.phase {
            Phase::Empty | Phase::Preparing { .. } => {
                self.answer(from, code(|f| Answer::Sync(Err(f)), ErrorCode::REBALANCE_IN_PROGRESS));
            }
            Phase::Stable => {
                let assignment = self.members.get(id).map(|m| m.assignment.clone()).unwrap_or_default();
                self.answer(from, Answer::Sync(Ok(Synced { assignment })));
            }
            Phase::Completing => {
                if let Some(member) = self.members.get_mut(id) {
                    member.sync = Some(from);
                }
                if self.leader != id {
                    return;
                }
                for member in self.members.values_mut() {
                    member.assignment = Bytes::new();
                }
                for (id, assignment) in assignments {
                    if let Some(member) = self.members.get_mut(&id) {
                        member.assignment = assignment;
                    }
                }
                self.phase = Phase::Stable;
                let mut answers = Vec::new();
                for member in self.members.values_mut() {
                    if let Some(sync) = member.sync.take() {
                        let assignment = member.assignment.clone();
                        answers.push((sync, Answer::Sync(Ok(Synced { assignment }))));
                    }
                }
                self.answers.extend(answers);
            }
        }
    }

    fn heartbeat(&mut self, now: Instant, from: From, instance: Option<&str>, id: &str, generation: i32) {
        let result = match self.wrong(now, id, instance, generation) {
            Some(failure) => Err(failure),
            None if matches!(self.phase, Phase::Preparing { .. }) => {
                Err(Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS))
            }
            None => Ok(()),
        };
        self.answer(from, Answer::Heartbeat(result));
    }

    fn remove(&mut self, now: Instant, id: &str) {
        if self.members.remove(id).is_some() {
            if self.leader == id {
                self.leader = self.members.keys().next().cloned().unwrap_or_default();
            }
            self.prepare(now);
        }
    }

    fn prepare(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Preparing { .. }) {
            return;
        }
        self.phase = Phase::Preparing { until: now + self.rebalance_timeout };
        let mut answers = Vec::new();
        for member in self.members.values_mut() {
            if let Some(sync) = member.sync.take() {
                let failure = Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS);
                answers.push((sync, Answer::Sync(Err(failure))));
            }
        }
        self.answers.extend(answers);
    }

    fn complete_join(&mut self, now: Instant) {
        let Phase::Preparing { until } = self.phase else { return };
        let complete = self.members.values().all(|m| m.join.is_some());
        if !complete && now < until {
            return;
        }
        self.members.retain(|_, m| m.join.is_some() || m.instance.is_some());
        self.generation += 1;
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            return;
        }
        if self.members.get(&self.leader).is_none_or(|m| m.join.is_none()) {
            let joined = self.members.iter().find(|(_, m)| m.join.is_some());
            self.leader = joined.map(|(id, _)| id.clone()).unwrap_or_default();
        }
        self.phase = Phase::Completing;
        self.protocol = self.vote();
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.joined(&id, false);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.session_end = now + self.session_timeout;
            if let Some(join) = member.join.take() {
                self.answer(join, Answer::Join(Ok(joined)));
            }
        }
    }

    /// The protocol that all know and most prefer.
    fn vote(&self) -> String {
        let known_by_all = |name: &String| {
            self.members.values().all(|m| m.protocols.iter().any(|(candidate, _)| candidate == name))
        };
        let mut votes: BTreeMap<&String, usize> = BTreeMap::new();
        for member in self.members.values() {
            let preferred = member.protocols.iter().map(|(name, _)| name).find(|name| known_by_all(name));
            *votes.entry(preferred.expect("a common protocol")).or_default() += 1;
        }
        votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(name, _)| name.clone()).unwrap_or_default()
    }
}
