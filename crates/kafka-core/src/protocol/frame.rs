use bytes::Bytes;
use rskafka::protocol::api_version::ApiVersion;
use rskafka::protocol::messages::{
    ReadVersionedError, ReadVersionedType, RequestBody, WriteVersionedError, WriteVersionedType,
};
use rskafka::protocol::primitives::Int16;
use rskafka::protocol::traits::ReadError;

use super::decoder::malformed;
use super::wire::Wire;
use super::{ApiKey, Decoder, Encoder, Message};

/// What a client sends and can read the answer to: one bound for generic code.
pub trait Request:
    RequestBody<ResponseBody: ReadVersionedType<Decoder> + Message + Send>
    + WriteVersionedType<Encoder>
    + Send
    + Sync
{
}

impl<R> Request for R where
    R: RequestBody<ResponseBody: ReadVersionedType<Decoder> + Message + Send>
        + WriteVersionedType<Encoder>
        + Send
        + Sync
{
}

/// What comes before every request's body.
///
/// Not generated: its client id keeps the old encoding of strings even in flexible versions, so that a broker can read
/// the header of an `ApiVersions` request newer than itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which API the body belongs to.
    pub api_key: ApiKey,
    /// The body's version.
    pub api_version: i16,
    /// Comes back in the response's header.
    pub correlation_id: i32,
    /// `client.id`.
    pub client_id: Option<String>,
}

impl RequestHeader {
    /// Reads the header of a request whose body is flexible from version `flexible_from(api)` on.
    ///
    /// # Errors
    /// The input ends within it.
    pub fn read(
        decoder: &mut Decoder,
        flexible_from: impl FnOnce(ApiKey) -> i16,
    ) -> Result<Self, ReadVersionedError> {
        let api_key = ApiKey::from_code(i16::read(decoder, 0)?);
        let api_version = i16::read(decoder, 0)?;
        let correlation_id = i32::read(decoder, 0)?;
        let client_id = match decoder.legacy_string_length()? {
            Some(length) => Some(decoder.string(length)?),
            None => None,
        };
        decoder.set_flexible(api_version >= flexible_from(api_key));
        decoder.tagged_fields(|_, _| Ok(false))?;
        Ok(Self { api_key, api_version, correlation_id, client_id })
    }

    fn write(&self, encoder: &mut Encoder, flexible: bool) -> Result<(), WriteVersionedError> {
        self.api_key.code().write(encoder, 0)?;
        self.api_version.write(encoder, 0)?;
        self.correlation_id.write(encoder, 0)?;
        encoder.legacy_string(self.client_id.as_deref())?;
        encoder.set_flexible(flexible);
        encoder.tagged_fields(Default::default());
        Ok(())
    }
}

/// A whole request as it goes over the wire: length, header, body. The segments are meant for one vectored write; record
/// sets among them are those of `request`, not copies.
///
/// # Errors
/// The body has no such version, or a value in it that the version cannot carry.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
) -> Result<Vec<Bytes>, WriteVersionedError> {
    let header = RequestHeader {
        api_key: ApiKey::of::<R>(),
        api_version: version,
        correlation_id,
        client_id: client_id.map(str::to_owned),
    };
    let mut encoder = Encoder::new();
    encoder.reserve_frame_length();
    header.write(&mut encoder, version >= R::FIRST_TAGGED_FIELD_IN_REQUEST_VERSION.0.0)?;
    request.write_versioned(&mut encoder, ApiVersion(Int16(version)))?;
    Ok(encoder.finish_frame()?)
}

/// The correlation id of a response's frame (without its length): what says which request it answers.
///
/// # Errors
/// The frame is shorter than that.
pub fn correlation_id(frame: &[u8]) -> Result<i32, ReadError> {
    frame
        .first_chunk::<4>()
        .map(|bytes| i32::from_be_bytes(*bytes))
        .ok_or_else(|| malformed("a response without a header"))
}

/// Reads the response to a request of type `R` and the given version from its frame (without its length), and returns
/// it with the correlation id.
///
/// A broker that does not know the version of an `ApiVersions` request answers with version 0 of the response, so that
/// for this API a failure calls for a second try with version 0.
///
/// # Errors
/// The frame does not hold such a response.
pub fn decode_response<R: Request>(
    frame: Bytes,
    version: i16,
) -> Result<(i32, R::ResponseBody), ReadVersionedError> {
    let mut decoder = Decoder::new(frame);
    let correlation_id = i32::read(&mut decoder, 0)?;
    decoder.set_flexible(version >= R::FIRST_TAGGED_FIELD_IN_RESPONSE_VERSION.0.0);
    decoder.tagged_fields(|_, _| Ok(false))?;
    Ok((correlation_id, R::ResponseBody::read_versioned(&mut decoder, ApiVersion(Int16(version)))?))
}

/// A whole response to a request of type `R` as it goes over the wire: what a broker, or a test in its place, sends.
///
/// # Errors
/// The body has no such version, or a value in it that the version cannot carry.
pub fn encode_response<R>(
    response: &R::ResponseBody,
    version: i16,
    correlation_id: i32,
) -> Result<Vec<Bytes>, WriteVersionedError>
where
    R: RequestBody<ResponseBody: WriteVersionedType<Encoder>>,
{
    let mut encoder = Encoder::new();
    encoder.reserve_frame_length();
    correlation_id.write(&mut encoder, 0)?;
    encoder.set_flexible(version >= R::FIRST_TAGGED_FIELD_IN_RESPONSE_VERSION.0.0);
    encoder.tagged_fields(Default::default());
    response.write_versioned(&mut encoder, ApiVersion(Int16(version)))?;
    Ok(encoder.finish_frame()?)
}
