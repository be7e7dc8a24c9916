use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::messages::share_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_core::protocol::messages::{ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::{ShareRecords, ShareSettings};
use crate::core::{Call, Time};
use crate::groups::assignors::{Subscriber, simple};
use crate::groups::{Effects, Place, Refusal, TopicShape, TopicTable};

/// Leaves for good.
const LEAVES: i32 = -1;

/// A member of a share group.
#[derive(Clone, Debug)]
pub(crate) struct ShareMember {
    pub(crate) id: String,
    pub(crate) rack: Option<String>,
    pub(crate) client_id: String,
    pub(crate) host: String,
    pub(crate) names: BTreeSet<String>,
    pub(crate) epoch: i32,
    previous_epoch: i32,
    /// When it counts as gone, unless it is heard of before.
    expires: Time,
}

/// A group whose members read the same partitions and share their records (KIP-932).
#[derive(Debug)]
pub(crate) struct ShareGroup {
    /// Counts what changes who should read what.
    pub(crate) epoch: i32,
    pub(crate) assignment_epoch: i32,
    pub(crate) members: BTreeMap<String, ShareMember>,
    pub(crate) targets: BTreeMap<String, BTreeSet<Place>>,
    subscribed: BTreeMap<String, TopicShape>,
    /// How far each partition has come; kept when all members are gone.
    pub(crate) partitions: BTreeMap<Place, ShareRecords>,
}

impl ShareGroup {
    pub(crate) fn new() -> Self {
        Self {
            epoch: 1,
            assignment_epoch: 1,
            members: BTreeMap::new(),
            targets: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            partitions: BTreeMap::new(),
        }
    }

    /// As Kafka's tools print it.
    pub(crate) fn state(&self) -> &'static str {
        if self.members.is_empty() { "Empty" } else { "Stable" }
    }

    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        self.subscribed.contains_key(topic)
    }

    /// A member joins, lives, or leaves, as its epoch says.
    pub(crate) fn heartbeat(
        &mut self,
        request: &ShareGroupHeartbeatRequest,
        call: &Call,
        settings: &ShareSettings,
        effects: &Effects<'_>,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        let id = &request.member_id;
        if request.member_epoch == LEAVES {
            self.known(request)?;
            self.remove(id, effects.topics);
            return Ok(ShareGroupHeartbeatResponse {
                member_id: Some(id.clone()),
                member_epoch: LEAVES,
                ..Default::default()
            });
        }
        let most = effects.settings.share_max_group_size;
        if self.members.len() >= most && !self.members.contains_key(id) {
            let message = format!("The share group has reached its maximum capacity of {most} members.");
            return Err(Refusal::new(ErrorCode::GROUP_MAX_SIZE_REACHED, message));
        }
        let joins = request.member_epoch == 0;
        if joins && !self.members.contains_key(id) {
            self.members.insert(id.clone(), ShareMember::new(id));
        } else if !joins {
            self.known(request)?.check_epoch(request.member_epoch)?;
        }
        let before = self.targets.get(id).cloned();
        let changed = match self.members.get_mut(id) {
            Some(member) => member.update(request, call, effects.now + settings.session_timeout),
            None => false,
        };
        self.refresh(effects.topics, changed);
        self.assign();
        let target = self.targets.get(id).cloned().unwrap_or_default();
        let Some(member) = self.members.get_mut(id) else { return Err(unknown(request)) };
        if member.epoch != self.assignment_epoch {
            member.previous_epoch = member.epoch;
            member.epoch = self.assignment_epoch;
        }
        let news = joins || request.subscribed_topic_names.is_some() || before.as_ref() != Some(&target);
        Ok(ShareGroupHeartbeatResponse {
            member_id: Some(id.clone()),
            member_epoch: member.epoch,
            heartbeat_interval_ms: i32::try_from(settings.heartbeat_interval.as_millis()).unwrap_or(i32::MAX),
            assignment: news.then(|| assignment(&target)),
            ..Default::default()
        })
    }

    fn known(&self, request: &ShareGroupHeartbeatRequest) -> Result<&ShareMember, Refusal> {
        self.members.get(&request.member_id).ok_or_else(|| unknown(request))
    }

    fn refresh(&mut self, topics: &dyn TopicTable, more: bool) {
        let names = self.members.values().flat_map(|member| &member.names);
        let subscribed: BTreeMap<String, TopicShape> =
            names.filter_map(|name| Some((name.clone(), topics.shape(name)?))).collect();
        if more || subscribed != self.subscribed {
            self.epoch = self.epoch.saturating_add(1);
        }
        self.subscribed = subscribed;
    }

    fn assign(&mut self) {
        if self.epoch <= self.assignment_epoch {
            return;
        }
        let shapes = self.subscribed.values().map(|shape| (shape.id, shape.partitions)).collect();
        let subscriber = |member: &ShareMember| {
            let wanted = self.subscribed.iter().filter(|(name, _)| member.names.contains(*name));
            let topics = wanted.map(|(_, shape)| shape.id).collect();
            (member.id.clone(), Subscriber { topics, ..Subscriber::default() })
        };
        let members = self.members.values().map(subscriber).collect();
        self.targets = simple(&members, &shapes);
        self.assignment_epoch = self.epoch;
    }

    fn remove(&mut self, id: &str, topics: &dyn TopicTable) {
        if self.members.remove(id).is_some() {
            self.targets.remove(id);
            self.refresh(topics, true);
        }
    }

    /// When [`due`](Self::due) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let sessions = self.members.values().map(|member| member.expires);
        sessions.chain(self.partitions.values().filter_map(ShareRecords::next_deadline)).min()
    }

    /// Silent members and locks that ran out are gone.
    pub(crate) fn due(&mut self, settings: &ShareSettings, effects: &Effects<'_>) {
        let silent = self.members.values().filter(|member| member.expires <= effects.now);
        let silent: Vec<String> = silent.map(|member| member.id.clone()).collect();
        for id in silent {
            self.remove(&id, effects.topics);
        }
        for records in self.partitions.values_mut() {
            records.due(settings, effects.now);
        }
    }

    /// Another broker coordinates the group now: all get a new session.
    pub(crate) fn moved(&mut self, settings: &ShareSettings, now: Time) {
        for member in self.members.values_mut() {
            member.expires = now + settings.session_timeout;
        }
    }
}

impl ShareMember {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            rack: None,
            client_id: String::new(),
            host: String::new(),
            names: BTreeSet::new(),
            epoch: 0,
            previous_epoch: 0,
            expires: Time::ZERO,
        }
    }

    fn update(&mut self, request: &ShareGroupHeartbeatRequest, call: &Call, expires: Time) -> bool {
        self.client_id = call.client_id.clone().unwrap_or_default();
        self.host = format!("/{}", call.host);
        self.expires = expires;
        if request.rack_id.is_some() {
            self.rack.clone_from(&request.rack_id);
        }
        let Some(names) = &request.subscribed_topic_names else { return false };
        let names: BTreeSet<String> = names.iter().cloned().collect();
        std::mem::replace(&mut self.names, names) != self.names
    }

    fn check_epoch(&self, epoch: i32) -> Result<(), Refusal> {
        let how = if epoch > self.epoch {
            "greater"
        } else if epoch < self.epoch && epoch != self.previous_epoch {
            "smaller"
        } else {
            return Ok(());
        };
        let message = format!(
            "The share group member has a {how} member epoch ({epoch}) than the one known by the group coordinator ({}). \
             The member must abandon all its partitions and rejoin.",
            self.epoch
        );
        Err(Refusal::new(ErrorCode::FENCED_MEMBER_EPOCH, message))
    }
}

fn unknown(request: &ShareGroupHeartbeatRequest) -> Refusal {
    let message = format!("Member {} is not a member of group {}.", request.member_id, request.group_id);
    Refusal::new(ErrorCode::UNKNOWN_MEMBER_ID, message)
}

fn assignment(places: &BTreeSet<Place>) -> Assignment {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for &(topic, partition) in places {
        topics.entry(topic).or_default().push(partition);
    }
    let topics = topics.into_iter().map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions });
    Assignment { topic_partitions: topics.collect() }
}
