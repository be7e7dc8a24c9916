use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::leave_group_request::MemberIdentity;

use super::join::refused_join;
use super::sync::refused_sync;
use super::{ClassicGroup, State};
use crate::groups::Effects;

impl ClassicGroup {
    /// A sign of life of a member.
    pub(crate) fn heartbeat(
        &mut self,
        member: &str,
        instance: Option<&str>,
        generation: i32,
        effects: &Effects<'_>,
    ) -> Result<(), ErrorCode> {
        self.check_member(member, instance)?;
        self.check_generation(generation)?;
        if self.state == State::Empty {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        self.heard_of(member, effects);
        match self.state {
            State::PreparingRebalance => Err(ErrorCode::REBALANCE_IN_PROGRESS),
            _ => Ok(()),
        }
    }

    pub(crate) fn heard_of(&mut self, member: &str, effects: &Effects<'_>) {
        if let Some(member) = self.member_mut(member) {
            member.heard_of(effects.now);
        }
    }

    /// A member leaves by itself, or is removed by its instance id. Returns its id.
    pub(crate) fn leave(
        &mut self,
        member: &MemberIdentity,
        effects: &mut Effects<'_>,
    ) -> Result<String, ErrorCode> {
        let id = match member.group_instance_id.as_deref() {
            Some(instance) if member.member_id.is_empty() => {
                let known = self.member_of_instance(instance).ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
                known.id.clone()
            }
            instance => {
                let id = &member.member_id;
                if self.pending.iter().any(|(pending, _)| pending == id) {
                    self.pending.retain(|(pending, _)| pending != id);
                    self.maybe_complete_join(effects);
                    return Ok(id.clone());
                }
                self.check_member(id, instance)?;
                id.clone()
            }
        };
        self.remove_member(&id, effects);
        Ok(id)
    }

    /// The member is gone; the others share what it had.
    pub(super) fn remove_member(&mut self, id: &str, effects: &mut Effects<'_>) {
        let Some(at) = self.members.iter().position(|member| member.id == id) else { return };
        let member = self.members.remove(at);
        if let Some(waiting) = member.joining {
            let answer = refused_join(waiting.version, id, ErrorCode::UNKNOWN_MEMBER_ID);
            effects.joined.push((waiting.ticket, answer));
        }
        if let Some(waiting) = member.syncing {
            effects.synced.push((waiting.ticket, refused_sync(ErrorCode::UNKNOWN_MEMBER_ID)));
        }
        if self.is_leader(id) {
            self.leader = self.members.first().map(|member| member.id.clone());
        }
        match self.state {
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(effects),
            State::PreparingRebalance | State::Empty => {}
        }
        self.maybe_complete_join(effects);
    }

    /// Another member has taken over the instance: what this one waits for is answered so.
    pub(super) fn fence(&mut self, id: &str, effects: &mut Effects<'_>) {
        let Some(member) = self.member_mut(id) else { return };
        let (joining, syncing) = (member.joining.take(), member.syncing.take());
        let code = ErrorCode::FENCED_INSTANCE_ID;
        if let Some(waiting) = joining {
            effects.joined.push((waiting.ticket, refused_join(waiting.version, id, code)));
        }
        if let Some(waiting) = syncing {
            effects.synced.push((waiting.ticket, refused_sync(code)));
        }
    }

    /// Another broker coordinates the group now: who waits at the old one is told, and all get a new session.
    pub(crate) fn moved_to(&mut self, coordinator: Option<i32>, effects: &mut Effects<'_>) {
        let code = ErrorCode::NOT_COORDINATOR;
        let mut moved = false;
        for member in &mut self.members {
            let elsewhere = |waiting: &super::member::Waiting| Some(waiting.broker) != coordinator;
            if let Some(waiting) = member.joining.take_if(|waiting| elsewhere(waiting)) {
                effects.joined.push((waiting.ticket, refused_join(waiting.version, &member.id, code)));
                moved = true;
            }
            if let Some(waiting) = member.syncing.take_if(|waiting| elsewhere(waiting)) {
                effects.synced.push((waiting.ticket, refused_sync(code)));
                moved = true;
            }
        }
        if moved {
            for member in &mut self.members {
                member.heard_of(effects.now);
            }
        }
    }
}
