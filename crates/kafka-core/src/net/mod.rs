//! Connections to brokers.
//!
//! Bytes come from a [`Connector`], identity from an [`Authenticator`]; both are traits, so that this crate knows
//! neither TLS nor SASL. Knows no topic, no leader and no group.

mod authenticator;
mod connector;

pub use authenticator::{Authenticator, SaslChannel, SaslReply, Session};
pub use connector::{Address, ByteStream, Connector};
