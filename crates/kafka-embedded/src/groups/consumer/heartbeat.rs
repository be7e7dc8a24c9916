use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_core::protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::{ConsumerGroup, ConsumerMember, Pattern};
use crate::core::{Call, random_uuid};
use crate::groups::{Effects, Place, Refusal};

/// Leaves for good.
const LEAVES: i32 = -1;
/// A static member that will be back.
const LEAVES_FOR_A_WHILE: i32 = -2;

impl ConsumerGroup {
    /// A member joins, lives, or leaves, as its epoch says.
    pub(crate) fn heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        pattern: Option<Pattern>,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        if matches!(request.member_epoch, LEAVES | LEAVES_FOR_A_WHILE) {
            return self.leave(request, effects);
        }
        let owned = request.topic_partitions.as_ref().map(|topics| {
            let places = topics
                .iter()
                .flat_map(|topic| topic.partitions.iter().map(move |&partition| (topic.topic_id, partition)));
            places.collect::<BTreeSet<Place>>()
        });
        let id = self.admit(request, owned.as_ref(), call, effects)?;
        let Some(member) = self.members.get_mut(&id) else {
            return Err(unknown(&id, request));
        };
        let before: Vec<Place> = member.assigned.keys().copied().collect();
        let changed = member.update(request, pattern, call);
        member.heard_of(effects);
        self.refresh(effects.topics, changed);
        self.assign();
        self.reconcile(&id, owned.as_ref(), effects.now);
        let Some(member) = self.members.get(&id) else {
            return Err(unknown(&id, request));
        };
        let subscribes = request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
        let complete = request.rebalance_timeout_ms != -1 && subscribes && owned.is_some();
        let news = !member.assigned.keys().eq(before.iter());
        let interval = effects.heartbeat_interval.as_millis();
        Ok(ConsumerGroupHeartbeatResponse {
            member_id: Some(id),
            member_epoch: member.epoch,
            heartbeat_interval_ms: i32::try_from(interval).unwrap_or(i32::MAX),
            assignment: (request.member_epoch == 0 || complete || news).then(|| assignment(member)),
            ..Default::default()
        })
    }

    /// The id of the member that speaks, which joins if it is new.
    fn admit(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        owned: Option<&BTreeSet<Place>>,
        call: &Call,
        effects: &mut Effects<'_>,
    ) -> Result<String, Refusal> {
        let (joins, epoch) = (request.member_epoch == 0, request.member_epoch);
        let id = if request.member_id.is_empty() {
            random_uuid(effects.random).to_string()
        } else {
            request.member_id.clone()
        };
        self.check_room(&id, effects)?;
        match request.instance_id.as_deref() {
            None => match self.members.get(&id) {
                // Who joins again has given up everything.
                Some(_) if joins => {}
                Some(member) => member.check_epoch(epoch, owned)?,
                None if joins => self.insert(ConsumerMember::new(&id, call)),
                None => return Err(unknown(&id, request)),
            },
            Some(instance) if joins => match self.member_of_instance(instance) {
                Some(former) => {
                    if former.classic.is_none() && former.epoch != LEAVES_FOR_A_WHILE {
                        let message = format!(
                            "Static member {id} with instance id {instance} cannot join the group because the instance \
                             id is owned by {} member.",
                            former.id
                        );
                        return Err(Refusal::new(ErrorCode::UNRELEASED_INSTANCE_ID, message));
                    }
                    let former = former.id.clone();
                    self.replace(&former, &id);
                }
                None => {
                    if !self.members.contains_key(&id) {
                        self.insert(ConsumerMember::new(&id, call));
                    }
                }
            },
            Some(instance) => self.static_member(instance, &id)?.check_epoch(epoch, owned)?,
        }
        Ok(id)
    }

    pub(super) fn check_room(&self, id: &str, effects: &Effects<'_>) -> Result<(), Refusal> {
        let most = effects.settings.consumer_max_group_size;
        if self.members.len() >= most && !self.members.contains_key(id) {
            let message = format!("The consumer group has reached its maximum capacity of {most} members.");
            return Err(Refusal::new(ErrorCode::GROUP_MAX_SIZE_REACHED, message));
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, member: ConsumerMember) {
        self.members.insert(member.id.clone(), member);
    }

    /// A static member is back under another id: it gets what its former self was to have.
    pub(super) fn replace(&mut self, former: &str, id: &str) {
        let Some(mut member) = self.members.remove(former) else { return };
        let target = self.targets.remove(former).unwrap_or_default();
        self.targets.insert(id.to_owned(), target);
        member.id = id.to_owned();
        member.epoch = 0;
        member.previous_epoch = 0;
        self.insert(member);
    }

    pub(super) fn static_member(&self, instance: &str, id: &str) -> Result<&ConsumerMember, Refusal> {
        let Some(member) = self.member_of_instance(instance) else {
            return Err(Refusal::new(
                ErrorCode::UNKNOWN_MEMBER_ID,
                format!("Instance id {instance} is unknown."),
            ));
        };
        if member.id != id {
            let message =
                format!("Static member {id} with instance id {instance} was fenced by member {}.", member.id);
            return Err(Refusal::new(ErrorCode::FENCED_INSTANCE_ID, message));
        }
        Ok(member)
    }

    fn leave(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        effects: &mut Effects<'_>,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let id = &request.member_id;
        match request.instance_id.as_deref() {
            Some(instance) => {
                self.static_member(instance, id)?;
            }
            None if self.members.contains_key(id) => {}
            None => return Err(unknown(id, request)),
        }
        if request.member_epoch == LEAVES_FOR_A_WHILE {
            if let Some(member) = self.members.get_mut(id) {
                member.epoch = LEAVES_FOR_A_WHILE;
                member.revoking.clear();
                member.revoke_by = None;
            }
        } else {
            self.remove(id, effects.topics);
        }
        Ok(ConsumerGroupHeartbeatResponse {
            member_id: Some(id.clone()),
            member_epoch: request.member_epoch,
            ..Default::default()
        })
    }
}

fn unknown(id: &str, request: &ConsumerGroupHeartbeatRequest) -> Refusal {
    let message = format!("Member {id} is not a member of group {}.", request.group_id);
    Refusal::new(ErrorCode::UNKNOWN_MEMBER_ID, message)
}

fn assignment(member: &ConsumerMember) -> Assignment {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for &(topic, partition) in member.assigned.keys() {
        topics.entry(topic).or_default().push(partition);
    }
    let topics = topics.into_iter().map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions });
    Assignment { topic_partitions: topics.collect() }
}
