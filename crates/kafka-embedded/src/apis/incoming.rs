use bytes::Bytes;
use kafka_core::protocol::messages::ApiVersionsRequest;
use kafka_core::protocol::{
    ApiKey, Decoder, ReadVersionedError, RequestHeader, WriteVersionedError, encode_response,
};

use super::table::{DecodeError, decode, find};
use crate::core::AnyRequest;

/// What a frame from a client holds.
pub(crate) enum Incoming {
    Request(RequestHeader, Box<dyn AnyRequest>),
    /// A client that cannot know our versions yet: this frame tells it.
    TooNew(Vec<Bytes>),
}

/// Why a frame ends its connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the request's header cannot be read: {0}")]
    Header(#[from] ReadVersionedError),
    #[error(transparent)]
    Body(#[from] DecodeError),
    #[error("the versions cannot be told: {0}")]
    Offer(#[from] WriteVersionedError),
}

/// Reads a frame, without its length.
pub(crate) fn read(frame: Bytes) -> Result<Incoming, Unreadable> {
    let mut decoder = Decoder::new(frame);
    let flexible_from = |key| find(key).map_or(i16::MAX, |api| api.flexible_from);
    let header = RequestHeader::read(&mut decoder, flexible_from)?;
    if header.api_key == ApiKey::ApiVersions && is_too_new(header.api_version) {
        // Answered in the oldest version.
        let answer = encode_response::<ApiVersionsRequest>(&super::try_again(), 0, header.correlation_id)?;
        return Ok(Incoming::TooNew(answer));
    }
    let request = decode(&mut decoder, header.api_key, header.api_version)?;
    Ok(Incoming::Request(header, request))
}

fn is_too_new(version: i16) -> bool {
    find(ApiKey::ApiVersions).is_none_or(|api| !(api.min..=api.max).contains(&version))
}
