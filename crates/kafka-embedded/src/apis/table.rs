use kafka_core::protocol::messages::*;
use kafka_core::protocol::{ApiKey, ApiVersion, Decoder, Int16, Message, ReadVersionedError};

use crate::core::{AnyRequest, Api, Typed};

/// An API that the brokers offer, and in which versions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Supported {
    pub(crate) key: ApiKey,
    pub(crate) min: i16,
    pub(crate) max: i16,
    /// The first version with a flexible header.
    pub(crate) flexible_from: i16,
    read: Read,
}

type Read = fn(&mut Decoder, i16) -> Result<Box<dyn AnyRequest>, ReadVersionedError>;

impl Supported {
    /// All stable versions of `R` that the wire protocol knows.
    fn of<R: Api + Message>() -> Self {
        let versions = R::API_VERSION_RANGE;
        Self {
            key: ApiKey::of::<R>(),
            min: versions.min().0.0,
            max: versions.max().0.0,
            flexible_from: R::FLEXIBLE_FROM,
            read: read::<R>,
        }
    }
}

fn read<R: Api>(decoder: &mut Decoder, version: i16) -> Result<Box<dyn AnyRequest>, ReadVersionedError> {
    Ok(Box::new(Typed(R::read_versioned(decoder, ApiVersion(Int16(version)))?)))
}

/// What the brokers offer, by rising number of the API.
pub(crate) fn supported() -> &'static [Supported] {
    static TABLE: std::sync::LazyLock<Vec<Supported>> = std::sync::LazyLock::new(|| {
        vec![
            Supported::of::<ProduceRequest>(),
            Supported::of::<FetchRequest>(),
            Supported::of::<ListOffsetsRequest>(),
            Supported::of::<MetadataRequest>(),
            Supported::of::<OffsetCommitRequest>(),
            Supported::of::<OffsetFetchRequest>(),
            Supported::of::<FindCoordinatorRequest>(),
            Supported::of::<JoinGroupRequest>(),
            Supported::of::<HeartbeatRequest>(),
            Supported::of::<LeaveGroupRequest>(),
            Supported::of::<SyncGroupRequest>(),
            Supported::of::<DescribeGroupsRequest>(),
            Supported::of::<ListGroupsRequest>(),
            Supported::of::<SaslHandshakeRequest>(),
            Supported::of::<ApiVersionsRequest>(),
            Supported::of::<CreateTopicsRequest>(),
            Supported::of::<DeleteTopicsRequest>(),
            Supported::of::<DeleteRecordsRequest>(),
            Supported::of::<InitProducerIdRequest>(),
            Supported::of::<OffsetForLeaderEpochRequest>(),
            Supported::of::<AddPartitionsToTxnRequest>(),
            Supported::of::<AddOffsetsToTxnRequest>(),
            Supported::of::<EndTxnRequest>(),
            Supported::of::<WriteTxnMarkersRequest>(),
            Supported::of::<TxnOffsetCommitRequest>(),
            Supported::of::<DescribeAclsRequest>(),
            Supported::of::<CreateAclsRequest>(),
            Supported::of::<DeleteAclsRequest>(),
            Supported::of::<DescribeConfigsRequest>(),
            Supported::of::<AlterConfigsRequest>(),
            Supported::of::<AlterReplicaLogDirsRequest>(),
            Supported::of::<DescribeLogDirsRequest>(),
            Supported::of::<SaslAuthenticateRequest>(),
            Supported::of::<CreatePartitionsRequest>(),
            Supported::of::<DeleteGroupsRequest>(),
            Supported::of::<ElectLeadersRequest>(),
            Supported::of::<IncrementalAlterConfigsRequest>(),
            Supported::of::<AlterPartitionReassignmentsRequest>(),
            Supported::of::<ListPartitionReassignmentsRequest>(),
            Supported::of::<OffsetDeleteRequest>(),
            Supported::of::<DescribeClientQuotasRequest>(),
            Supported::of::<AlterClientQuotasRequest>(),
            Supported::of::<DescribeUserScramCredentialsRequest>(),
            Supported::of::<AlterUserScramCredentialsRequest>(),
            Supported::of::<DescribeQuorumRequest>(),
            Supported::of::<UpdateFeaturesRequest>(),
            Supported::of::<DescribeClusterRequest>(),
            Supported::of::<DescribeProducersRequest>(),
            Supported::of::<DescribeTransactionsRequest>(),
            Supported::of::<ListTransactionsRequest>(),
            Supported::of::<ConsumerGroupHeartbeatRequest>(),
            Supported::of::<ConsumerGroupDescribeRequest>(),
            Supported::of::<GetTelemetrySubscriptionsRequest>(),
            Supported::of::<PushTelemetryRequest>(),
            Supported::of::<ListConfigResourcesRequest>(),
            Supported::of::<DescribeTopicPartitionsRequest>(),
            Supported::of::<ShareGroupHeartbeatRequest>(),
            Supported::of::<ShareGroupDescribeRequest>(),
            Supported::of::<ShareFetchRequest>(),
            Supported::of::<ShareAcknowledgeRequest>(),
            Supported::of::<DescribeShareGroupOffsetsRequest>(),
            Supported::of::<AlterShareGroupOffsetsRequest>(),
            Supported::of::<DeleteShareGroupOffsetsRequest>(),
        ]
    });
    &TABLE
}

/// The API with this key, if it is offered.
pub(super) fn find(key: ApiKey) -> Option<&'static Supported> {
    supported().iter().find(|api| api.key == key)
}

/// Why a request cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("API {0} is not offered")]
    UnknownApi(ApiKey),
    #[error("API {0} has no version {1} here")]
    UnknownVersion(ApiKey, i16),
    #[error("the request cannot be read: {0}")]
    Malformed(#[from] ReadVersionedError),
    #[error("{0} bytes follow the request")]
    TrailingBytes(usize),
}

/// Reads the body of a request after its header.
pub(super) fn decode(
    decoder: &mut Decoder,
    key: ApiKey,
    version: i16,
) -> Result<Box<dyn AnyRequest>, DecodeError> {
    let api = find(key).ok_or(DecodeError::UnknownApi(key))?;
    if !(api.min..=api.max).contains(&version) {
        return Err(DecodeError::UnknownVersion(key, version));
    }
    let request = (api.read)(decoder, version)?;
    if decoder.remaining() > 0 {
        return Err(DecodeError::TrailingBytes(decoder.remaining()));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apis_are_listed_once_by_rising_number() {
        assert!(supported().is_sorted_by_key(|api| api.key.code()));
        assert!(supported().windows(2).all(|pair| pair[0].key != pair[1].key));
    }

    #[test]
    fn the_documentation_lists_what_is_offered() {
        let versions = |api: &Supported| match api.min == api.max {
            true => api.max.to_string(),
            false => format!("{} to {}", api.min, api.max),
        };
        let row = |api: &Supported| format!("| {} | {} | {} |\n", api.key.code(), api.key, versions(api));
        let rows: String = supported().iter().map(row).collect();
        let (_, documented) = include_str!("../../apis.md").split_once("|---|---|---|\n").unwrap();
        assert_eq!(documented, rows, "the table in apis.md");
    }
}
