//! `Produce`: record batches into partitions, one per partition.

use kafka_core::protocol::messages::produce_request::PartitionProduceData;
use kafka_core::protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_core::protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::records::Batch;

use crate::core::{Api, Call, Cluster, Reply};
use crate::log::{Appended, Log, Refusal};
use crate::transactions::{Identity, State};

/// From this version on topics are named by id.
const TOPIC_IDS: i16 = 13;
/// From this version on an error may say who leads now.
const LEADER_HINTS: i16 = 10;
/// From this version on a batch adds its partition to its transaction.
const ADDS_ITSELF: i16 = 12;
const ACKS_ALL: i16 = -1;

impl Api for ProduceRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ProduceResponse> {
        let (acks, transaction) = (self.acks, self.transactional_id);
        let mut responses = Vec::with_capacity(self.topic_data.len());
        for topic in self.topic_data {
            let name = cluster.topics.resolve(call.version >= TOPIC_IDS, topic.topic_id, &topic.name);
            let partition_responses = topic
                .partition_data
                .into_iter()
                .map(|data| produce(cluster, call, acks, transaction.as_deref(), &name, data))
                .collect();
            responses.push(TopicProduceResponse {
                name: topic.name,
                topic_id: if call.version >= TOPIC_IDS { topic.topic_id } else { Uuid::ZERO },
                partition_responses,
            });
        }
        if acks == 0 {
            return Reply::Never;
        }
        let node_endpoints = leaders(cluster, call, &responses);
        Reply::Now(ProduceResponse { responses, node_endpoints, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ProduceResponse {
        let responses = self.topic_data.into_iter().map(|topic| TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            partition_responses: topic
                .partition_data
                .iter()
                .map(|data| refused(data.index, code.into()))
                .collect(),
        });
        ProduceResponse { responses: responses.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topic_data.iter().map(|topic| (topic.name.as_str(), topic.topic_id)).collect()
    }
}

fn produce(
    cluster: &mut Cluster,
    call: &Call,
    acks: i16,
    transaction: Option<&str>,
    topic: &Result<String, ErrorCode>,
    data: PartitionProduceData,
) -> PartitionProduceResponse {
    let index = data.index;
    let result = match topic {
        Ok(topic) => append(cluster, call, acks, transaction, topic, data),
        Err(code) => Err((*code).into()),
    };
    match result {
        Ok((appended, log_start_offset)) => PartitionProduceResponse {
            index,
            base_offset: appended.base_offset,
            log_append_time_ms: appended.append_time,
            log_start_offset,
            ..Default::default()
        },
        Err(refusal) => {
            let hint = topic.as_ref().ok().filter(|_| {
                refusal.code == ErrorCode::NOT_LEADER_OR_FOLLOWER && call.version >= LEADER_HINTS
            });
            let partition = hint.and_then(|topic| cluster.topics.partition(topic, index));
            let current_leader = partition.map_or_else(LeaderIdAndEpoch::default, |partition| {
                LeaderIdAndEpoch { leader_id: partition.leader, leader_epoch: partition.leader_epoch }
            });
            PartitionProduceResponse { current_leader, ..refused(index, refusal) }
        }
    }
}

fn append(
    cluster: &mut Cluster,
    call: &Call,
    acks: i16,
    transaction: Option<&str>,
    topic: &str,
    data: PartitionProduceData,
) -> Result<(Appended, i64), Refusal> {
    let now = cluster.wall_clock();
    if !(ACKS_ALL..=1).contains(&acks) {
        return Err(ErrorCode::INVALID_REQUIRED_ACKS.into());
    }
    let room = cluster.settings.max_bytes.saturating_sub(cluster.topics.stored_bytes());
    let Some(found) = cluster.topics.get_mut(topic) else {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.into());
    };
    if found.is_internal() {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION.into());
    }
    let settings = found.settings.clone();
    let partition = found.partition_mut(data.index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if partition.leader != call.broker {
        return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER.into());
    }
    if acks == ACKS_ALL && partition.isr.len() < settings.min_insync_replicas {
        return Err(ErrorCode::NOT_ENOUGH_REPLICAS.into());
    }
    let batch = Log::validate(data.records, call.version, &settings, now)?;
    if u64::try_from(batch.size()).unwrap_or(u64::MAX) > room {
        return Err(ErrorCode::KAFKA_STORAGE_ERROR.into());
    }
    if batch.is_transactional() {
        check_transaction(cluster, call, transaction, &batch, topic, data.index)?;
    }
    let partition =
        cluster.topics.partition_mut(topic, data.index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let epoch = partition.leader_epoch;
    let appended = partition.log.append(batch, epoch, &settings, now)?;
    let log_start_offset = partition.log.start_offset();
    cluster.partition_changed(topic, data.index);
    Ok((appended, log_start_offset))
}

/// A transactional batch must belong to an open transaction that has its partition. Newer producers let the batch itself
/// say so (KIP-890).
fn check_transaction(
    cluster: &mut Cluster,
    call: &Call,
    id: Option<&str>,
    batch: &Batch,
    topic: &str,
    partition: i32,
) -> Result<(), ErrorCode> {
    let id = id.ok_or(ErrorCode::INVALID_RECORD)?;
    let producer = Identity { producer_id: batch.producer_id(), epoch: batch.producer_epoch() };
    let (place, known) = ((topic.to_owned(), partition), cluster.transactions.get(id));
    if call.version >= ADDS_ITSELF {
        return cluster.join_transaction(id, producer, 0, |transaction| {
            transaction.partitions.insert(place);
        });
    }
    let known = known.ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
    known.check(producer.producer_id, producer.epoch, 0)?;
    if known.state == State::Ongoing && known.partitions.contains(&place) {
        return Ok(());
    }
    Err(ErrorCode::INVALID_TXN_STATE)
}

fn refused(index: i32, refusal: Refusal) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: refusal.code.0,
        base_offset: -1,
        record_errors: refusal
            .records
            .into_iter()
            .map(|(place, message)| BatchIndexAndErrorMessage {
                batch_index: place,
                batch_index_error_message: Some(message),
            })
            .collect(),
        error_message: refusal.message,
        ..Default::default()
    }
}

/// Where the leaders are that the answer names (KIP-951).
fn leaders(cluster: &Cluster, call: &Call, responses: &[TopicProduceResponse]) -> Vec<NodeEndpoint> {
    if call.version < LEADER_HINTS {
        return Vec::new();
    }
    let partitions = responses.iter().flat_map(|topic| &topic.partition_responses);
    let mut ids: Vec<i32> = partitions.map(|partition| partition.current_leader.leader_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let brokers = ids.iter().filter_map(|id| cluster.brokers.get(id));
    brokers
        .map(|broker| NodeEndpoint {
            node_id: broker.id,
            host: broker.host(),
            port: broker.port(),
            rack: broker.rack.clone(),
        })
        .collect()
}
