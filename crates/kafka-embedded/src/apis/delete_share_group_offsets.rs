//! `DeleteShareGroupOffsets`: a share group without members forgets topics (KIP-932).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::delete_share_group_offsets_response::DeleteShareGroupOffsetsResponseTopic;
use kafka_core::protocol::messages::{DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for DeleteShareGroupOffsetsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DeleteShareGroupOffsetsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Delete, Resource::Group(&self.group_id)) {
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
        let group = cluster.groups.get_mut(&self.group_id).and_then(|group| group.share_mut());
        let Some(group) = group else { return self.refuse(call, ErrorCode::GROUP_ID_NOT_FOUND).into() };
        if !group.members.is_empty() {
            return self.refuse(call, ErrorCode::NON_EMPTY_GROUP).into();
        }
        let mut responses = Vec::with_capacity(self.topics.len());
        for (topic, may) in self.topics.into_iter().zip(may) {
            let id = cluster.topics.get(&topic.topic_name).map(|known| known.id);
            let id = id.filter(|id| group.partitions.keys().any(|(topic, _)| topic == id));
            let code = match id {
                _ if !may => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
                Some(_) => ErrorCode::NONE,
                None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            };
            if let Some(id) = id.filter(|_| may) {
                group.partitions.retain(|(topic, _), _| *topic != id);
            }
            responses.push(DeleteShareGroupOffsetsResponseTopic {
                topic_name: topic.topic_name,
                topic_id: id.unwrap_or_default(),
                error_code: code.0,
                error_message: (code != ErrorCode::NONE).then(|| code.description().to_owned()),
            });
        }
        Reply::Now(DeleteShareGroupOffsetsResponse { responses, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DeleteShareGroupOffsetsResponse {
        DeleteShareGroupOffsetsResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }
}
