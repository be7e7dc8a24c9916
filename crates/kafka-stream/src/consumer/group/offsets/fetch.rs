//! `OffsetFetch`: what a group has committed, asked for in every version, and what the answer means.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_core::protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_core::protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::{Error, ErrorKind, TopicPartition};

use super::OffsetAndMetadata;
use super::topic_ids::TopicIds;

pub(super) type Committed = BTreeMap<TopicPartition, Option<OffsetAndMetadata>>;

/// What a look-up has come to.
#[derive(Debug)]
pub(super) enum Outcome {
    Done(Committed),
    /// Ask again after a while; if `moved`, the coordinator that has to be looked up first.
    Again {
        moved: bool,
        error: Error,
    },
    Failed(Error),
}

pub(super) fn request(
    group_id: &str,
    partitions: &[TopicPartition],
    ids: &TopicIds,
    version: i16,
) -> OffsetFetchRequest {
    let mut by_topic: BTreeMap<&Arc<str>, Vec<i32>> = BTreeMap::new();
    for tp in partitions {
        by_topic.entry(&tp.topic).or_default().push(tp.partition);
    }
    // Offsets of a transaction that is not decided yet are waited for (KIP-447).
    let require_stable = version >= 7;
    if version < 8 {
        let topics = by_topic.into_iter().map(|(name, partition_indexes)| OffsetFetchRequestTopic {
            name: name.to_string(),
            partition_indexes,
        });
        return OffsetFetchRequest {
            group_id: group_id.to_owned(),
            topics: Some(topics.collect()),
            require_stable,
            ..Default::default()
        };
    }
    let topics = by_topic.into_iter().map(|(name, partition_indexes)| OffsetFetchRequestTopics {
        name: name.to_string(),
        topic_id: ids.id(name),
        partition_indexes,
    });
    let group = OffsetFetchRequestGroup {
        group_id: group_id.to_owned(),
        topics: Some(topics.collect()),
        ..Default::default()
    };
    OffsetFetchRequest { groups: vec![group], require_stable, ..Default::default() }
}

/// A partition's part of the answer, whatever the version.
struct Part<'a> {
    topic: &'a str,
    topic_id: Uuid,
    partition: i32,
    offset: i64,
    leader_epoch: i32,
    metadata: Option<&'a String>,
    code: ErrorCode,
}

/// Every asked partition with what is committed for it, or the worst that any of them met.
pub(super) fn outcome(
    response: &OffsetFetchResponse,
    asked: &[TopicPartition],
    ids: &TopicIds,
    version: i16,
) -> Outcome {
    let code = match version {
        8.. => response.groups.first().map_or(0, |group| group.error_code),
        _ => response.error_code,
    };
    if let Some(outcome) = failure(ErrorCode(code), None) {
        return outcome;
    }
    let mut committed: Committed = asked.iter().map(|tp| (tp.clone(), None)).collect();
    let mut again = None;
    for part in parts(response) {
        let tp = TopicPartition::new(ids.name(part.topic, part.topic_id), part.partition);
        match failure(part.code, Some(&tp)) {
            Some(failed @ Outcome::Failed(_)) => return failed,
            Some(outcome) => again = Some(outcome),
            None if part.offset >= 0 => {
                let mut offset = OffsetAndMetadata::new(part.offset);
                offset.leader_epoch = Some(part.leader_epoch).filter(|epoch| *epoch >= 0);
                offset.metadata = part.metadata.cloned().unwrap_or_default();
                committed.insert(tp, Some(offset));
            }
            None => {}
        }
    }
    again.unwrap_or(Outcome::Done(committed))
}

fn parts(response: &OffsetFetchResponse) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for topic in &response.topics {
        parts.extend(topic.partitions.iter().map(|p| Part {
            topic: &topic.name,
            topic_id: Uuid::ZERO,
            partition: p.partition_index,
            offset: p.committed_offset,
            leader_epoch: p.committed_leader_epoch,
            metadata: p.metadata.as_ref(),
            code: ErrorCode(p.error_code),
        }));
    }
    for topic in response.groups.iter().flat_map(|group| &group.topics) {
        parts.extend(topic.partitions.iter().map(|p| Part {
            topic: &topic.name,
            topic_id: topic.topic_id,
            partition: p.partition_index,
            offset: p.committed_offset,
            leader_epoch: p.committed_leader_epoch,
            metadata: p.metadata.as_ref(),
            code: ErrorCode(p.error_code),
        }));
    }
    parts
}

fn failure(code: ErrorCode, tp: Option<&TopicPartition>) -> Option<Outcome> {
    let error = || {
        let error = match code {
            ErrorCode::GROUP_AUTHORIZATION_FAILED => Error::new(
                ErrorKind::Broker(code),
                "not allowed to read the group's offsets; grant READ on it, or change group.id",
            ),
            ErrorCode::TOPIC_AUTHORIZATION_FAILED => Error::new(
                ErrorKind::Broker(code),
                "not allowed to read the topic's committed offsets; grant READ on it",
            ),
            _ => Error::from_code(code),
        };
        match tp {
            Some(tp) => error.with_partition(tp),
            None => error,
        }
    };
    match code {
        ErrorCode::NONE => None,
        // A group that never committed.
        ErrorCode::GROUP_ID_NOT_FOUND => None,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
        | ErrorCode::UNSTABLE_OFFSET_COMMIT
        | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::UNKNOWN_TOPIC_ID => Some(Outcome::Again { moved: false, error: error() }),
        code if code.is_retriable() => Some(Outcome::Again { moved: true, error: error() }),
        _ => Some(Outcome::Failed(error())),
    }
}
