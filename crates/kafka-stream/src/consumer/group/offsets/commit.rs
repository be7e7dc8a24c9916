//! `OffsetCommit`: the request in every version, and what its answer means.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use kafka_core::{Error, ErrorKind, TopicPartition};

use super::topic_ids::TopicIds;
use super::{CommitError, ConsumerGroupMetadata, OffsetAndMetadata};

pub(super) type Offsets = BTreeMap<TopicPartition, OffsetAndMetadata>;

/// What a commit has come to.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    /// Send it again after a while; if `moved`, to the coordinator that has to be looked up first.
    Again {
        moved: bool,
        error: Error,
    },
    /// Send it again once the rebalance is over, if all its partitions are still owned.
    Rebalancing,
    Failed(CommitError),
}

pub(super) fn request(
    member: &ConsumerGroupMetadata,
    offsets: &Offsets,
    ids: &TopicIds,
    version: i16,
) -> OffsetCommitRequest {
    let mut topics: BTreeMap<&Arc<str>, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for (tp, offset) in offsets {
        topics.entry(&tp.topic).or_default().push(OffsetCommitRequestPartition {
            partition_index: tp.partition,
            committed_offset: offset.offset,
            committed_leader_epoch: offset.leader_epoch.unwrap_or(-1),
            committed_metadata: Some(offset.metadata.clone()),
        });
    }
    let topic = |(name, partitions): (&Arc<str>, _)| OffsetCommitRequestTopic {
        name: name.to_string(),
        topic_id: ids.id(name),
        partitions,
    };
    OffsetCommitRequest {
        group_id: member.group_id.clone(),
        generation_id_or_member_epoch: member.generation_id,
        member_id: member.member_id.clone(),
        // Older brokers know no static members.
        group_instance_id: member.group_instance_id.clone().filter(|_| version >= 7),
        topics: topics.into_iter().map(topic).collect(),
        ..Default::default()
    }
}

/// The worst that any partition met: committing the others again does no harm.
pub(super) fn outcome(response: &OffsetCommitResponse, ids: &TopicIds) -> Outcome {
    let mut worst = Outcome::Done;
    for topic in &response.topics {
        let name = ids.name(&topic.name, topic.topic_id);
        for partition in &topic.partitions {
            let code = ErrorCode(partition.error_code);
            let tp = TopicPartition::new(Arc::clone(&name), partition.partition_index);
            let outcome = of_code(code, &tp);
            if outcome.rank() > worst.rank() {
                worst = outcome;
            }
        }
    }
    worst
}

fn of_code(code: ErrorCode, tp: &TopicPartition) -> Outcome {
    match code {
        ErrorCode::NONE => Outcome::Done,
        ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION => {
            Outcome::Failed(CommitError::NotMember { code })
        }
        ErrorCode::FENCED_INSTANCE_ID => Outcome::Failed(CommitError::Fenced),
        ErrorCode::REBALANCE_IN_PROGRESS => Outcome::Rebalancing,
        // The next heartbeat brings the epoch, or ends the membership (KIP-848).
        ErrorCode::STALE_MEMBER_EPOCH
        | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
        | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::UNKNOWN_TOPIC_ID => Outcome::Again { moved: false, error: error(code, tp) },
        code if code.is_retriable() => Outcome::Again { moved: true, error: error(code, tp) },
        code => Outcome::Failed(CommitError::Other(error(code, tp))),
    }
}

fn error(code: ErrorCode, tp: &TopicPartition) -> Error {
    let advice = match code {
        ErrorCode::OFFSET_METADATA_TOO_LARGE => {
            "commit failed: the metadata is longer than the broker's offset.metadata.max.bytes; shorten it"
        }
        ErrorCode::GROUP_AUTHORIZATION_FAILED => {
            "commit failed: not allowed to use the consumer group; grant READ on it, or change group.id"
        }
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            "commit failed: not allowed to read the topic; grant READ on it"
        }
        ErrorCode::GROUP_ID_NOT_FOUND | ErrorCode::INVALID_GROUP_ID => {
            "commit failed: the group does not exist or its name is not valid; check group.id"
        }
        code => return Error::from_code(code).with_partition(tp),
    };
    Error::new(ErrorKind::Broker(code), advice).with_partition(tp)
}

impl Outcome {
    fn rank(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Again { moved: false, .. } => 1,
            Self::Again { moved: true, .. } => 2,
            Self::Rebalancing => 3,
            Self::Failed(CommitError::Other(_)) => 4,
            Self::Failed(_) => 5,
        }
    }
}
