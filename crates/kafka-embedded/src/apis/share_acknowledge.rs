//! `ShareAcknowledge`: what a member of a share group did with records that it had (KIP-932).

use std::time::Duration;

use kafka_core::protocol::messages::share_acknowledge_response::{
    PartitionData, ShareAcknowledgeTopicResponse,
};
use kafka_core::protocol::messages::{ShareAcknowledgeRequest, ShareAcknowledgeResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::share_topics::verdicts;
use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::fetching::millis;
use crate::groups::Turn;

impl Api for ShareAcknowledgeRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ShareAcknowledgeResponse> {
        let answered = acknowledge(&self, cluster, call);
        Reply::Now(answered.unwrap_or_else(|code| self.refuse(call, code)))
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ShareAcknowledgeResponse {
        ShareAcknowledgeResponse { error_code: code.0, error_message: None, ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| ("", topic.topic_id)).collect()
    }
}

fn acknowledge(
    request: &ShareAcknowledgeRequest,
    cluster: &mut Cluster,
    call: &Call,
) -> Result<ShareAcknowledgeResponse, ErrorCode> {
    let group = request.group_id.as_deref().ok_or(ErrorCode::INVALID_REQUEST)?;
    cluster.check(call, AclOperation::Read, Resource::Group(group))?;
    let member =
        request.member_id.as_deref().filter(|id| !id.is_empty()).ok_or(ErrorCode::INVALID_REQUEST)?;
    let who = (group, member);
    let broker = cluster.brokers.get_mut(&call.broker).ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)?;
    let turn = broker.share_sessions.acknowledge(who, request.share_session_epoch)?;
    let mut responses = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        // Nothing is said to nothing.
        let said = topic.partitions.iter().filter(|partition| !partition.acknowledgement_batches.is_empty());
        for partition in said {
            let batches = partition.acknowledgement_batches.iter();
            let batches = batches
                .map(|batch| (batch.first_offset, batch.last_offset, batch.acknowledge_types.as_slice()));
            let place = (topic.topic_id, partition.partition_index);
            let done = verdicts(batches, request.is_renew_ack)
                .and_then(|verdicts| cluster.acknowledge_shares(call, who, place, &verdicts));
            partitions.push(PartitionData {
                partition_index: partition.partition_index,
                error_code: match done {
                    Ok(()) => 0,
                    // Who has no group has no part of one.
                    Err(ErrorCode::GROUP_ID_NOT_FOUND) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0,
                    Err(code) => code.0,
                },
                ..Default::default()
            });
        }
        if partitions.is_empty() {
            continue;
        }
        responses.push(ShareAcknowledgeTopicResponse { topic_id: topic.topic_id, partitions });
    }
    if turn == Turn::Closed {
        cluster.release_shares(call, who);
    }
    cluster.recheck_share_fetches();
    let lock: Duration = cluster.share_settings(group).record_lock;
    Ok(ShareAcknowledgeResponse {
        acquisition_lock_timeout_ms: millis(lock),
        responses,
        ..Default::default()
    })
}
