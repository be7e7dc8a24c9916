//! `AddPartitionsToTxn`: what a transaction is about to write to.

use kafka_core::protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_core::protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_core::protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, CoordinatorKind, Reply};
use crate::transactions::{Identity, State};

/// From this version on several transactions are named at once.
const BATCHED: i16 = 4;

impl Api for AddPartitionsToTxnRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AddPartitionsToTxnResponse> {
        if call.version < BATCHED {
            let producer = Identity {
                producer_id: self.v3_and_below_producer_id,
                epoch: self.v3_and_below_producer_epoch,
            };
            let (id, topics) = (&self.v3_and_below_transactional_id, &self.v3_and_below_topics);
            let checked = cluster.check(call, AclOperation::Write, Resource::TransactionalId(id));
            let results = match checked {
                Ok(()) => add(cluster, call, id, producer, topics, false),
                Err(code) => all(topics, |_, _| code),
            };
            return Reply::Now(AddPartitionsToTxnResponse {
                results_by_topic_v3_and_below: results,
                ..Default::default()
            });
        }
        // Only brokers ask this way.
        if let Err(code) = cluster.check(call, AclOperation::ClusterAction, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let results = self.transactions.iter().map(|transaction| {
            let id = &transaction.transactional_id;
            let producer =
                Identity { producer_id: transaction.producer_id, epoch: transaction.producer_epoch };
            AddPartitionsToTxnResult {
                transactional_id: id.clone(),
                topic_results: add(cluster, call, id, producer, &transaction.topics, transaction.verify_only),
            }
        });
        let results_by_transaction = results.collect();
        Reply::Now(AddPartitionsToTxnResponse { results_by_transaction, ..Default::default() })
    }

    fn refuse(self, call: &Call, code: ErrorCode) -> AddPartitionsToTxnResponse {
        if call.version >= BATCHED {
            return AddPartitionsToTxnResponse { error_code: code.0, ..Default::default() };
        }
        let results = all(&self.v3_and_below_topics, |_, _| code);
        AddPartitionsToTxnResponse { results_by_topic_v3_and_below: results, ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let newer = self.transactions.iter().flat_map(|transaction| &transaction.topics);
        newer.chain(&self.v3_and_below_topics).map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn all(
    topics: &[AddPartitionsToTxnTopic],
    mut code: impl FnMut(&str, i32) -> ErrorCode,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let results = topics.iter().map(|topic| AddPartitionsToTxnTopicResult {
        name: topic.name.clone(),
        results_by_partition: topic
            .partitions
            .iter()
            .map(|&index| AddPartitionsToTxnPartitionResult {
                partition_index: index,
                partition_error_code: code(&topic.name, index).0,
            })
            .collect(),
    });
    results.collect()
}

fn add(
    cluster: &mut Cluster,
    call: &Call,
    id: &str,
    producer: Identity,
    topics: &[AddPartitionsToTxnTopic],
    verify_only: bool,
) -> Vec<AddPartitionsToTxnTopicResult> {
    if let Err(code) = cluster.check_coordinator(CoordinatorKind::Transaction, call.broker, id) {
        return all(topics, |_, _| code);
    }
    if verify_only {
        return all(topics, |topic, index| {
            let Some(transaction) = cluster.transactions.get(id) else {
                return ErrorCode::INVALID_PRODUCER_ID_MAPPING;
            };
            let has = transaction.partitions.contains(&(topic.to_owned(), index));
            match transaction.check(producer.producer_id, producer.epoch, call.version) {
                Err(code) => code,
                Ok(()) if has && transaction.state == State::Ongoing => ErrorCode::NONE,
                Ok(()) => ErrorCode::TRANSACTION_ABORTABLE,
            }
        });
    }
    let may_write = |topic: &str| {
        call.version >= BATCHED || cluster.may(call, AclOperation::Write, Resource::Topic(topic))
    };
    let refused = all(topics, |topic, index| match cluster.topics.partition(topic, index) {
        _ if !may_write(topic) => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        Some(_) => ErrorCode::OPERATION_NOT_ATTEMPTED,
    });
    let is_refused = |code: i16| code != ErrorCode::OPERATION_NOT_ATTEMPTED.0;
    if refused
        .iter()
        .flat_map(|topic| &topic.results_by_partition)
        .any(|one| is_refused(one.partition_error_code))
    {
        return refused;
    }
    let named =
        topics.iter().flat_map(|topic| topic.partitions.iter().map(|&index| (topic.name.clone(), index)));
    let added = cluster
        .join_transaction(id, producer, call.version, |transaction| transaction.partitions.extend(named));
    all(topics, |_, _| added.err().unwrap_or(ErrorCode::NONE))
}
