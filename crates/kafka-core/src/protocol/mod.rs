//! Kafka's wire protocol: messages in every version, primitives, error codes.
//!
//! Built on the traits of `rskafka`; no other module names that crate. Knows no socket, no clock and no task.

mod error_code;

pub use error_code::ErrorCode;
pub use rskafka::protocol::api_key::ApiKey;
