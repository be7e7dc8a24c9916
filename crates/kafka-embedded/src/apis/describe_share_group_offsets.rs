//! `DescribeShareGroupOffsets`: how far share groups have come (KIP-932).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kafka_core::protocol::messages::describe_share_group_offsets_response::{
    DescribeShareGroupOffsetsResponseGroup, DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
};
use kafka_core::protocol::messages::{DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::ShareGroup;

impl Api for DescribeShareGroupOffsetsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeShareGroupOffsetsResponse> {
        let groups = self.groups.into_iter().map(|asked| {
            let id = asked.group_id.clone();
            describe(cluster, call, asked).unwrap_or_else(|code| refused(id, code))
        });
        Reply::Now(DescribeShareGroupOffsetsResponse { groups: groups.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeShareGroupOffsetsResponse {
        let groups = self.groups.into_iter().map(|asked| refused(asked.group_id, code)).collect();
        DescribeShareGroupOffsetsResponse { groups, ..Default::default() }
    }
}

fn refused(group_id: String, code: ErrorCode) -> DescribeShareGroupOffsetsResponseGroup {
    DescribeShareGroupOffsetsResponseGroup {
        group_id,
        error_code: code.0,
        error_message: Some(code.description().to_owned()),
        ..Default::default()
    }
}

fn describe(
    cluster: &Cluster,
    call: &Call,
    asked: DescribeShareGroupOffsetsRequestGroup,
) -> Result<DescribeShareGroupOffsetsResponseGroup, ErrorCode> {
    if let Err(code) = cluster.check(call, AclOperation::Describe, Resource::Group(&asked.group_id)) {
        let refused = refused(asked.group_id, code);
        return Ok(DescribeShareGroupOffsetsResponseGroup { error_message: None, ..refused });
    }
    cluster.check_group_coordinator(call.broker, &asked.group_id)?;
    if asked.group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    let group = cluster.groups.get(&asked.group_id);
    let group = group.map(|group| group.share().ok_or(ErrorCode::GROUP_ID_NOT_FOUND)).transpose()?;
    // A group that is not there has come nowhere.
    let topics = asked.topics.unwrap_or_else(|| group.map(|group| all(cluster, group)).unwrap_or_default());
    let sees = |topic: &str| cluster.may(call, AclOperation::Describe, Resource::Topic(topic));
    let topics = topics.into_iter().map(|topic| {
        let seen = sees(&topic.topic_name);
        let known = cluster.topics.get(&topic.topic_name);
        let topic_id = known.map(|known| known.id).unwrap_or_default();
        let partitions = topic.partitions.iter().map(|&index| {
            if !seen {
                return unknown(index, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
            }
            let Some(partition) = known.and_then(|known| known.partition(index)) else {
                return nothing(index);
            };
            let records = group.and_then(|group| group.partitions.get(&(topic_id, index)));
            let records = records.filter(|records| records.is_kept());
            DescribeShareGroupOffsetsResponsePartition {
                partition_index: index,
                start_offset: records.map_or(-1, |records| records.start()),
                leader_epoch: records.map_or(0, |_| partition.leader_epoch),
                lag: records.map_or(-1, |records| records.lag(partition.log.end_offset())),
                ..Default::default()
            }
        });
        let partitions = partitions.collect();
        DescribeShareGroupOffsetsResponseTopic { topic_name: topic.topic_name, topic_id, partitions }
    });
    Ok(DescribeShareGroupOffsetsResponseGroup {
        group_id: asked.group_id,
        topics: topics.collect(),
        ..Default::default()
    })
}

/// Nobody has read there.
fn nothing(partition: i32) -> DescribeShareGroupOffsetsResponsePartition {
    DescribeShareGroupOffsetsResponsePartition {
        partition_index: partition,
        start_offset: -1,
        lag: -1,
        ..Default::default()
    }
}

fn unknown(partition: i32, code: ErrorCode) -> DescribeShareGroupOffsetsResponsePartition {
    DescribeShareGroupOffsetsResponsePartition {
        partition_index: partition,
        start_offset: -1,
        error_code: code.0,
        error_message: Some(code.description().to_owned()),
        ..Default::default()
    }
}

/// All partitions of the topics that the group has read.
fn all(cluster: &Cluster, group: &ShareGroup) -> Vec<DescribeShareGroupOffsetsRequestTopic> {
    let mut topics: Vec<DescribeShareGroupOffsetsRequestTopic> = Vec::new();
    for &(topic, _) in group.partitions.keys() {
        let known = cluster.topics.name_of(topic).and_then(|name| cluster.topics.get(name));
        let Some(known) = known else { continue };
        if topics.last().is_none_or(|last| last.topic_name != known.name) {
            topics.push(DescribeShareGroupOffsetsRequestTopic {
                topic_name: known.name.clone(),
                partitions: known.partitions.iter().map(|partition| partition.index).collect(),
            });
        }
    }
    topics
}
