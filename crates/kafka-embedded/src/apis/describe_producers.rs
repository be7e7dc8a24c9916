//! `DescribeProducers`: which idempotent producers a partition remembers (KIP-664).

use kafka_core::protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_core::protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::validate_topic_name;

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for DescribeProducersRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeProducersResponse> {
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partition_indexes.iter();
            let is_known = cluster.topics.get(&topic.name).is_some();
            let partitions = partitions.map(|&index| match describe(cluster, call, &topic.name, index) {
                Ok(active_producers) => {
                    PartitionResponse { partition_index: index, active_producers, ..Default::default() }
                }
                // There are no words for a partition that the topic has not.
                Err(code @ ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) if is_known => {
                    PartitionResponse { error_message: None, ..refused(index, code) }
                }
                Err(code) => refused(index, code),
            });
            TopicResponse { partitions: partitions.collect(), name: topic.name }
        });
        let topics = topics.collect();
        Reply::Now(DescribeProducersResponse { topics, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeProducersResponse {
        let topics = self.topics.into_iter().map(|topic| TopicResponse {
            partitions: topic.partition_indexes.iter().map(|&index| refused(index, code)).collect(),
            name: topic.name,
        });
        DescribeProducersResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn refused(index: i32, code: ErrorCode) -> PartitionResponse {
    PartitionResponse {
        partition_index: index,
        error_code: code.0,
        error_message: Some(code.description().to_owned()),
        active_producers: Vec::new(),
    }
}

fn describe(
    cluster: &Cluster,
    call: &Call,
    topic: &str,
    index: i32,
) -> Result<Vec<ProducerState>, ErrorCode> {
    cluster.check(call, AclOperation::Read, Resource::Topic(topic))?;
    validate_topic_name(topic).map_err(|_| ErrorCode::INVALID_TOPIC_EXCEPTION)?;
    let partition = cluster.topics.partition(topic, index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    // Followers answer too: a tool looks at all partitions that a broker holds.
    if !partition.replicas.contains(&call.broker) {
        return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    }
    let active = partition.log.producers().map(|producer| ProducerState {
        producer_id: producer.id,
        producer_epoch: producer.epoch.into(),
        last_sequence: producer.last_sequence,
        last_timestamp: producer.last_timestamp,
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.transaction_start.unwrap_or(-1),
    });
    Ok(active.collect())
}
