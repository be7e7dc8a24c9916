//! `OffsetDelete`: what a group committed for topics that it does not read any more.

use kafka_core::protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use kafka_core::protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_core::protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};
use kafka_core::protocol::{ApiVersion, Decoder, ErrorCode, Int16, Message, ReadType, ReadVersionedType};

use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{Group, Member, State};

impl Api for OffsetDeleteRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<OffsetDeleteResponse> {
        if self.group_id.is_empty() {
            return self.refuse(call, ErrorCode::INVALID_GROUP_ID).into();
        }
        if let Err(code) = cluster.check_group_coordinator(call.broker, &self.group_id) {
            return self.refuse(call, code).into();
        }
        let Some(group) = cluster.groups.get_mut(&self.group_id) else {
            return self.refuse(call, ErrorCode::GROUP_ID_NOT_FOUND).into();
        };
        if group.state != State::Empty && group.protocol_type.as_deref() != Some("consumer") {
            return self.refuse(call, ErrorCode::NON_EMPTY_GROUP).into();
        }
        let mut topics = Vec::with_capacity(self.topics.len());
        for topic in self.topics {
            let subscribed = is_subscribed(group, &topic.name);
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let index = partition.partition_index;
                let code = if cluster.topics.partition(&topic.name, index).is_none() {
                    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
                } else if subscribed {
                    ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC
                } else {
                    group.offsets.remove(&topic.name, index);
                    ErrorCode::NONE
                };
                partitions.push(OffsetDeleteResponsePartition { partition_index: index, error_code: code.0 });
            }
            topics.push(OffsetDeleteResponseTopic { name: topic.name, partitions });
        }
        Reply::Now(OffsetDeleteResponse { topics, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> OffsetDeleteResponse {
        OffsetDeleteResponse { error_code: code.0, ..Default::default() }
    }
}

/// Whether a member says that it reads the topic; one whose words are not understood reads everything.
fn is_subscribed(group: &Group, topic: &str) -> bool {
    let protocol = group.protocol.as_deref().unwrap_or_default();
    group.members.iter().any(|member| {
        let topics = subscription(member, protocol);
        topics.is_none_or(|topics| topics.iter().any(|name| name == topic))
    })
}

fn subscription(member: &Member, protocol: &str) -> Option<Vec<String>> {
    let mut decoder = Decoder::new(member.metadata_for(protocol));
    let version = Int16::read(&mut decoder).ok()?.0;
    let version = version.min(*ConsumerProtocolSubscription::VERSIONS.end());
    let read = ConsumerProtocolSubscription::read_versioned(&mut decoder, ApiVersion(Int16(version)));
    read.ok().map(|subscription| subscription.topics)
}
