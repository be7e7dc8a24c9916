//! An answer, partition by partition.

use std::time::Duration;

use kafka_core::TopicPartition;
use kafka_core::cluster::{Broker, Leader};
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::FetchResponse;
use kafka_core::protocol::messages::fetch_response::PartitionData;
use tokio::time::Instant;

use super::{AbortedTransactions, Chunk, FetchSession};
use crate::consumer::IsolationLevel;
use crate::consumer::positions::{Fetched, Replica};

/// How long a consumer reads from the replica that the leader sent it to before it asks the leader again.
const REPLICA_TIME: Duration = Duration::from_secs(300);

/// What a broker says of one partition.
// Made once per partition and fetch, and taken apart at once.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum Outcome {
    Fetched(Fetched),
    /// The broker is not the one to ask (any more); the new leader and its epoch, if it knows them (KIP-951).
    Moved {
        leader: Option<Leader>,
    },
    /// The offset is outside the log.
    OutOfRange,
    /// What was read last is not what the log has there (KIP-320).
    Diverged {
        epoch: i32,
        end_offset: i64,
    },
    /// Any other error.
    Failed(ErrorCode),
}

/// The brokers that an answer names beside its partitions' new leaders.
pub(crate) fn brokers(response: &FetchResponse) -> Vec<Broker> {
    let known = response.node_endpoints.iter();
    known.filter_map(|at| Broker::new(at.node_id, &at.host, at.port, at.rack.as_deref())).collect()
}

/// How many bytes of records an answer has.
pub(crate) fn record_bytes(response: &FetchResponse) -> usize {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.filter_map(|partition| partition.records.as_ref()).map(|records| records.len()).sum()
}

/// Splits an answer without a session error into its partitions, each with the stamp that it was asked for with.
pub(crate) fn outcomes(
    response: FetchResponse,
    session: &FetchSession,
    isolation_level: IsolationLevel,
    now: Instant,
) -> Vec<(TopicPartition, u64, Outcome)> {
    let names = session.topic_names();
    let mut outcomes = Vec::new();
    for topic in response.responses {
        // Whatever was asked for: a broker without ids in its newest version answers by name.
        let by_name = topic.topic_id.is_zero();
        let name = if by_name { Some(topic.topic.into()) } else { names.get(&topic.topic_id.0).cloned() };
        // A topic that was not asked for is of no use.
        let Some(name) = name else { continue };
        for partition in topic.partitions {
            let tp = TopicPartition::new(std::sync::Arc::clone(&name), partition.partition_index);
            if let Some(asked) = session.asked(&tp) {
                let outcome = outcome(partition, asked.fetch.fetch_offset, isolation_level, now);
                outcomes.push((tp, asked.stamp, outcome));
            }
        }
    }
    outcomes
}

fn outcome(
    partition: PartitionData,
    fetch_offset: i64,
    isolation_level: IsolationLevel,
    now: Instant,
) -> Outcome {
    let code = ErrorCode(partition.error_code);
    match code {
        ErrorCode::NONE => {}
        ErrorCode::OFFSET_OUT_OF_RANGE => return Outcome::OutOfRange,
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::FENCED_LEADER_EPOCH => {
            let leader = &partition.current_leader;
            let known = leader.leader_id >= 0 && leader.leader_epoch >= 0;
            let leader = Leader { id: leader.leader_id, epoch: Some(leader.leader_epoch) };
            return Outcome::Moved { leader: known.then_some(leader) };
        }
        _ if code.refreshes_metadata() => return Outcome::Moved { leader: None },
        _ => return Outcome::Failed(code),
    }
    if partition.diverging_epoch.end_offset >= 0 {
        let diverging = partition.diverging_epoch;
        return Outcome::Diverged { epoch: diverging.epoch, end_offset: diverging.end_offset };
    }
    let aborted = match isolation_level {
        IsolationLevel::ReadUncommitted => None,
        IsolationLevel::ReadCommitted => {
            let transactions = partition.aborted_transactions.unwrap_or_default();
            Some(AbortedTransactions::new(transactions.into_iter().map(|t| (t.producer_id, t.first_offset))))
        }
    };
    let chunk = partition
        .records
        .filter(|records| !records.is_empty())
        .and_then(|records| Chunk::new(fetch_offset, records, aborted));
    Outcome::Fetched(Fetched {
        chunk,
        high_watermark: partition.high_watermark,
        last_stable_offset: partition.last_stable_offset,
        log_start_offset: partition.log_start_offset,
        preferred_replica: (partition.preferred_read_replica >= 0)
            .then(|| Replica { broker: partition.preferred_read_replica, until: now + REPLICA_TIME }),
    })
}
