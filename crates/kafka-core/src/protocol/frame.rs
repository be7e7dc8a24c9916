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
    let mut encoder = Encoder::new();
    encoder.reserve_frame_length();
    ApiKey::of::<R>().code().write(&mut encoder, 0)?;
    version.write(&mut encoder, 0)?;
    correlation_id.write(&mut encoder, 0)?;
    encoder.legacy_string(client_id)?;
    encoder.set_flexible(version >= R::FIRST_TAGGED_FIELD_IN_REQUEST_VERSION.0.0);
    encoder.tagged_fields(Default::default());
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
    let flexible = version >= R::FIRST_TAGGED_FIELD_IN_RESPONSE_VERSION.0.0;
    let correlation_id = read_response_header(&mut decoder, flexible)?;
    Ok((correlation_id, R::ResponseBody::read_versioned(&mut decoder, ApiVersion(Int16(version)))?))
}

/// What comes before every response's body: its correlation id.
pub(super) fn read_response_header(decoder: &mut Decoder, flexible: bool) -> Result<i32, ReadError> {
    let correlation_id = i32::read(decoder, 0)?;
    decoder.set_flexible(flexible);
    decoder.tagged_fields(|_, _| Ok(false))?;
    Ok(correlation_id)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Message;
    use crate::protocol::messages::{
        ApiVersionsRequest, ApiVersionsResponse, HeartbeatRequest, HeartbeatResponse, SaslHandshakeRequest,
    };

    fn hex(segments: &[Bytes]) -> String {
        segments.concat().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_request_is_framed_with_the_header_of_its_version() {
        let request = SaslHandshakeRequest { mechanism: "PLAIN".to_owned() };
        let frame = encode_request(&request, 1, 5, Some("me")).unwrap();
        assert_eq!(
            hex(&frame),
            "00000013".to_owned() + "0011" + "0001" + "00000005" + "00026d65" + "0005504c41494e"
        );

        // The flexible header ends with tagged fields; its client id keeps the old length.
        let request = ApiVersionsRequest {
            client_software_name: "a".to_owned(),
            client_software_version: "b".to_owned(),
        };
        let frame = encode_request(&request, 3, 5, Some("me")).unwrap();
        assert_eq!(
            hex(&frame),
            "00000012".to_owned() + "0012" + "0003" + "00000005" + "00026d65" + "00" + "0261" + "0262" + "00"
        );
        let frame = encode_request(&request, 0, 5, None);
        assert_eq!(hex(&frame.unwrap()), "0000000a".to_owned() + "0012" + "0000" + "00000005" + "ffff");
    }

    #[test]
    fn a_request_header_reads_back() {
        let request = HeartbeatRequest { group_id: "g".to_owned(), ..Default::default() };
        for version in HeartbeatRequest::VERSIONS {
            let mut frame = Bytes::from(encode_request(&request, version, -7, Some("me")).unwrap().concat());
            let mut decoder = Decoder::new(frame.split_off(4));
            let header = RequestHeader::read(&mut decoder, |api| {
                assert_eq!(api, ApiKey::Heartbeat);
                HeartbeatRequest::FLEXIBLE_FROM
            });
            let expected = RequestHeader {
                api_key: ApiKey::Heartbeat,
                api_version: version,
                correlation_id: -7,
                client_id: Some("me".to_owned()),
            };
            assert_eq!(header.unwrap(), expected);
            let body = HeartbeatRequest::read_versioned(&mut decoder, ApiVersion(Int16(version))).unwrap();
            assert_eq!((body, decoder.remaining()), (request.clone(), 0));
        }
    }

    #[test]
    fn a_response_reads_back_with_its_correlation_id() {
        let response = HeartbeatResponse { error_code: 27, ..Default::default() };
        for version in HeartbeatResponse::VERSIONS {
            let frame = encode_response::<HeartbeatRequest>(&response, version, 11).unwrap().concat();
            assert_eq!(i32::from_be_bytes(frame[..4].try_into().unwrap()), frame.len() as i32 - 4);
            let frame = Bytes::from(frame).split_off(4);
            assert_eq!(correlation_id(&frame).unwrap(), 11);
            assert_eq!(decode_response::<HeartbeatRequest>(frame, version).unwrap(), (11, response.clone()));
        }
        assert!(correlation_id(&[0, 0, 1]).is_err());
    }

    #[test]
    fn the_answer_to_api_versions_never_has_a_flexible_header() {
        let response = ApiVersionsResponse { error_code: 35, ..Default::default() };
        let frame = encode_response::<ApiVersionsRequest>(&response, 3, 1).unwrap();
        assert_eq!(hex(&frame), "0000000c".to_owned() + "00000001" + "0023" + "01" + "00000000" + "00");
        let frame = Bytes::from(frame.concat()).split_off(4);
        assert_eq!(decode_response::<ApiVersionsRequest>(frame, 3).unwrap(), (1, response));
    }
}
