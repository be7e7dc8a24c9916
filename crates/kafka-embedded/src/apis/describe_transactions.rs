//! `DescribeTransactions`: where transactional ids stand (KIP-664).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_core::protocol::messages::{DescribeTransactionsRequest, DescribeTransactionsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, CoordinatorKind, GROUP_OFFSETS, Reply};
use crate::transactions::Transaction;

impl Api for DescribeTransactionsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeTransactionsResponse> {
        let states = self.transactional_ids.iter().map(|id| match find(cluster, call, id) {
            Ok(transaction) => describe(cluster, call, id, transaction),
            Err(code) => refused(id, code),
        });
        let transaction_states = states.collect();
        Reply::Now(DescribeTransactionsResponse { transaction_states, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeTransactionsResponse {
        let states = self.transactional_ids.iter().map(|id| refused(id, code));
        DescribeTransactionsResponse { transaction_states: states.collect(), ..Default::default() }
    }
}

fn find<'a>(cluster: &'a Cluster, call: &Call, id: &str) -> Result<&'a Transaction, ErrorCode> {
    if id.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    cluster.check(call, AclOperation::Describe, Resource::TransactionalId(id))?;
    cluster.check_coordinator(CoordinatorKind::Transaction, call.broker, id)?;
    cluster.transactions.get(id).ok_or(ErrorCode::TRANSACTIONAL_ID_NOT_FOUND)
}

fn refused(id: &str, code: ErrorCode) -> TransactionState {
    TransactionState { error_code: code.0, transactional_id: id.to_owned(), ..Default::default() }
}

fn describe(cluster: &Cluster, call: &Call, id: &str, transaction: &Transaction) -> TransactionState {
    // Kafka counts what a transaction commits for a group as a write to the group's partition.
    let groups = transaction.groups.iter().filter_map(|group| cluster.group_partition(group));
    let groups = groups.map(|partition| (GROUP_OFFSETS, partition));
    let written = transaction.partitions.iter().map(|(topic, partition)| (topic.as_str(), *partition));
    let written =
        written.filter(|(topic, _)| cluster.may(call, AclOperation::Describe, Resource::Topic(topic)));
    let mut places: Vec<(&str, i32)> = groups.chain(written).collect();
    places.sort_unstable();
    places.dedup();
    let topics = places.chunk_by(|one, other| one.0 == other.0).filter_map(|places| {
        let (topic, _) = places.first()?;
        let partitions = places.iter().map(|(_, partition)| *partition).collect();
        Some(TopicData { topic: (*topic).to_owned(), partitions })
    });
    TransactionState {
        error_code: 0,
        transactional_id: id.to_owned(),
        transaction_state: transaction.state.name().to_owned(),
        transaction_timeout_ms: i32::try_from(transaction.timeout.as_millis()).unwrap_or(i32::MAX),
        transaction_start_time_ms: transaction.started_at,
        producer_id: transaction.producer_id,
        producer_epoch: transaction.epoch,
        topics: topics.collect(),
    }
}
