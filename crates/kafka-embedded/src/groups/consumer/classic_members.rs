//! Members of the classic protocol in a group that the coordinator assigns: to them each of its epochs is a generation with
//! an assignment that some leader made, and no join waits for others.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use kafka_core::protocol::messages::leave_group_request::MemberIdentity;
use kafka_core::protocol::messages::{
    JoinGroupRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::member::{ClassicMembership, Progress};
use super::{ConsumerGroup, ConsumerMember};
use crate::core::{Call, random_uuid};
use crate::groups::classic::{MEMBER_ID_REQUIRED, protocols_of};
use crate::groups::consumer_protocol::{CONSUMER, read_subscription, write_assignment};
use crate::groups::{Effects, Place, TopicTable};

impl ConsumerGroup {
    /// A member of the classic protocol joins, for the first time or again.
    ///
    /// # Errors
    /// The code, and the id that it is about.
    pub(crate) fn join(
        &mut self,
        request: &JoinGroupRequest,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Result<JoinGroupResponse, (String, ErrorCode)> {
        let new = request.member_id.is_empty();
        let id = if new { random_uuid(effects.random).to_string() } else { request.member_id.clone() };
        let fail = |code| (id.clone(), code);
        self.check_room(&id, effects).map_err(|refusal| fail(refusal.code))?;
        if !self.understands(request) {
            return Err((request.member_id.clone(), ErrorCode::INCONSISTENT_GROUP_PROTOCOL));
        }
        let metadata = request.protocols.first().map(|protocol| &protocol.metadata);
        let subscription = metadata
            .and_then(read_subscription)
            .ok_or_else(|| fail(ErrorCode::INCONSISTENT_GROUP_PROTOCOL))?;
        match request.group_instance_id.as_deref() {
            None if new && call.version >= MEMBER_ID_REQUIRED => {
                return Err(fail(ErrorCode::MEMBER_ID_REQUIRED));
            }
            None if self.members.contains_key(&id) => {}
            Some(instance) => match self.member_of_instance(instance).map(|member| member.id.clone()) {
                Some(former) if new => self.replace(&former, &id),
                _ if new => self.insert(ConsumerMember::new(&id, call)),
                _ => {
                    self.static_member(instance, &id).map_err(|refusal| fail(refusal.code))?;
                }
            },
            None => self.insert(ConsumerMember::new(&id, call)),
        }
        let changed = self.take_in(&id, request, &subscription, call);
        self.refresh(effects.topics, changed);
        self.assign();
        let owned = owned(&subscription, effects.topics);
        self.reconcile(&id, Some(&owned), effects.now);
        let Some(member) = self.members.get_mut(&id) else { return Err(fail(ErrorCode::UNKNOWN_MEMBER_ID)) };
        member.heard_of(effects);
        let sync_by = effects.now + member.rebalance_timeout;
        let protocol = member.classic.as_mut().and_then(|classic| {
            classic.join_by = None;
            classic.sync_by = Some(sync_by);
            classic.protocols.first().map(|(name, _)| name.clone())
        });
        Ok(JoinGroupResponse {
            generation_id: member.epoch,
            protocol_type: (call.version >= 7).then(|| CONSUMER.to_owned()),
            protocol_name: Some(protocol.unwrap_or_default()),
            member_id: id,
            ..Default::default()
        })
    }

    /// Whether the member offers an assignor that all others of its protocol have.
    fn understands(&self, request: &JoinGroupRequest) -> bool {
        let others = || self.members.values().filter_map(|member| member.classic.as_ref());
        let shared =
            |name: &str| others().all(|other| other.protocols.iter().any(|(offered, _)| offered == name));
        request.protocol_type == CONSUMER && request.protocols.iter().any(|offered| shared(&offered.name))
    }

    fn take_in(
        &mut self,
        id: &str,
        request: &JoinGroupRequest,
        subscription: &ConsumerProtocolSubscription,
        call: &Call,
    ) -> bool {
        let Some(member) = self.members.get_mut(id) else { return false };
        let millis = |value: i32| Duration::from_millis(u64::try_from(value).unwrap_or_default());
        let names: BTreeSet<String> = subscription.topics.iter().cloned().collect();
        let changed = names != member.names;
        member.names = names;
        member.client_id = call.client_id.clone().unwrap_or_default();
        member.host = format!("/{}", call.host);
        if request.group_instance_id.is_some() {
            member.instance.clone_from(&request.group_instance_id);
        }
        if subscription.rack_id.is_some() {
            member.rack.clone_from(&subscription.rack_id);
        }
        if request.rebalance_timeout_ms >= 0 {
            member.rebalance_timeout = millis(request.rebalance_timeout_ms);
        }
        member.revoke_by = None;
        member.classic = Some(ClassicMembership {
            session_timeout: millis(request.session_timeout_ms),
            protocols: protocols_of(request),
            join_by: None,
            sync_by: None,
        });
        changed
    }

    /// A member of the classic protocol asks for its assignment.
    pub(crate) fn sync(
        &mut self,
        request: &SyncGroupRequest,
        effects: &Effects<'_>,
    ) -> Result<SyncGroupResponse, ErrorCode> {
        let id = self.classic_member(&request.member_id, request.group_instance_id.as_deref())?;
        let epoch = self.epoch;
        let Some(member) = self.members.get_mut(&id) else { return Err(ErrorCode::UNKNOWN_MEMBER_ID) };
        check_generation(member, request.generation_id)?;
        let Some(classic) = &mut member.classic else { return Err(ErrorCode::UNKNOWN_MEMBER_ID) };
        let (protocol, metadata) = classic.protocols.first().cloned().unwrap_or_default();
        let differs =
            |asked: &Option<String>, ours: &str| asked.as_deref().is_some_and(|asked| asked != ours);
        if differs(&request.protocol_type, CONSUMER) || differs(&request.protocol_name, &protocol) {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        if member.epoch < epoch && member.progress != Progress::Unrevoked {
            member.must_join_again(effects);
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        classic.sync_by = None;
        member.heard_of(effects);
        Ok(SyncGroupResponse {
            protocol_type: request.protocol_type.clone(),
            protocol_name: request.protocol_name.clone(),
            assignment: write_assignment(member.assigned.keys().copied(), &metadata, effects.topics),
            ..Default::default()
        })
    }

    /// A sign of life of a member of the classic protocol, which is told to join again when there is news for it.
    pub(crate) fn classic_heartbeat(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        effects: &Effects<'_>,
    ) -> Result<(), ErrorCode> {
        let id = self.classic_member(id, instance)?;
        let epoch = self.epoch;
        let waits = self.waits_for_others(&id);
        let Some(member) = self.members.get_mut(&id) else { return Err(ErrorCode::UNKNOWN_MEMBER_ID) };
        check_generation(member, generation)?;
        member.heard_of(effects);
        let news = match member.progress {
            Progress::Stable => member.epoch < epoch,
            Progress::Unrevoked => true,
            Progress::Unreleased => member.epoch < epoch || !waits,
        };
        if news {
            member.must_join_again(effects);
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        Ok(())
    }

    /// Whether others still have something that the member is to get.
    fn waits_for_others(&self, id: &str) -> bool {
        let others = self.members.values().filter(|member| member.id != id);
        let taken: BTreeSet<Place> = others.flat_map(ConsumerMember::held).collect();
        self.targets.get(id).is_some_and(|target| !target.is_disjoint(&taken))
    }

    /// A member of the classic protocol leaves, or is removed by its instance id. Returns its id.
    pub(crate) fn classic_leave(
        &mut self,
        leaving: &MemberIdentity,
        effects: &Effects<'_>,
    ) -> Result<String, ErrorCode> {
        let instance = leaving.group_instance_id.as_deref();
        let id = match instance.filter(|_| leaving.member_id.is_empty()) {
            Some(instance) => {
                let member = self.member_of_instance(instance).ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
                member.id.clone()
            }
            None => leaving.member_id.clone(),
        };
        let id = match instance {
            Some(_) => self.classic_member(&id, instance)?,
            // Kafka lets go of members of either protocol that are named so.
            None => self.member(&id)?.id.clone(),
        };
        self.remove(&id, effects.topics);
        Ok(id)
    }

    fn classic_member(&self, id: &str, instance: Option<&str>) -> Result<String, ErrorCode> {
        let member = match instance {
            Some(instance) => self.static_member(instance, id).map_err(|refusal| refusal.code)?,
            None => self.member(id)?,
        };
        if member.classic.is_none() {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        Ok(member.id.clone())
    }
}

impl ConsumerMember {
    fn must_join_again(&mut self, effects: &Effects<'_>) {
        let by = effects.now + self.rebalance_timeout;
        if let Some(classic) = &mut self.classic {
            classic.join_by.get_or_insert(by);
        }
    }
}

fn check_generation(member: &ConsumerMember, generation: i32) -> Result<(), ErrorCode> {
    if generation == member.epoch { Ok(()) } else { Err(ErrorCode::ILLEGAL_GENERATION) }
}

/// What the member says that it has.
fn owned(subscription: &ConsumerProtocolSubscription, topics: &dyn TopicTable) -> BTreeSet<Place> {
    let owned = subscription.owned_partitions.iter().filter_map(|topic| {
        let id = topics.shape(&topic.topic)?.id;
        Some(topic.partitions.iter().map(move |&partition| (id, partition)))
    });
    owned.flatten().collect()
}
