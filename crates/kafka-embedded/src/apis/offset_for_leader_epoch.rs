//! `OffsetForLeaderEpoch`: where an epoch ended, so that a client sees whether its log and ours agree (KIP-320).

use kafka_core::protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_core::protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_core::protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for OffsetForLeaderEpochRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<OffsetForLeaderEpochResponse> {
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let found = find(cluster, call, &topic.topic, asked);
                found.unwrap_or_else(|code| refused(asked.partition, code))
            });
            OffsetForLeaderTopicResult { partitions: partitions.collect(), topic: topic.topic }
        });
        Reply::Now(OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> OffsetForLeaderEpochResponse {
        let topics = self.topics.into_iter().map(|topic| OffsetForLeaderTopicResult {
            topic: topic.topic,
            partitions: topic.partitions.iter().map(|asked| refused(asked.partition, code)).collect(),
        });
        OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.topic.as_str(), Uuid::ZERO)).collect()
    }
}

fn refused(partition: i32, code: ErrorCode) -> EpochEndOffset {
    EpochEndOffset { partition, error_code: code.0, ..Default::default() }
}

fn find(
    cluster: &Cluster,
    call: &Call,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<EpochEndOffset, ErrorCode> {
    cluster.check(call, AclOperation::Describe, Resource::Topic(topic))?;
    let partition =
        cluster.topics.partition(topic, asked.partition).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    partition.check_leader(call.broker, asked.current_leader_epoch)?;
    if asked.leader_epoch == -1 {
        // No epoch has no end.
        return Ok(EpochEndOffset { partition: asked.partition, ..Default::default() });
    }
    let end = partition.log.epochs().end_of(asked.leader_epoch, partition.log.end_offset());
    let (leader_epoch, end_offset) = end.unwrap_or((-1, -1));
    Ok(EpochEndOffset { error_code: 0, partition: asked.partition, leader_epoch, end_offset })
}
