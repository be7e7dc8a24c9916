use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use super::member::Waiting;
use super::{ClassicGroup, State};
use crate::core::{Call, Reply};
use crate::groups::Effects;

pub(crate) fn refused_sync(code: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse { error_code: code.0, ..Default::default() }
}

impl ClassicGroup {
    /// A member asks for its assignment; the leader brings everybody's.
    pub(crate) fn sync(
        &mut self,
        request: &SyncGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Reply<SyncGroupResponse> {
        match self.try_sync(request, call, effects) {
            Ok(reply) => reply,
            Err(code) => Reply::Now(refused_sync(code)),
        }
    }

    fn try_sync(
        &mut self,
        request: &SyncGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Result<Reply<SyncGroupResponse>, ErrorCode> {
        let id = request.member_id.as_str();
        self.check_member(id, request.group_instance_id.as_deref())?;
        self.check_generation(request.generation_id)?;
        let differs = |asked: &Option<String>, ours: &Option<String>| asked.is_some() && asked != ours;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        match self.state {
            State::Empty => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            State::PreparingRebalance => Err(ErrorCode::REBALANCE_IN_PROGRESS),
            State::Stable => {
                if let Some(member) = self.member_mut(id) {
                    member.heard_of(effects.now);
                }
                Ok(Reply::Now(self.assigned(id)))
            }
            State::CompletingRebalance => {
                let member = self.member_mut(id);
                if let Some(earlier) = member.and_then(|member| member.syncing.replace(Waiting::new(call))) {
                    effects.synced.push((earlier.ticket, refused_sync(ErrorCode::UNKNOWN_MEMBER_ID)));
                }
                if self.is_leader(id) {
                    self.assign(request, effects);
                }
                Ok(Reply::Later)
            }
        }
    }

    fn assign(&mut self, request: &SyncGroupRequest, effects: &mut Effects<'_>) {
        for member in &mut self.members {
            let mine = request.assignments.iter().find(|assignment| assignment.member_id == member.id);
            // Copied: an assignment outlives the request that its bytes lie in.
            member.assignment = mine.map(|mine| Bytes::copy_from_slice(&mine.assignment)).unwrap_or_default();
        }
        self.state = State::Stable;
        let waiting: Vec<(String, Waiting)> = self
            .members
            .iter_mut()
            .filter_map(|member| Some((member.id.clone(), member.syncing.take()?)))
            .collect();
        for (id, waiting) in waiting {
            if let Some(member) = self.member_mut(&id) {
                member.heard_of(effects.now);
            }
            effects.synced.push((waiting.ticket, self.assigned(&id)));
        }
    }

    fn assigned(&self, id: &str) -> SyncGroupResponse {
        SyncGroupResponse {
            error_code: 0,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: self.member(id).map(|member| member.assignment.clone()).unwrap_or_default(),
            ..Default::default()
        }
    }

    /// Answers all who wait for their assignment, because there will be none.
    pub(super) fn end_syncs(&mut self, code: ErrorCode, effects: &mut Effects<'_>) {
        for member in &mut self.members {
            member.assignment = Bytes::new();
            if let Some(waiting) = member.syncing.take() {
                member.heard_of(effects.now);
                effects.synced.push((waiting.ticket, refused_sync(code)));
            }
        }
    }

    /// The time to ask for an assignment is over: who did not ask is gone.
    pub(super) fn sync_is_over(&mut self, effects: &mut Effects<'_>) {
        self.sync_deadline = None;
        if self.state != State::CompletingRebalance {
            return;
        }
        let leader = self.leader.clone();
        self.members.retain(|member| member.syncing.is_some());
        self.leader = leader.filter(|leader| self.member(leader).is_some());
        self.prepare_rebalance(effects);
    }
}
