//! `TxnOffsetCommit`: offsets that count once the transaction is committed.

use kafka_core::protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_core::protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{Commit, Committed};
use crate::transactions::Identity;

/// From this version on it takes no `AddOffsetsToTxn` before (KIP-890).
const ADDS_ITSELF: i16 = 5;
/// From this version on there is a code that asks for an abort.
const ABORTABLE: i16 = 4;
/// A group's coordinator knows no code for fenced producers, whatever the version.
const OLD_CODE: i16 = 0;

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
                .map(|asked| result(asked, commit(&self, cluster, call, &topic.name, asked)))
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
    cluster.check(call, AclOperation::Write, Resource::TransactionalId(&request.transactional_id))?;
    cluster.check(call, AclOperation::Read, Resource::Group(&request.group_id))?;
    if request.group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    cluster.check_group_coordinator(call.broker, &request.group_id)?;
    // Where there is nothing to commit, neither the group nor the transaction is asked.
    let is_committed = |topic: &TxnOffsetCommitRequestTopic| {
        let known = cluster.topics.get(&topic.name);
        let known = known.filter(|_| cluster.may(call, AclOperation::Read, Resource::Topic(&topic.name)));
        known.is_some_and(|known| {
            topic.partitions.iter().any(|partition| known.partition(partition.partition_index).is_some())
        })
    };
    if !request.topics.iter().any(is_committed) {
        return Ok(());
    }
    let producer = Identity { producer_id: request.producer_id, epoch: request.producer_epoch };
    if call.version >= ADDS_ITSELF {
        cluster.join_transaction(&request.transactional_id, producer, OLD_CODE, |transaction| {
            transaction.groups.insert(request.group_id.clone());
        })?;
    } else {
        if request.transactional_id.is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let transaction = cluster.transactions.get(&request.transactional_id);
        let transaction = transaction.ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        transaction.check(producer.producer_id, producer.epoch, OLD_CODE)?;
        if !transaction.groups.contains(&request.group_id) {
            let told = call.version >= ABORTABLE;
            return Err(if told { ErrorCode::TRANSACTION_ABORTABLE } else { ErrorCode::INVALID_TXN_STATE });
        }
    }
    if cluster.groups.get(&request.group_id).is_none() && request.generation_id >= 0 {
        return Err(ErrorCode::ILLEGAL_GENERATION);
    }
    cluster.groups.get_or_create(&request.group_id);
    let named = request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| (topic.name.clone(), partition.partition_index))
    });
    let partitions: Vec<(String, i32)> = named.collect();
    let commit = Commit {
        member: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation: request.generation_id,
        transactional: true,
        version: call.version,
        partitions: &partitions,
    };
    let checked = cluster.in_group(&request.group_id, |group, effects| group.check_commit(&commit, effects));
    checked.unwrap_or(Err(ErrorCode::COORDINATOR_NOT_AVAILABLE))
}

fn commit(
    request: &TxnOffsetCommitRequest,
    cluster: &mut Cluster,
    call: &Call,
    topic: &str,
    asked: &TxnOffsetCommitRequestPartition,
) -> ErrorCode {
    if let Err(code) = cluster.check(call, AclOperation::Read, Resource::Topic(topic)) {
        return code;
    }
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
