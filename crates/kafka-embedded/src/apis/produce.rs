//! `Produce`: record batches into partitions, one per partition.

use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_core::protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::records::{Batch, Batches};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::log::{Appended, Refusal};
use crate::transactions::{Identity, State};

/// From this version on topics are named by id.
const TOPIC_IDS: i16 = 13;
/// From this version on an error may say who leads now.
const LEADER_HINTS: i16 = 10;
/// From this version on a batch adds its partition to its transaction.
const ADDS_ITSELF: i16 = 12;
/// From this version on there is a code that asks for an abort.
const ABORTABLE: i16 = 11;
const ACKS_ALL: i16 = -1;

impl Api for ProduceRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ProduceResponse> {
        if let Err(code) = check_transactional_id(cluster, call, &self) {
            let close = self.acks == 0;
            return if close { Reply::Close } else { self.refuse(call, code).into() };
        }
        let (acks, transaction) = (self.acks, self.transactional_id);
        let mut responses = Vec::with_capacity(self.topic_data.len());
        for topic in each_once(self.topic_data) {
            let name = cluster.topics.resolve(call.version >= TOPIC_IDS, topic.topic_id, &topic.name);
            let name = name.and_then(|name| {
                cluster.check(call, AclOperation::Write, Resource::Topic(&name))?;
                Ok(name)
            });
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
            // Who wants no answer still has to notice that something is wrong.
            let mut partitions = responses.iter().flat_map(|topic| &topic.partition_responses);
            let failed = partitions.any(|partition| partition.error_code != 0);
            return if failed { Reply::Close } else { Reply::Never };
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

/// Each topic and partition once: what is said of it last counts.
fn each_once(topics: Vec<TopicProduceData>) -> Vec<TopicProduceData> {
    let mut known: Vec<TopicProduceData> = Vec::with_capacity(topics.len());
    for topic in topics.into_iter().filter(|topic| !topic.partition_data.is_empty()) {
        let same =
            |other: &&mut TopicProduceData| (&other.name, other.topic_id) == (&topic.name, topic.topic_id);
        let Some(other) = known.iter_mut().find(same) else {
            let again = topic.partition_data.iter().enumerate().any(|(place, data)| {
                topic.partition_data.iter().take(place).any(|other| other.index == data.index)
            });
            if again {
                let TopicProduceData { name, topic_id, partition_data } = topic;
                let mut once = TopicProduceData { name, topic_id, partition_data: Vec::new() };
                partition_data.into_iter().for_each(|data| put(&mut once.partition_data, data));
                known.push(once);
            } else {
                known.push(topic);
            }
            continue;
        };
        topic.partition_data.into_iter().for_each(|data| put(&mut other.partition_data, data));
    }
    known
}

fn put(partitions: &mut Vec<PartitionProduceData>, data: PartitionProduceData) {
    match partitions.iter_mut().find(|other| other.index == data.index) {
        Some(other) => *other = data,
        None => partitions.push(data),
    }
}

/// Who writes in a transaction must own its id.
fn check_transactional_id(cluster: &Cluster, call: &Call, request: &ProduceRequest) -> Result<(), ErrorCode> {
    if cluster.authorizer.is_none() {
        return Ok(());
    }
    let data = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let mut record_sets = data.filter_map(|data| data.records.clone());
    let is_transactional = record_sets.any(|records| {
        let mut batches = Batches::new(records).map_while(Result::ok);
        batches.any(|batch| batch.is_transactional())
    });
    match &request.transactional_id {
        _ if !is_transactional => Ok(()),
        Some(id) => cluster.check(call, AclOperation::Write, Resource::TransactionalId(id)),
        None => Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
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
    let Some(found) = cluster.topics.get(topic) else {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.into());
    };
    if found.is_internal() {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION.into());
    }
    let settings = found.settings;
    let partition = found.partition(data.index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if partition.leader != call.broker {
        return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER.into());
    }
    // More than there are replicas are never asked for (KIP-966).
    let min_in_sync = settings.min_insync_replicas.min(partition.replicas.len());
    if acks == ACKS_ALL && partition.isr.len() < min_in_sync {
        return Err(ErrorCode::NOT_ENOUGH_REPLICAS.into());
    }
    let batch =
        partition.log.validate(data.records, call.version, &settings, now, &mut cluster.decompressor)?;
    if u64::try_from(batch.size()).unwrap_or(u64::MAX) > room {
        return Err(ErrorCode::KAFKA_STORAGE_ERROR.into());
    }
    if batch.is_transactional() {
        check_transaction(cluster, call, transaction, &batch, topic, data.index)?;
    }
    let partition =
        cluster.topics.partition_to_write(topic, data.index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let epoch = partition.leader_epoch;
    let appended = partition
        .log
        .append(batch, epoch, &settings, now)
        .map_err(|refusal| Refusal { log_start_offset: partition.log.start_offset(), ..refusal })?;
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
    if batch.producer_id() < 0 {
        return Ok(());
    }
    let producer = Identity { producer_id: batch.producer_id(), epoch: batch.producer_epoch() };
    let (place, known) = ((topic.to_owned(), partition), cluster.transactions.get(id));
    if call.version >= ADDS_ITSELF {
        return cluster.join_transaction(id, producer, 0, |transaction| {
            transaction.partitions.insert(place);
        });
    }
    if id.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let known = known.ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
    known.check(producer.producer_id, producer.epoch, 0)?;
    if known.state == State::Ongoing && known.partitions.contains(&place) {
        return Ok(());
    }
    // From version 11 on the producer is told to abort (KIP-890).
    let told = call.version >= ABORTABLE;
    Err(if told { ErrorCode::TRANSACTION_ABORTABLE } else { ErrorCode::INVALID_TXN_STATE })
}

fn refused(index: i32, refusal: Refusal) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: refusal.code.0,
        base_offset: -1,
        log_start_offset: refusal.log_start_offset,
        // What is wrong with single records is told in words, all else by its code alone.
        error_message: refusal.message.filter(|_| !refusal.records.is_empty()),
        record_errors: refusal
            .records
            .into_iter()
            .map(|(place, message)| BatchIndexAndErrorMessage {
                batch_index: place,
                batch_index_error_message: Some(message),
            })
            .collect(),
        ..Default::default()
    }
}

/// Where the leaders are that the answer names (KIP-951).
fn leaders(cluster: &Cluster, call: &Call, responses: &[TopicProduceResponse]) -> Vec<NodeEndpoint> {
    if call.version < LEADER_HINTS {
        return Vec::new();
    }
    let partitions = responses.iter().flat_map(|topic| &topic.partition_responses);
    let ids = partitions.map(|partition| partition.current_leader.leader_id);
    cluster
        .distinct_brokers(ids)
        .map(|broker| NodeEndpoint {
            node_id: broker.id,
            host: broker.host(call.listener),
            port: broker.port(call.listener),
            rack: broker.rack.clone(),
        })
        .collect()
}
