//! What brokers may answer, as far as an answer without a deed is no lie.

use kafka_core::protocol::{ApiKey, ErrorCode};

/// What each API may be answered without anything being done. `OUT_OF_ORDER_SEQUENCE_NUMBER` is not here: a broker that
/// says so has looked into its log and not found the batch there, which a drawn answer cannot have done.
pub(super) fn codes(api: ApiKey) -> &'static [ErrorCode] {
    match api {
        ApiKey::Produce => &[
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::NOT_ENOUGH_REPLICAS,
            ErrorCode::LEADER_NOT_AVAILABLE,
            ErrorCode::KAFKA_STORAGE_ERROR,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode::UNKNOWN_TOPIC_ID,
            ErrorCode::CORRUPT_MESSAGE,
            ErrorCode::THROTTLING_QUOTA_EXCEEDED,
            ErrorCode::UNKNOWN_PRODUCER_ID,
            ErrorCode::INVALID_PRODUCER_EPOCH,
            ErrorCode::MESSAGE_TOO_LARGE,
            ErrorCode::INVALID_RECORD,
            ErrorCode::PRODUCER_FENCED,
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            ErrorCode::UNKNOWN_SERVER_ERROR,
        ],
        ApiKey::Fetch => &[
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
            ErrorCode::INVALID_FETCH_SESSION_EPOCH,
            ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
            ErrorCode::UNKNOWN_TOPIC_ID,
            ErrorCode::INCONSISTENT_TOPIC_ID,
            ErrorCode::UNKNOWN_LEADER_EPOCH,
            ErrorCode::FENCED_LEADER_EPOCH,
            ErrorCode::OFFSET_NOT_AVAILABLE,
            ErrorCode::KAFKA_STORAGE_ERROR,
            ErrorCode::REPLICA_NOT_AVAILABLE,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode::OFFSET_OUT_OF_RANGE,
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            ErrorCode::CORRUPT_MESSAGE,
            ErrorCode::UNKNOWN_SERVER_ERROR,
        ],
        ApiKey::Metadata => &[
            ErrorCode::LEADER_NOT_AVAILABLE,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode::UNKNOWN_SERVER_ERROR,
        ],
        ApiKey::FindCoordinator => {
            &[ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS]
        }
        ApiKey::JoinGroup | ApiKey::SyncGroup | ApiKey::Heartbeat => &[
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
            ErrorCode::NOT_COORDINATOR,
            ErrorCode::UNKNOWN_MEMBER_ID,
            ErrorCode::ILLEGAL_GENERATION,
            ErrorCode::REBALANCE_IN_PROGRESS,
            ErrorCode::FENCED_INSTANCE_ID,
            ErrorCode::GROUP_MAX_SIZE_REACHED,
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
            ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ],
        ApiKey::ConsumerGroupHeartbeat => &[
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
            ErrorCode::NOT_COORDINATOR,
            ErrorCode::UNKNOWN_MEMBER_ID,
            ErrorCode::FENCED_MEMBER_EPOCH,
            ErrorCode::STALE_MEMBER_EPOCH,
            ErrorCode::UNRELEASED_INSTANCE_ID,
            ErrorCode::GROUP_MAX_SIZE_REACHED,
        ],
        ApiKey::LeaveGroup => &[ErrorCode::NOT_COORDINATOR, ErrorCode::UNKNOWN_MEMBER_ID],
        ApiKey::OffsetCommit => &[
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
            ErrorCode::NOT_COORDINATOR,
            ErrorCode::REBALANCE_IN_PROGRESS,
            ErrorCode::UNKNOWN_MEMBER_ID,
            ErrorCode::ILLEGAL_GENERATION,
            ErrorCode::STALE_MEMBER_EPOCH,
            ErrorCode::UNKNOWN_TOPIC_ID,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ],
        ApiKey::OffsetFetch => &[
            ErrorCode::UNKNOWN_MEMBER_ID,
            ErrorCode::STALE_MEMBER_EPOCH,
            ErrorCode::UNKNOWN_TOPIC_ID,
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            ErrorCode::NOT_COORDINATOR,
            ErrorCode::UNSTABLE_OFFSET_COMMIT,
        ],
        ApiKey::ListOffsets => &[
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode::OFFSET_NOT_AVAILABLE,
            ErrorCode::FENCED_LEADER_EPOCH,
            ErrorCode::UNKNOWN_LEADER_EPOCH,
        ],
        ApiKey::OffsetForLeaderEpoch => &[
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::FENCED_LEADER_EPOCH,
            ErrorCode::UNKNOWN_LEADER_EPOCH,
        ],
        ApiKey::InitProducerId => &[
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
            ErrorCode::NOT_COORDINATOR,
            ErrorCode::REQUEST_TIMED_OUT,
        ],
        ApiKey::ApiVersions => &[ErrorCode::UNSUPPORTED_VERSION, ErrorCode::INVALID_REQUEST],
        ApiKey::CreateTopics => &[ErrorCode::NOT_CONTROLLER, ErrorCode::REQUEST_TIMED_OUT],
        _ => &[],
    }
}

/// The APIs that faults are drawn for.
pub(super) const APIS: [ApiKey; 16] = [
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::Metadata,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::SyncGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::ConsumerGroupHeartbeat,
    ApiKey::ListOffsets,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::InitProducerId,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
];
