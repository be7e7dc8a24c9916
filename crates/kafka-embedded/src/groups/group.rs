use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::leave_group_request::MemberIdentity;
use kafka_core::protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, JoinGroupRequest, JoinGroupResponse,
    ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::classic::refused_sync;
use super::offsets::Offsets;
use super::{CONSUMER, ClassicGroup, ConsumerGroup, Effects, Pattern, ShareGroup, State, refused_join};
use crate::core::{Call, Reply, Time};

/// Why a request was refused, in a member's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Who wants to commit what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit<'a> {
    pub(crate) member: &'a str,
    pub(crate) instance: Option<&'a str>,
    /// The generation, or the epoch of a member of the new protocol; -1 of nobody's.
    pub(crate) generation: i32,
    /// Whether it counts once a transaction is committed.
    pub(crate) transactional: bool,
    /// The version of the request.
    pub(crate) version: i16,
    pub(crate) partitions: &'a [(String, i32)],
}

/// What clients call the protocol of share groups.
const SHARE: &str = "share";

/// What a group is, beside what it committed.
#[derive(Debug)]
pub(crate) enum Kind {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
    Share(ShareGroup),
}

/// A group of any protocol.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) offsets: Offsets,
    /// When it was last seen with a member or with a new offset.
    pub(super) used_at: Time,
    /// The broker that coordinated it when last looked at.
    coordinator: Option<i32>,
}

impl Group {
    /// A group without members, which takes the protocol of its first one.
    pub(crate) fn new(id: &str) -> Self {
        let kind = Kind::Classic(ClassicGroup::new());
        Self { id: id.to_owned(), kind, offsets: Offsets::default(), used_at: Time::ZERO, coordinator: None }
    }

    pub(crate) fn classic(&self) -> Option<&ClassicGroup> {
        match &self.kind {
            Kind::Classic(group) => Some(group),
            _ => None,
        }
    }

    pub(crate) fn consumer(&self) -> Option<&ConsumerGroup> {
        match &self.kind {
            Kind::Consumer(group) => Some(group),
            _ => None,
        }
    }

    pub(crate) fn share(&self) -> Option<&ShareGroup> {
        match &self.kind {
            Kind::Share(group) => Some(group),
            _ => None,
        }
    }

    pub(crate) fn share_mut(&mut self) -> Option<&mut ShareGroup> {
        match &mut self.kind {
            Kind::Share(group) => Some(group),
            _ => None,
        }
    }

    /// As [`share_mut`](Self::share_mut); a group that nobody is in and that keeps nothing becomes one.
    pub(crate) fn become_share(&mut self) -> Option<&mut ShareGroup> {
        if self.is_simple() && self.offsets.is_empty() {
            self.kind = Kind::Share(ShareGroup::new());
        }
        self.share_mut()
    }

    /// Whether it is only offsets that somebody committed, and so may become a group of any kind.
    fn is_simple(&self) -> bool {
        self.classic().is_some_and(|group| group.state == State::Empty)
    }

    /// As Kafka's tools print it.
    pub(crate) fn state(&self) -> &'static str {
        match &self.kind {
            Kind::Classic(group) => group.state.name(),
            Kind::Consumer(group) => group.state(),
            Kind::Share(group) => group.state(),
        }
    }

    /// As `ListGroups` names it.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Classic(_) => "classic",
            Kind::Consumer(_) => "consumer",
            Kind::Share(_) => SHARE,
        }
    }

    /// What clients call the protocol that the members speak among themselves.
    pub(crate) fn protocol_type(&self) -> &str {
        match &self.kind {
            Kind::Classic(group) => group.protocol_type.as_deref().unwrap_or_default(),
            Kind::Consumer(_) => CONSUMER,
            Kind::Share(_) => SHARE,
        }
    }

    /// Counts the rebalances.
    pub(crate) fn generation(&self) -> i32 {
        match &self.kind {
            Kind::Classic(group) => group.generation,
            Kind::Consumer(group) => group.epoch,
            Kind::Share(group) => group.epoch,
        }
    }

    pub(crate) fn member_ids(&self) -> Vec<String> {
        match &self.kind {
            Kind::Classic(group) => group.members.iter().map(|member| member.id.clone()).collect(),
            Kind::Consumer(group) => group.members.keys().cloned().collect(),
            Kind::Share(group) => group.members.keys().cloned().collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.state == State::Empty,
            Kind::Consumer(group) => group.members.is_empty(),
            Kind::Share(group) => group.members.is_empty(),
        }
    }

    /// Whether a member reads the topic.
    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_subscribed(topic),
            Kind::Consumer(group) => group.is_subscribed(topic),
            Kind::Share(group) => group.is_subscribed(topic),
        }
    }

    /// A member of the classic protocol joins.
    pub(crate) fn join(
        &mut self,
        request: &JoinGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Reply<JoinGroupResponse> {
        if self.is_empty() && self.consumer().is_some() {
            self.kind = Kind::Classic(ClassicGroup::new());
        }
        match &mut self.kind {
            Kind::Classic(group) => group.join(request, call, effects),
            Kind::Consumer(group) => {
                let joined = group.join(request, call, effects);
                self.downgrade(effects);
                Reply::Now(joined.unwrap_or_else(|(id, code)| refused_join(call.version, &id, code)))
            }
            Kind::Share(_) => {
                let code = ErrorCode::INCONSISTENT_GROUP_PROTOCOL;
                Reply::Now(refused_join(call.version, &request.member_id, code))
            }
        }
    }

    /// A member of the classic protocol asks for its assignment.
    pub(crate) fn sync(
        &mut self,
        request: &SyncGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Reply<SyncGroupResponse> {
        match &mut self.kind {
            Kind::Classic(group) => group.sync(request, call, effects),
            Kind::Consumer(group) => Reply::Now(group.sync(request, effects).unwrap_or_else(refused_sync)),
            Kind::Share(_) => Reply::Now(refused_sync(ErrorCode::UNKNOWN_MEMBER_ID)),
        }
    }

    /// A sign of life of a member of the classic protocol.
    pub(crate) fn heartbeat(
        &mut self,
        member: &str,
        instance: Option<&str>,
        generation: i32,
        effects: &Effects<'_>,
    ) -> Result<(), ErrorCode> {
        match &mut self.kind {
            Kind::Classic(group) => group.heartbeat(member, instance, generation, effects),
            Kind::Consumer(group) => group.classic_heartbeat(member, instance, generation, effects),
            Kind::Share(_) => Err(ErrorCode::UNKNOWN_MEMBER_ID),
        }
    }

    /// A member of the classic protocol leaves, or is removed by its instance id. Returns its id.
    pub(crate) fn leave(
        &mut self,
        member: &MemberIdentity,
        effects: &mut Effects<'_>,
    ) -> Result<String, ErrorCode> {
        match &mut self.kind {
            Kind::Classic(group) => group.leave(member, effects),
            Kind::Consumer(group) => group.classic_leave(member, effects),
            Kind::Share(_) => Err(ErrorCode::UNKNOWN_MEMBER_ID),
        }
    }

    /// A member of the protocol of KIP-848 joins, lives or leaves.
    pub(crate) fn consumer_heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        pattern: Option<Pattern>,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        if request.member_epoch == 0 && self.consumer().is_none() {
            if self.is_empty() && self.classic().is_some() {
                self.kind = Kind::Consumer(ConsumerGroup::in_epoch(1));
            } else {
                self.upgrade(effects);
            }
        }
        match &mut self.kind {
            Kind::Consumer(group) => {
                let answer = group.heartbeat(request, pattern, call, effects);
                self.downgrade(effects);
                answer
            }
            _ => Err(Refusal::new(
                ErrorCode::GROUP_ID_NOT_FOUND,
                format!("Group {} is not a consumer group.", self.id),
            )),
        }
    }

    /// A member of a share group joins, lives or leaves.
    pub(crate) fn share_heartbeat(
        &mut self,
        request: &ShareGroupHeartbeatRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        if request.member_epoch == 0 && self.is_simple() {
            self.kind = Kind::Share(ShareGroup::new());
        }
        match &mut self.kind {
            Kind::Share(group) => group.heartbeat(request, call, &effects.share, effects),
            _ => Err(Refusal::new(
                ErrorCode::GROUP_ID_NOT_FOUND,
                format!("Group {} is not a share group.", self.id),
            )),
        }
    }

    /// Whether the offsets may be committed; who commits is known to live.
    pub(crate) fn check_commit(
        &mut self,
        commit: &Commit<'_>,
        effects: &Effects<'_>,
    ) -> Result<(), ErrorCode> {
        match &mut self.kind {
            Kind::Classic(group) => {
                group.check_commit(commit)?;
                group.heard_of(commit.member, effects);
                Ok(())
            }
            Kind::Consumer(group) => group.check_commit(commit, effects.topics),
            Kind::Share(_) => Err(ErrorCode::GROUP_ID_NOT_FOUND),
        }
    }

    /// Whether the member, if one is named, may ask what was committed.
    pub(crate) fn check_fetch(&self, member: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        match &self.kind {
            Kind::Consumer(group) => group.check_fetch(member, epoch),
            _ => Ok(()),
        }
    }

    /// When [`due`](Self::due) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        match &self.kind {
            Kind::Classic(group) => group.next_deadline(),
            Kind::Consumer(group) => group.next_deadline(),
            Kind::Share(group) => group.next_deadline(),
        }
    }

    /// Does what is due by now.
    pub(crate) fn due(&mut self, effects: &mut Effects<'_>) {
        match &mut self.kind {
            Kind::Classic(group) => group.due(effects),
            Kind::Consumer(group) => {
                group.due(effects);
                self.downgrade(effects);
            }
            Kind::Share(group) => group.due(&effects.share, effects),
        }
    }

    /// Leaders have changed, and maybe this group's coordinator.
    pub(crate) fn moved_to(&mut self, coordinator: Option<i32>, effects: &mut Effects<'_>) {
        let moved = std::mem::replace(&mut self.coordinator, coordinator) != coordinator;
        match &mut self.kind {
            Kind::Classic(group) => group.moved_to(coordinator, effects),
            Kind::Consumer(group) if moved => group.moved(effects),
            Kind::Share(group) if moved => group.moved(&effects.share, effects.now),
            _ => {}
        }
    }
}
