//! `OffsetCommit`: how far a group has come.

use kafka_core::protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_core::protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{Commit, Committed};

/// From this version on a group that does not exist has an error of its own.
const UNKNOWN_GROUP_IS_NAMED: i16 = 9;
/// From this version on topics are named by id.
const TOPIC_IDS: i16 = 10;

impl Api for OffsetCommitRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<OffsetCommitResponse> {
        if let Err(code) = check(&self, cluster, call) {
            return self.refuse(call, code).into();
        }
        let Self { group_id, topics, .. } = self;
        let topics = topics.into_iter().map(|topic| commit(cluster, call, &group_id, topic)).collect();
        Reply::Now(OffsetCommitResponse { topics, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> OffsetCommitResponse {
        let topics = self.topics.into_iter().map(|topic| OffsetCommitResponseTopic {
            partitions: topic.partitions.iter().map(|asked| result(asked, code)).collect(),
            name: topic.name,
            topic_id: topic.topic_id,
        });
        OffsetCommitResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), topic.topic_id)).collect()
    }
}

fn check(request: &OffsetCommitRequest, cluster: &mut Cluster, call: &Call) -> Result<(), ErrorCode> {
    cluster.check(call, AclOperation::Read, Resource::Group(&request.group_id))?;
    cluster.check_group_coordinator(call.broker, &request.group_id)?;
    // Where there is nothing to commit, the group is not asked.
    let is_committed = |topic: &OffsetCommitRequestTopic| {
        let name = cluster.topics.resolve(call.version >= TOPIC_IDS, topic.topic_id, &topic.name);
        name.is_ok_and(|name| {
            cluster.topics.get(&name).is_some()
                && cluster.may(call, AclOperation::Read, Resource::Topic(&name))
        })
    };
    if !request.topics.iter().any(is_committed) {
        return Ok(());
    }
    let generation = request.generation_id_or_member_epoch;
    if cluster.groups.get(&request.group_id).is_none() {
        if generation >= 0 {
            let since = call.version >= UNKNOWN_GROUP_IS_NAMED;
            return Err(if since { ErrorCode::GROUP_ID_NOT_FOUND } else { ErrorCode::ILLEGAL_GENERATION });
        }
        // A client that assigns its partitions itself keeps only offsets here.
        cluster.groups.get_or_create(&request.group_id);
    }
    let by_id = call.version >= TOPIC_IDS;
    let named = request.topics.iter().filter_map(|topic| {
        let name = cluster.topics.resolve(by_id, topic.topic_id, &topic.name).ok()?;
        Some(topic.partitions.iter().map(move |partition| (name.clone(), partition.partition_index)))
    });
    let partitions: Vec<(String, i32)> = named.flatten().collect();
    let commit = Commit {
        member: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation,
        transactional: false,
        version: call.version,
        partitions: &partitions,
    };
    let checked = cluster.in_group(&request.group_id, |group, effects| group.check_commit(&commit, effects));
    checked.unwrap_or(Err(ErrorCode::COORDINATOR_NOT_AVAILABLE))
}

fn commit(
    cluster: &mut Cluster,
    call: &Call,
    group: &str,
    topic: OffsetCommitRequestTopic,
) -> OffsetCommitResponseTopic {
    let name = cluster.topics.resolve(call.version >= TOPIC_IDS, topic.topic_id, &topic.name);
    let name = name.and_then(|name| {
        cluster.check(call, AclOperation::Read, Resource::Topic(&name))?;
        Ok(name)
    });
    let partitions = topic.partitions.iter().map(|asked| {
        let done =
            name.as_ref().map_err(|code| *code).and_then(|name| commit_one(cluster, group, name, asked));
        result(asked, done.err().unwrap_or(ErrorCode::NONE))
    });
    OffsetCommitResponseTopic { partitions: partitions.collect(), name: topic.name, topic_id: topic.topic_id }
}

fn commit_one(
    cluster: &mut Cluster,
    group: &str,
    topic: &str,
    asked: &OffsetCommitRequestPartition,
) -> Result<(), ErrorCode> {
    if cluster.topics.partition(topic, asked.partition_index).is_none() {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
    let metadata = asked.committed_metadata.clone().unwrap_or_default();
    if metadata.len() > cluster.settings.max_offset_metadata {
        return Err(ErrorCode::OFFSET_METADATA_TOO_LARGE);
    }
    let committed =
        Committed { offset: asked.committed_offset, leader_epoch: asked.committed_leader_epoch, metadata };
    let group = cluster.groups.get_mut(group).ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
    group.offsets.commit(topic, asked.partition_index, committed);
    Ok(())
}

fn result(asked: &OffsetCommitRequestPartition, code: ErrorCode) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition { partition_index: asked.partition_index, error_code: code.0 }
}
