//! `AlterShareGroupOffsets`: a share group without members begins elsewhere (KIP-932).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::alter_share_group_offsets_response::{
    AlterShareGroupOffsetsResponsePartition, AlterShareGroupOffsetsResponseTopic,
};
use kafka_core::protocol::messages::{AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{ShareGroup, ShareRecords};

impl Api for AlterShareGroupOffsetsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AlterShareGroupOffsetsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Read, Resource::Group(&self.group_id)) {
            return self.refuse(call, code).into();
        }
        let may: Vec<bool> = self
            .topics
            .iter()
            .map(|topic| cluster.may(call, AclOperation::Read, Resource::Topic(&topic.topic_name)))
            .collect();
        if let Err(code) = cluster.check_group_coordinator(call.broker, &self.group_id) {
            return self.refuse(call, code).into();
        }
        if self.group_id.is_empty() {
            return self.refuse(call, ErrorCode::INVALID_GROUP_ID).into();
        }
        let group = cluster.groups.get_or_create(&self.group_id).become_share();
        let Some(group) = group else { return self.refuse(call, ErrorCode::GROUP_ID_NOT_FOUND).into() };
        if !group.members.is_empty() {
            return self.refuse(call, ErrorCode::NON_EMPTY_GROUP).into();
        }
        let mut responses = Vec::with_capacity(self.topics.len());
        for (topic, may) in self.topics.into_iter().zip(may) {
            let known = cluster.topics.get(&topic.topic_name);
            let topic_id = known.map(|known| known.id).unwrap_or_default();
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for asked in topic.partitions {
                let index = asked.partition_index;
                let code = match known.and_then(|known| known.partition(index)) {
                    _ if !may => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
                    Some(_) => set(group, (topic_id, index), asked.start_offset),
                    None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                };
                partitions.push(AlterShareGroupOffsetsResponsePartition {
                    partition_index: index,
                    error_code: code.0,
                    error_message: (code != ErrorCode::NONE).then(|| code.description().to_owned()),
                });
            }
            let topic_name = topic.topic_name;
            responses.push(AlterShareGroupOffsetsResponseTopic { topic_name, topic_id, partitions });
        }
        Reply::Now(AlterShareGroupOffsetsResponse { responses, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> AlterShareGroupOffsetsResponse {
        AlterShareGroupOffsetsResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }
}

fn set(group: &mut ShareGroup, place: crate::groups::Place, offset: i64) -> ErrorCode {
    group.partitions.insert(place, ShareRecords::set_to(offset));
    ErrorCode::NONE
}
