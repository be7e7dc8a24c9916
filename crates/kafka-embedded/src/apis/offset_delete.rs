//! `OffsetDelete`: what a group committed for topics that it does not read any more.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_core::protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::CONSUMER;

impl Api for OffsetDeleteRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<OffsetDeleteResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Delete, Resource::Group(&self.group_id)) {
            return self.refuse(call, code).into();
        }
        if self.group_id.is_empty() {
            return self.refuse(call, ErrorCode::INVALID_GROUP_ID).into();
        }
        if let Err(code) = cluster.check_group_coordinator(call.broker, &self.group_id) {
            return self.refuse(call, code).into();
        }
        let readable: Vec<bool> = self
            .topics
            .iter()
            .map(|topic| cluster.may(call, AclOperation::Read, Resource::Topic(&topic.name)))
            .collect();
        let Some(group) = cluster.groups.get_mut(&self.group_id) else {
            return self.refuse(call, ErrorCode::GROUP_ID_NOT_FOUND).into();
        };
        if !group.is_empty() && group.protocol_type() != CONSUMER {
            return self.refuse(call, ErrorCode::NON_EMPTY_GROUP).into();
        }
        let mut topics = Vec::with_capacity(self.topics.len());
        for (topic, may_read) in self.topics.into_iter().zip(readable) {
            let subscribed = group.is_subscribed(&topic.name);
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let index = partition.partition_index;
                let code = if !may_read {
                    ErrorCode::TOPIC_AUTHORIZATION_FAILED
                } else if cluster.topics.partition(&topic.name, index).is_none() {
                    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
                } else if subscribed {
                    ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC
                } else {
                    group.offsets.remove(&topic.name, index);
                    ErrorCode::NONE
                };
                partitions.push(OffsetDeleteResponsePartition { partition_index: index, error_code: code.0 });
            }
            if partitions.is_empty() {
                continue;
            }
            topics.push(OffsetDeleteResponseTopic { name: topic.name, partitions });
        }
        Reply::Now(OffsetDeleteResponse { topics, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> OffsetDeleteResponse {
        OffsetDeleteResponse { error_code: code.0, ..Default::default() }
    }
}
