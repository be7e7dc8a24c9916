//! `DeleteRecords`: what lies before an offset is gone.

use kafka_core::protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_core::protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_core::protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

/// Stands for the end of the log.
const HIGH_WATERMARK: i64 = -1;

impl Api for DeleteRecordsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DeleteRecordsResponse> {
        let named = self.topics.into_iter().filter(|topic| !topic.partitions.is_empty());
        let topics = named.map(|topic| {
            let partitions =
                topic.partitions.iter().map(|asked| match delete(cluster, call, &topic.name, asked) {
                    Ok(low_watermark) => DeleteRecordsPartitionResult {
                        partition_index: asked.partition_index,
                        low_watermark,
                        error_code: 0,
                    },
                    Err(code) => refused(asked.partition_index, code),
                });
            DeleteRecordsTopicResult { partitions: partitions.collect(), name: topic.name }
        });
        let topics = topics.collect();
        Reply::Now(DeleteRecordsResponse { topics, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DeleteRecordsResponse {
        let topics = self.topics.into_iter().map(|topic| DeleteRecordsTopicResult {
            name: topic.name,
            partitions: topic.partitions.iter().map(|asked| refused(asked.partition_index, code)).collect(),
        });
        DeleteRecordsResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn refused(partition: i32, code: ErrorCode) -> DeleteRecordsPartitionResult {
    DeleteRecordsPartitionResult { partition_index: partition, low_watermark: -1, error_code: code.0 }
}

fn delete(
    cluster: &mut Cluster,
    call: &Call,
    topic: &str,
    asked: &DeleteRecordsPartition,
) -> Result<i64, ErrorCode> {
    cluster.check(call, AclOperation::Delete, Resource::Topic(topic))?;
    let now = cluster.wall_clock();
    let found = cluster.topics.get_mut(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if found.is_internal() {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    if !found.settings.delete {
        return Err(ErrorCode::POLICY_VIOLATION);
    }
    let partition =
        found.partition_mut(asked.partition_index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    partition.check_leader(call.broker, -1)?;
    let end = partition.log.end_offset();
    let offset = if asked.offset == HIGH_WATERMARK { end } else { asked.offset };
    if !(0..=end).contains(&offset) {
        return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
    }
    partition.log.delete_before(offset, now);
    let start = partition.log.start_offset();
    cluster.partition_changed(topic, asked.partition_index);
    Ok(start)
}
