//! Kafka's wire protocol: messages in every version, primitives, error codes, frames.
//!
//! Knows no socket, no clock and no task: bytes come in as [`bytes::Bytes`] and go out as a list of them for one vectored
//! write. A frame's way in is [`correlation_id`] -> [`decode_response`], a request's way out is [`encode_request`].
//!
//! # Where what is
//! - [`messages`]: one generated file per message, a table of its fields. Written by `cargo xtask protocol` from the
//!   schemas inside Kafka's client jar; never edited by hand. `cargo xtask protocol --check` says whether they are current.
//! - `schema`: the macros that turn a table into a type that reads and writes itself; its head explains the notation.
//! - `wire`: how each type of the schemas is laid out. `decoder`, `encoder`: the bytes themselves.
//! - `frame`: lengths and headers around the messages. [`ErrorCode`], [`ApiKey`], [`Uuid`]: what the values mean.
//!
//! # To add a message
//! Requests whose schema lists the listener `broker`, and their responses, are there already. For another, add its name
//! to the lists at the top of `xtask/src/protocol/mod.rs` and run `cargo xtask protocol --vectors`: that writes the file,
//! its entry in `messages`, and bytes from Kafka's Java client, with which the tests compare every message at every
//! version. A new release of Kafka: change `KafkaVersion::NEWEST` in xtask and run the same.
//!
//! # Versions
//! A message has the versions of the newest schemas. Their oldest ones (Kafka 4 removed those before) are all spoken by
//! Kafka 2.8 (2021), which a test holds, so that one range reaches from 2.8 to today. A version whose schema says that it
//! is not stable can be read and written, but is left out of [`RequestBody::API_VERSION_RANGE`].
//!
//! Writing a value that a version has no field for is an error ([`WriteVersionedError::FieldNotAvailable`]), unless it is
//! the default or the schema calls the field ignorable: nothing a caller asks for is dropped silently.
//!
//! # Built on rskafka
//! The traits ([`RequestBody`], [`ReadVersionedType`], [`WriteVersionedType`], ...), versions and error types are those of
//! the crate `rskafka`; no other module names it. Ours beside them: its messages stop at old versions (Fetch at 4), its
//! primitives lack uuid, float64, unsigned 16 bits, nullable compact forms and tagged fields with content, and its error
//! codes end at 100. All of ours are for one [`Decoder`] and one [`Encoder`] instead of any stream: that compiles once, an
//! integer is read straight from the frame, and record sets are slices of it.

mod api_key;
mod decoder;
mod encoder;
mod error_code;
#[cfg(any(test, feature = "unstable-fuzzing"))]
mod fill;
mod frame;
#[cfg(feature = "unstable-fuzzing")]
pub(crate) mod fuzzing;
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
pub use uuid::{InvalidUuid, Uuid};
