//! `AlterPartitionReassignments`: partitions move to other brokers (KIP-455).
//!
//! All replicas share one log, so there is nothing to copy: a partition is where it shall be at once.

use kafka_core::protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use kafka_core::protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_core::protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for AlterPartitionReassignmentsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AlterPartitionReassignmentsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Alter, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let may_resize = self.allow_replication_factor_change;
        let responses = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let done = reassign(cluster, &topic.name, asked, may_resize);
                response(asked.partition_index, done.err().unwrap_or(ErrorCode::NONE))
            });
            ReassignableTopicResponse { name: topic.name.clone(), partitions: partitions.collect() }
        });
        let responses: Vec<_> = responses.collect();
        Reply::Now(AlterPartitionReassignmentsResponse {
            allow_replication_factor_change: may_resize,
            // Kafka says it so where there was nothing to do.
            error_message: responses.is_empty().then(String::new),
            responses,
            ..Default::default()
        })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> AlterPartitionReassignmentsResponse {
        let responses = self.topics.into_iter().map(|topic| ReassignableTopicResponse {
            partitions: topic.partitions.iter().map(|asked| response(asked.partition_index, code)).collect(),
            name: topic.name,
        });
        AlterPartitionReassignmentsResponse {
            allow_replication_factor_change: self.allow_replication_factor_change,
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            responses: responses.collect(),
            ..Default::default()
        }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn response(partition_index: i32, code: ErrorCode) -> ReassignablePartitionResponse {
    // Kafka has no words for the one code.
    let silent = code.is_ok() || code == ErrorCode::NO_REASSIGNMENT_IN_PROGRESS;
    let error_message = (!silent).then(|| code.description().to_owned());
    ReassignablePartitionResponse { partition_index, error_code: code.0, error_message }
}

fn reassign(
    cluster: &mut Cluster,
    topic: &str,
    asked: &ReassignablePartition,
    may_resize: bool,
) -> Result<(), ErrorCode> {
    let index = asked.partition_index;
    let partition = cluster.topics.partition(topic, index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let Some(replicas) = &asked.replicas else { return Err(ErrorCode::NO_REASSIGNMENT_IN_PROGRESS) };
    let twice = |id: &i32| replicas.iter().filter(|other| *other == id).count() > 1;
    if replicas.is_empty() || replicas.iter().any(|id| twice(id) || !cluster.brokers.contains_key(id)) {
        return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    }
    if !may_resize && replicas.len() != partition.replicas.len() {
        return Err(ErrorCode::INVALID_REPLICATION_FACTOR);
    }
    cluster.reassign(topic, index, replicas.clone());
    Ok(())
}
