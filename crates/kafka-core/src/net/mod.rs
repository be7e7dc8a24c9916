//! Connections to brokers.
//!
//! Bytes come from a [`Connector`], identity from an [`Authenticator`]; both are traits, so that this crate knows
//! neither TLS nor SASL. Knows no topic, no leader and no group.
//!
//! The way of a request: [`Connection::send`] picks the version and encodes, the pipeline keeps the order, whoever
//! enqueued writes, the connection's one task (its driver) reads the answer, splits frames and hands each to the
//! request that is next in line, and [`Response`] decodes it where it is awaited.

use std::future::Future;
use std::pin::Pin;

mod api_versions;
mod authenticator;
mod connection;
#[cfg(test)]
mod connection_tests;
mod connector;
mod driver;
mod frame;
#[cfg(feature = "unstable-fuzzing")]
pub(crate) mod fuzzing;
mod handshake;
mod metrics;
mod pipeline;
mod reauthentication;
mod renewal;
#[cfg(test)]
mod renewal_tests;
#[cfg(test)]
mod sasl_tests;
mod shared;
mod tcp;
#[cfg(test)]
pub(crate) mod testkit;

pub use api_versions::ApiVersions;
pub use authenticator::{Authenticator, SaslChannel, SaslReply, Session};
pub use connection::{CallOptions, Connection, Response};
pub use connector::{Address, ByteStream, Connector, Opened, Stage};
pub use handshake::Dialer;
pub use metrics::ClientMetrics;
pub use tcp::TcpConnector;

/// A future behind a pointer, as the methods of traits like [`Connector`] return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
