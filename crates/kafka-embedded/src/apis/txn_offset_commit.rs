//! `TxnOffsetCommit`: offsets that count once the transaction is committed.

use kafka_core::protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition;
use kafka_core::protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_core::protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::Committed;
use crate::transactions::Identity;

/// From this version on it takes no `AddOffsetsToTxn` before (KIP-890).
const ADDS_ITSELF: i16 = 5;

impl Api for TxnOffsetCommitRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<TxnOffsetCommitResponse> {
        if let Err(code) = check(&self, cluster, call) {
            return self.refuse(call, code).into();
        }
        let topics = self.topics.iter().map(|topic| TxnOffsetCommitResponseTopic {
            name: topic.name.clone(),
            partitions: topic
                .partitions
                .iter()
                .map(|asked| result(asked, commit(&self, cluster, &topic.name, asked)))
                .collect(),
        });
        let topics = topics.collect();
        Reply::Now(TxnOffsetCommitResponse { topics, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> TxnOffsetCommitResponse {
        let topics = self.topics.into_iter().map(|topic| TxnOffsetCommitResponseTopic {
            partitions: topic.partitions.iter().map(|asked| result(asked, code)).collect(),
            name: topic.name,
        });
        TxnOffsetCommitResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn check(request: &TxnOffsetCommitRequest, cluster: &mut Cluster, call: &Call) -> Result<(), ErrorCode> {
    if request.group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    cluster.check_group_coordinator(call.broker, &request.group_id)?;
    let producer = Identity { producer_id: request.producer_id, epoch: request.producer_epoch };
    if call.version >= ADDS_ITSELF {
        cluster.join_transaction(&request.transactional_id, producer, call.version, |transaction| {
            transaction.groups.insert(request.group_id.clone());
        })?;
    } else {
        let transaction = cluster.transactions.get(&request.transactional_id);
        let transaction = transaction.ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        transaction.check(producer.producer_id, producer.epoch, 0)?;
        if !transaction.groups.contains(&request.group_id) {
            return Err(ErrorCode::INVALID_TXN_STATE);
        }
    }
    if cluster.groups.get(&request.group_id).is_none() && request.generation_id >= 0 {
        return Err(ErrorCode::ILLEGAL_GENERATION);
    }
    let group = cluster.groups.get_or_create(&request.group_id);
    let instance = request.group_instance_id.as_deref();
    if request.generation_id >= 0 || !request.member_id.is_empty() || instance.is_some() {
        group.check_member(&request.member_id, instance)?;
        group.check_generation(request.generation_id)?;
    }
    Ok(())
}

fn commit(
    request: &TxnOffsetCommitRequest,
    cluster: &mut Cluster,
    topic: &str,
    asked: &TxnOffsetCommitRequestPartition,
) -> ErrorCode {
    if cluster.topics.partition(topic, asked.partition_index).is_none() {
        return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    }
    let metadata = asked.committed_metadata.clone().unwrap_or_default();
    if metadata.len() > cluster.settings.max_offset_metadata {
        return ErrorCode::OFFSET_METADATA_TOO_LARGE;
    }
    let committed =
        Committed { offset: asked.committed_offset, leader_epoch: asked.committed_leader_epoch, metadata };
    let group = cluster.groups.get_or_create(&request.group_id);
    group.offsets.commit_later(request.producer_id, topic, asked.partition_index, committed);
    ErrorCode::NONE
}

fn result(asked: &TxnOffsetCommitRequestPartition, code: ErrorCode) -> TxnOffsetCommitResponsePartition {
    TxnOffsetCommitResponsePartition { partition_index: asked.partition_index, error_code: code.0 }
}
