use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_core::protocol::messages::{JoinGroupRequest, JoinGroupResponse};

use super::group::Rebalance;
use super::member::{Waiting, protocols_of};
use super::{ClassicGroup, Member, State};
use crate::core::{Call, Reply};
use crate::groups::Effects;

/// From this version on a member gets its id first and joins with it then (KIP-394).
pub(crate) const MEMBER_ID_REQUIRED: i16 = 4;
/// From this version on a leader can be told not to assign anew.
const SKIP_ASSIGNMENT: i16 = 9;

pub(crate) fn refused_join(version: i16, member_id: &str, code: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: code.0,
        protocol_name: (version < 7).then(String::new),
        member_id: member_id.to_owned(),
        ..Default::default()
    }
}

impl ClassicGroup {
    /// A member joins, for the first time or again.
    pub(crate) fn join(
        &mut self,
        request: &JoinGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Reply<JoinGroupResponse> {
        let result = if !self.accepts_protocols(request) {
            Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL)
        } else if request.member_id.is_empty() {
            return self.join_first(request, call, effects);
        } else {
            self.join_again(request, call, effects)
        };
        result.unwrap_or_else(|code| Reply::Now(refused_join(call.version, &request.member_id, code)))
    }

    /// Whether there is an assignor that all members and the new one have.
    fn accepts_protocols(&self, request: &JoinGroupRequest) -> bool {
        if request.protocol_type.is_empty() || request.protocols.is_empty() {
            return false;
        }
        if self.members.is_empty() {
            return true;
        }
        let others = || self.members.iter().filter(|member| member.id != request.member_id);
        self.protocol_type.as_deref() == Some(&request.protocol_type)
            && request.protocols.iter().any(|offered| others().all(|member| member.supports(&offered.name)))
    }

    fn join_first(
        &mut self,
        request: &JoinGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Reply<JoinGroupResponse> {
        let prefix = request.group_instance_id.as_deref().or(call.client_id.as_deref()).unwrap_or_default();
        let id = format!("{prefix}-{:032x}", effects.random.u128(..));
        let instance = request.group_instance_id.as_deref();
        let old =
            instance.and_then(|instance| self.member_of_instance(instance)).map(|member| member.id.clone());
        if let Some(old) = old {
            return self.replace_static_member(&old, id, request, call, effects);
        }
        if self.members.len() + self.pending.len() >= effects.settings.max_group_size {
            return Reply::Now(refused_join(call.version, &id, ErrorCode::GROUP_MAX_SIZE_REACHED));
        }
        if request.group_instance_id.is_none() && call.version >= MEMBER_ID_REQUIRED {
            let member = Member::new(id.clone(), request, call, effects.now);
            self.pending.push((id.clone(), member.expires));
            return Reply::Now(refused_join(call.version, &id, ErrorCode::MEMBER_ID_REQUIRED));
        }
        self.add_member(id, request, call, effects);
        Reply::Later
    }

    fn join_again(
        &mut self,
        request: &JoinGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Result<Reply<JoinGroupResponse>, ErrorCode> {
        let (id, instance) = (&request.member_id, request.group_instance_id.as_deref());
        if instance.is_none() && self.pending.iter().any(|(pending, _)| pending == id) {
            self.pending.retain(|(pending, _)| pending != id);
            self.add_member(id.clone(), request, call, effects);
            return Ok(Reply::Later);
        }
        self.check_member(id, instance)?;
        let member = self.member(id).ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
        let changed = member.protocols != protocols_of(request);
        let settled = match self.state {
            State::Empty => return Err(ErrorCode::UNKNOWN_MEMBER_ID),
            State::PreparingRebalance => false,
            // It seems to have missed the answer to its last request.
            State::CompletingRebalance => !changed,
            State::Stable => !changed && !self.is_leader(id),
        };
        if settled {
            if let Some(member) = self.member_mut(id) {
                member.heard_of(effects.now);
            }
            return Ok(Reply::Now(self.joined(id, call.version)));
        }
        if let Some(member) = self.member_mut(id) {
            member.update(request);
        }
        self.wait_for_join(id, call, effects);
        if self.state != State::PreparingRebalance {
            self.prepare_rebalance(effects);
        }
        self.maybe_complete_join(effects);
        Ok(Reply::Later)
    }

    fn add_member(&mut self, id: String, request: &JoinGroupRequest, call: &Call, effects: &mut Effects<'_>) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
        }
        self.members.push(Member::new(id.clone(), request, call, effects.now));
        self.leader.get_or_insert_with(|| id.clone());
        self.wait_for_join(&id, call, effects);
        if let Some(rebalance) = &mut self.rebalance {
            rebalance.newcomers = true;
        }
        if self.state != State::PreparingRebalance {
            self.prepare_rebalance(effects);
        }
        self.maybe_complete_join(effects);
    }

    /// The member's request waits. An earlier one, on a connection that may be gone, is answered as if it were lost.
    fn wait_for_join(&mut self, id: &str, call: &Call, effects: &mut Effects<'_>) {
        let Some(member) = self.member_mut(id) else { return };
        if let Some(earlier) = member.joining.replace(Waiting::new(call)) {
            let code = ErrorCode::UNKNOWN_MEMBER_ID;
            effects.joined.push((earlier.ticket, refused_join(earlier.version, id, code)));
        }
    }

    /// A static member is back with another id: nobody else need join again if it says what it said before.
    fn replace_static_member(
        &mut self,
        old: &str,
        new: String,
        request: &JoinGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Reply<JoinGroupResponse> {
        let old_leader = self.leader.clone();
        if self.is_leader(old) {
            self.leader = Some(new.clone());
        }
        self.fence(old, effects);
        let now = effects.now;
        let Some(member) = self.member_mut(old) else { return Reply::Never };
        member.id = new.clone();
        member.update(request);
        member.heard_of(now);
        // By name alone: what the member says beside may be another generation that it remembers.
        if self.state == State::Stable && self.choose_protocol() == self.protocol {
            let mut response = self.joined(&new, call.version);
            if call.version >= SKIP_ASSIGNMENT {
                response.skip_assignment = self.is_leader(&new);
            } else {
                // A leader that must not assign must not learn that it is the leader.
                response.leader = old_leader.unwrap_or_default();
                response.members.clear();
            }
            return Reply::Now(response);
        }
        self.wait_for_join(&new, call, effects);
        if self.state != State::PreparingRebalance {
            self.prepare_rebalance(effects);
        }
        self.maybe_complete_join(effects);
        Reply::Later
    }

    /// Everybody is to join again.
    pub(super) fn prepare_rebalance(&mut self, effects: &mut Effects<'_>) {
        if self.state == State::CompletingRebalance {
            self.end_syncs(ErrorCode::REBALANCE_IN_PROGRESS, effects);
        }
        let timeout = self.longest_rebalance_timeout();
        let delay = effects.settings.initial_rebalance_delay;
        let initial = self.state == State::Empty && !delay.is_zero();
        self.rebalance = Some(Rebalance {
            deadline: effects.now + if initial { delay.min(timeout) } else { timeout },
            initial_until: initial.then_some(effects.now + timeout),
            newcomers: false,
        });
        self.sync_deadline = None;
        self.state = State::PreparingRebalance;
    }

    /// Ends the wait as soon as all are there.
    pub(super) fn maybe_complete_join(&mut self, effects: &mut Effects<'_>) {
        let Some(rebalance) = self.rebalance else { return };
        let all = self.members.iter().all(|member| member.joining.is_some()) && self.pending.is_empty();
        if all && rebalance.initial_until.is_none() {
            self.complete_join(effects);
        }
    }

    /// The time to join is over.
    pub(super) fn join_is_over(&mut self, rebalance: Rebalance, effects: &mut Effects<'_>) {
        let more = rebalance.initial_until.filter(|&until| rebalance.newcomers && until > effects.now);
        if let Some(until) = more {
            let deadline = (effects.now + effects.settings.initial_rebalance_delay).min(until);
            self.rebalance = Some(Rebalance { deadline, newcomers: false, ..rebalance });
            return;
        }
        self.complete_join(effects);
    }

    fn complete_join(&mut self, effects: &mut Effects<'_>) {
        // Static members keep their place for as long as their session lasts.
        self.members.retain(|member| member.joining.is_some() || member.instance.is_some());
        let leader = self.leader.as_deref().and_then(|id| self.member(id));
        if leader.is_none_or(|leader| leader.joining.is_none()) {
            let next =
                self.members.iter().find(|member| member.joining.is_some()).map(|member| member.id.clone());
            if next.is_none() && !self.members.is_empty() {
                let deadline = effects.now + self.longest_rebalance_timeout();
                self.rebalance = Some(Rebalance { deadline, initial_until: None, newcomers: false });
                return;
            }
            self.leader = next;
        }
        self.rebalance = None;
        self.generation = if self.generation == i32::MAX { 1 } else { self.generation + 1 };
        if self.members.is_empty() {
            self.state = State::Empty;
            self.protocol = None;
            return;
        }
        self.protocol = self.choose_protocol();
        self.state = State::CompletingRebalance;
        self.sync_deadline = Some(effects.now + self.longest_rebalance_timeout());
        let waiting: Vec<(String, Waiting)> = self
            .members
            .iter_mut()
            .filter_map(|member| Some((member.id.clone(), member.joining.take()?)))
            .collect();
        for member in &mut self.members {
            member.heard_of(effects.now);
        }
        for (id, waiting) in waiting {
            effects.joined.push((waiting.ticket, self.joined(&id, waiting.version)));
        }
    }

    /// The assignor with the most votes among those that all have: each votes for the first of its own.
    pub(super) fn choose_protocol(&self) -> Option<String> {
        let candidates = |member: &Member| -> Option<String> {
            let mut offered = member.protocols.iter().map(|(name, _)| name);
            offered.find(|name| self.members.iter().all(|other| other.supports(name))).cloned()
        };
        let votes: Vec<String> = self.members.iter().filter_map(candidates).collect();
        let count = |name: &String| votes.iter().filter(|vote| *vote == name).count();
        // The first of those with equal votes: `max_by_key` would take the last.
        votes.iter().rev().max_by_key(|name| count(name)).cloned()
    }

    /// What a member of the current generation is told.
    fn joined(&self, id: &str, version: i16) -> JoinGroupResponse {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = if self.is_leader(id) {
            let members = self.members.iter().map(|member| JoinGroupResponseMember {
                member_id: member.id.clone(),
                group_instance_id: member.instance.clone(),
                metadata: member.metadata_for(&protocol),
            });
            members.collect()
        } else {
            Vec::new()
        };
        JoinGroupResponse {
            error_code: 0,
            generation_id: self.generation,
            protocol_type: if version >= 7 { self.protocol_type.clone() } else { None },
            protocol_name: Some(protocol),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: id.to_owned(),
            members,
            ..Default::default()
        }
    }
}
