//! `OffsetFetch`: what groups have committed.

use kafka_core::protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_core::protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_core::protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::Committed;

/// From this version on there is a code for the group.
const GROUP_ERRORS: i16 = 2;
/// From this version on several groups are asked for at once.
const BATCHED: i16 = 8;
/// From this version on topics are named by id.
const TOPIC_IDS: i16 = 10;

impl Api for OffsetFetchRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<OffsetFetchResponse> {
        let stable = self.require_stable;
        let groups = asked(self, call).into_iter().map(|group| match check(cluster, call, &group) {
            Ok(()) => fetch(cluster, call, group, stable),
            Err(code) => refused(group, call, code),
        });
        Reply::Now(answer(groups.collect(), call))
    }

    fn refuse(self, call: &Call, code: ErrorCode) -> OffsetFetchResponse {
        let groups = asked(self, call).into_iter().map(|group| refused(group, call, code)).collect();
        answer(groups, call)
    }
}

/// What is asked for, in the form of the newest versions.
fn asked(request: OffsetFetchRequest, call: &Call) -> Vec<OffsetFetchRequestGroup> {
    if call.version >= BATCHED {
        return request.groups;
    }
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            topic_id: Uuid::ZERO,
            partition_indexes: topic.partition_indexes,
        });
        topics.collect()
    });
    vec![OffsetFetchRequestGroup { group_id: request.group_id, topics, ..Default::default() }]
}

fn check(cluster: &Cluster, call: &Call, group: &OffsetFetchRequestGroup) -> Result<(), ErrorCode> {
    cluster.check(call, AclOperation::Describe, Resource::Group(&group.group_id))?;
    cluster.check_group_coordinator(call.broker, &group.group_id)?;
    match cluster.groups.get(&group.group_id) {
        Some(known) => known.check_fetch(group.member_id.as_deref(), group.member_epoch),
        None => Ok(()),
    }
}

fn refused(group: OffsetFetchRequestGroup, call: &Call, code: ErrorCode) -> OffsetFetchResponseGroup {
    // The first version says what is wrong with each partition alone.
    let named = group.topics.into_iter().flatten().filter(|_| call.version < GROUP_ERRORS);
    let topics = named.map(|topic| OffsetFetchResponseTopics {
        partitions: topic.partition_indexes.iter().map(|&index| partition(index, None, code)).collect(),
        name: topic.name,
        topic_id: topic.topic_id,
    });
    OffsetFetchResponseGroup { group_id: group.group_id, topics: topics.collect(), error_code: code.0 }
}

/// With `stable`, an offset that an open transaction may change is an error, so that its client asks again.
fn fetch(
    cluster: &Cluster,
    call: &Call,
    group: OffsetFetchRequestGroup,
    stable: bool,
) -> OffsetFetchResponseGroup {
    let offsets = cluster.groups.get(&group.group_id).map(|group| &group.offsets);
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    match group.topics {
        Some(asked) => topics.extend(asked.into_iter().map(|topic| {
            let name = cluster.topics.resolve(call.version >= TOPIC_IDS, topic.topic_id, &topic.name);
            let name = name.and_then(|name| {
                cluster.check(call, AclOperation::Describe, Resource::Topic(&name))?;
                Ok(name)
            });
            let partitions = topic.partition_indexes.iter().map(|&index| match &name {
                Ok(name) if stable && offsets.is_some_and(|offsets| offsets.is_unstable(name, index)) => {
                    partition(index, None, ErrorCode::UNSTABLE_OFFSET_COMMIT)
                }
                Ok(name) => {
                    partition(index, offsets.and_then(|offsets| offsets.get(name, index)), ErrorCode::NONE)
                }
                Err(code) => partition(index, None, *code),
            });
            OffsetFetchResponseTopics {
                partitions: partitions.collect(),
                name: topic.name,
                topic_id: topic.topic_id,
            }
        })),
        None => {
            for (name, index, committed) in offsets.into_iter().flat_map(|offsets| offsets.iter()) {
                if !cluster.may(call, AclOperation::Describe, Resource::Topic(name)) {
                    continue;
                }
                if topics.last().is_none_or(|topic| topic.name != name) {
                    let topic_id = cluster.topics.get(name).map(|topic| topic.id).unwrap_or_default();
                    topics.push(OffsetFetchResponseTopics {
                        name: name.to_owned(),
                        topic_id,
                        partitions: Vec::new(),
                    });
                }
                if let Some(topic) = topics.last_mut() {
                    topic.partitions.push(partition(index, Some(committed), ErrorCode::NONE));
                }
            }
        }
    }
    OffsetFetchResponseGroup { group_id: group.group_id, topics, error_code: 0 }
}

fn partition(index: i32, committed: Option<&Committed>, code: ErrorCode) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: committed.map_or(-1, |committed| committed.offset),
        committed_leader_epoch: committed.map_or(-1, |committed| committed.leader_epoch),
        metadata: Some(committed.map(|committed| committed.metadata.clone()).unwrap_or_default()),
        error_code: code.0,
    }
}

fn answer(groups: Vec<OffsetFetchResponseGroup>, call: &Call) -> OffsetFetchResponse {
    if call.version >= BATCHED {
        return OffsetFetchResponse { groups, ..Default::default() };
    }
    let Some(group) = groups.into_iter().next() else { return OffsetFetchResponse::default() };
    let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .into_iter()
            .map(|partition| OffsetFetchResponsePartition {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            })
            .collect(),
    });
    OffsetFetchResponse { topics: topics.collect(), error_code: group.error_code, ..Default::default() }
}
