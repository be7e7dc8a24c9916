//! Kafka's wire protocol: messages in every version, primitives, error codes.
//!
//! Built on the traits of `rskafka`; no other module names that crate. Knows no socket, no clock and no task.

mod api_key;
mod decoder;
mod encoder;
mod error_code;
#[cfg(test)]
mod fill;
mod frame;
mod message;
pub mod messages;
mod schema;
#[cfg(test)]
mod tests;
mod uuid;
mod wire;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error_code::ErrorCode;
pub use frame::{Request, RequestHeader, correlation_id, decode_response, encode_request, encode_response};
pub use message::Message;
pub use messages::ApiKey;
pub use rskafka::protocol::api_version::{ApiVersion, ApiVersionRange};
pub use rskafka::protocol::messages::{
    ReadVersionedError, ReadVersionedType, RequestBody, WriteVersionedError, WriteVersionedType,
};
pub use rskafka::protocol::primitives::Int16;
pub use rskafka::protocol::traits::{ReadError, ReadType, WriteError, WriteType};
pub use uuid::Uuid;
