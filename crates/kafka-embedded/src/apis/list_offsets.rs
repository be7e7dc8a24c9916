//! `ListOffsets`: where a partition starts and ends, and which record stands at a time.

use kafka_core::protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_core::protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_core::protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::Partition;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

impl Api for ListOffsetsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ListOffsetsResponse> {
        let committed = self.isolation_level == 1;
        let mut asked: Vec<ListOffsetsTopic> = Vec::with_capacity(self.topics.len());
        for topic in self.topics {
            match asked.iter_mut().find(|other| other.name == topic.name) {
                Some(other) => other.partitions.extend(topic.partitions),
                None => asked.push(topic),
            }
        }
        asked.retain(|topic| !topic.partitions.is_empty());
        let topics = asked.into_iter().map(|topic| {
            let mut partitions: Vec<ListOffsetsPartitionResponse> =
                Vec::with_capacity(topic.partitions.len());
            for (place, asked) in topic.partitions.iter().enumerate() {
                let same = |other: &ListOffsetsPartition| other.partition_index == asked.partition_index;
                if topic.partitions.iter().take(place).any(same) {
                    continue;
                }
                let found = match topic.partitions.iter().skip(place + 1).any(same) {
                    true => Err(ErrorCode::INVALID_REQUEST),
                    false => find(cluster, call, &topic.name, asked, committed),
                };
                partitions.push(found.unwrap_or_else(|code| refused(asked.partition_index, code)));
            }
            ListOffsetsTopicResponse { partitions, name: topic.name }
        });
        Reply::Now(ListOffsetsResponse { topics: topics.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ListOffsetsResponse {
        let topics = self.topics.into_iter().map(|topic| ListOffsetsTopicResponse {
            name: topic.name,
            partitions: topic.partitions.iter().map(|asked| refused(asked.partition_index, code)).collect(),
        });
        ListOffsetsResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn refused(partition: i32, code: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse { partition_index: partition, error_code: code.0, ..Default::default() }
}

fn find(
    cluster: &Cluster,
    call: &Call,
    topic: &str,
    asked: &ListOffsetsPartition,
    committed: bool,
) -> Result<ListOffsetsPartitionResponse, ErrorCode> {
    cluster.check(call, AclOperation::Describe, Resource::Topic(topic))?;
    let partition = cluster
        .topics
        .partition(topic, asked.partition_index)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if asked.current_leader_epoch < -1 {
        return Err(ErrorCode::FENCED_LEADER_EPOCH);
    }
    partition.check_leader(call.broker, asked.current_leader_epoch)?;
    let (timestamp, offset, epoch) = look_up(partition, asked.timestamp, call.version, committed)?;
    Ok(ListOffsetsPartitionResponse {
        partition_index: asked.partition_index,
        error_code: 0,
        timestamp,
        offset,
        leader_epoch: if call.version >= 4 { epoch } else { -1 },
    })
}

/// Timestamp, offset and epoch.
fn look_up(
    partition: &Partition,
    wanted: i64,
    version: i16,
    committed: bool,
) -> Result<(i64, i64, i32), ErrorCode> {
    let log = &partition.log;
    let epoch_at = |offset: i64| log.epochs().at(offset).unwrap_or(-1);
    let end = if committed { log.last_stable_offset() } else { log.end_offset() };
    let nothing = (-1, -1, -1);
    let known_since =
        |first: i16| if version >= first { Ok(()) } else { Err(ErrorCode::UNSUPPORTED_VERSION) };
    Ok(match wanted {
        LATEST => (-1, end, partition.leader_epoch),
        EARLIEST => (-1, log.start_offset(), epoch_at(log.start_offset())),
        MAX_TIMESTAMP => {
            known_since(7)?;
            let found = log.offset_of_max_timestamp();
            found.map_or(nothing, |found| (found.timestamp, found.offset, epoch_at(found.offset)))
        }
        EARLIEST_LOCAL => {
            known_since(8)?;
            (-1, log.start_offset(), epoch_at(log.start_offset()))
        }
        LATEST_TIERED => {
            known_since(9)?;
            nothing
        }
        EARLIEST_PENDING_UPLOAD => {
            known_since(11)?;
            nothing
        }
        wanted if wanted < 0 => return Err(ErrorCode::UNSUPPORTED_VERSION),
        wanted => {
            let found = log.offset_at_time(wanted, end);
            found.map_or(nothing, |found| (found.timestamp, found.offset, epoch_at(found.offset)))
        }
    })
}
