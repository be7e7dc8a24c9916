//! TLS, mutual TLS and SASL for `kafka-core`, in pure Rust.
//!
//! [`SecurityConfig`] says how connections are protected and who the client is. It gives the two traits that `kafka-core`
//! asks for: a [`Connector`](kafka_core::net::Connector) that encrypts, and an
//! [`Authenticator`](kafka_core::net::Authenticator) that talks SASL. This crate knows no topic and no record.
//!
//! ```no_run
//! use kafka_core::cluster::ClientConfig;
//! use kafka_security::{SaslMechanism, SecurityConfig, TlsConfig};
//!
//! # fn example() -> kafka_core::Result<()> {
//! let mut config = ClientConfig::new(["broker1:9093".parse()?]);
//! SecurityConfig::sasl_ssl(
//!     TlsConfig::new().ca_location("/etc/kafka/ca.pem"),
//!     SaslMechanism::ScramSha512,
//!     "service",
//!     "its password",
//! )
//! .apply_to(&mut config)?;
//! # Ok(())
//! # }
//! ```

mod certificate;
mod config;
#[cfg(any(test, feature = "unstable-fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod handshake_error;
mod jaas;
mod key_store;
mod material;
mod observer;
#[cfg(test)]
mod parsing_tests;
mod pem;
mod protocol;
mod provider;
mod sasl;
mod secret;
mod tls;
mod tls_config;
mod tls_error;
mod tls_stream;
mod watch;

pub use config::SecurityConfig;
pub use jaas::{Jaas, OAuthOptions};
pub use protocol::{SaslMechanism, SecurityProtocol};
pub use sasl::oauth::{OidcTokens, Token, TokenProvider, UnsecuredTokens};
pub use sasl::{Credentials, CredentialsProvider, PasswordFile, SaslAuthenticator, SaslLogin};
pub use secret::Secret;
pub use tls::TlsConnector;
pub use tls_config::{TlsConfig, TlsVersion};
pub use tls_error::{TlsError, TlsErrorKind};
