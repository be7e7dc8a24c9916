//! `AlterReplicaLogDirs`: moves replicas between a broker's folders. There is one, so they can only stay.

use kafka_core::protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_core::protocol::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::core::{Api, Call, Cluster, Reply};

impl Api for AlterReplicaLogDirsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AlterReplicaLogDirsResponse> {
        answer(&self, |path, topic, partition| move_replica(cluster, call.broker, path, topic, partition))
            .into()
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> AlterReplicaLogDirsResponse {
        answer(&self, |_, _, _| code)
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let topics = self.dirs.iter().flat_map(|dir| &dir.topics);
        topics.map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

/// One result per topic, whichever folders its partitions are to go to.
fn answer(
    request: &AlterReplicaLogDirsRequest,
    code: impl Fn(&str, &str, i32) -> ErrorCode,
) -> AlterReplicaLogDirsResponse {
    let mut results: Vec<AlterReplicaLogDirTopicResult> = Vec::new();
    for dir in &request.dirs {
        for topic in &dir.topics {
            let partitions =
                topic.partitions.iter().map(|&partition_index| AlterReplicaLogDirPartitionResult {
                    partition_index,
                    error_code: code(&dir.path, &topic.name, partition_index).0,
                });
            match results.iter_mut().find(|result| result.topic_name == topic.name) {
                Some(result) => result.partitions.extend(partitions),
                None => results.push(AlterReplicaLogDirTopicResult {
                    topic_name: topic.name.clone(),
                    partitions: partitions.collect(),
                }),
            }
        }
    }
    AlterReplicaLogDirsResponse { results, ..Default::default() }
}

fn move_replica(cluster: &Cluster, broker: i32, path: &str, topic: &str, partition: i32) -> ErrorCode {
    if path != cluster.settings.log_dir {
        return ErrorCode::LOG_DIR_NOT_FOUND;
    }
    match cluster.topics.partition(topic, partition) {
        Some(partition) if partition.replicas.contains(&broker) => ErrorCode::NONE,
        _ => ErrorCode::REPLICA_NOT_AVAILABLE,
    }
}
