//! `ElectLeaders`: partitions go back to the replica that is named first, or to any that lives (KIP-460).

use kafka_core::protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_core::protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

impl Api for ElectLeadersRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ElectLeadersResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Alter, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        if ![PREFERRED, UNCLEAN].contains(&self.election_type) {
            return self.refuse(call, ErrorCode::INVALID_REQUEST).into();
        }
        let unclean = self.election_type == UNCLEAN;
        let everywhere = self.topic_partitions.is_none();
        let asked = match self.topic_partitions {
            Some(asked) => asked.into_iter().map(|topic| (topic.topic, topic.partitions)).collect(),
            None => all(cluster),
        };
        let results = asked.into_iter().map(|(topic, partitions)| {
            let results = partitions.iter().map(|&index| {
                let done = cluster.elect_leader(&topic, index, unclean);
                result(index, done.err().unwrap_or(ErrorCode::NONE))
            });
            // Who asks for all hears only of those where something was to be done.
            let not_needed = ErrorCode::ELECTION_NOT_NEEDED.0;
            let told = results.filter(|result| !everywhere || result.error_code != not_needed).collect();
            ReplicaElectionResult { topic, partition_result: told }
        });
        let replica_election_results = results.collect();
        Reply::Now(ElectLeadersResponse { replica_election_results, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ElectLeadersResponse {
        let topics = self.topic_partitions.unwrap_or_default().into_iter();
        let results = topics.map(|topic| ReplicaElectionResult {
            partition_result: topic.partitions.iter().map(|&index| result(index, code)).collect(),
            topic: topic.topic,
        });
        ElectLeadersResponse {
            error_code: code.0,
            replica_election_results: results.collect(),
            ..Default::default()
        }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let topics = self.topic_partitions.iter().flatten();
        topics.map(|topic| (topic.topic.as_str(), Uuid::ZERO)).collect()
    }
}

fn all(cluster: &Cluster) -> Vec<(String, Vec<i32>)> {
    let topics = cluster.topics.iter();
    topics
        .map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.index).collect();
            (topic.name.clone(), partitions)
        })
        .collect()
}

fn result(partition_id: i32, code: ErrorCode) -> PartitionResult {
    let error_message = (!code.is_ok()).then(|| code.description().to_owned());
    PartitionResult { partition_id, error_code: code.0, error_message }
}
