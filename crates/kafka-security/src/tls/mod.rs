//! Encrypted connections: whom the client trusts, what it shows of itself, and what went wrong. Knows nothing of SASL.
//!
//! `config.rs` names files; `material.rs` reads them (`pem.rs`, `key_store.rs`); `connector.rs` makes a configuration of
//! `rustls` of what they hold, again when [`watch`](crate::watch) says that they have changed, and shakes hands. While it
//! does, `observer.rs` notes what the broker shows and asks for; `handshake_error.rs` makes the error of it, and
//! `certificate.rs` says what a certificate says of itself. `stream.rs` keeps an eye on the stream until the first answer, since
//! with TLS 1.3 that is when a broker refuses.

pub(crate) mod certificate;
mod config;
pub(crate) mod connector;
mod error;
mod handshake_error;
pub(crate) mod key_store;
pub(crate) mod material;
mod observer;
#[cfg(test)]
mod parsing_tests;
pub(crate) mod pem;
pub(crate) mod provider;
mod stream;

pub use config::{TlsConfig, TlsVersion};
pub use connector::TlsConnector;
pub use error::{TlsError, TlsErrorKind};
