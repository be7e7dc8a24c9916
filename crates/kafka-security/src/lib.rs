//! TLS, mutual TLS and SASL for `kafka-core`, in pure Rust.
//!
//! [`SecurityConfig`] says how connections are protected and who the client is. It gives the two traits that `kafka-core`
//! asks for: a [`Connector`](kafka_core::net::Connector) that encrypts, and an
//! [`Authenticator`](kafka_core::net::Authenticator) that talks SASL. This crate knows no topic and no record.
//!
//! ```
//! use kafka_core::cluster::ClientConfig;
//! use kafka_security::{SaslMechanism, SecurityConfig, TlsConfig};
//!
//! # fn main() -> kafka_core::Result<()> {
//! # let ca_file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pem/ca.pem");
//! let mut config = ClientConfig::new(["broker1:9093".parse()?]);
//! let tls = TlsConfig::new().ca_location(ca_file);
//! SecurityConfig::sasl_ssl(tls, SaslMechanism::ScramSha512, "service", "its password")
//!     .apply_to(&mut config)?;
//! assert!(config.connector.is_some() && config.authenticator.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # What changes while a client runs
//! Certificates, keys and password files are looked at before each new connection and every ten seconds. What they hold now
//! is used for the next connection; connections from before are renewed, each when nobody waits for an answer on it, so that no
//! request fails. A file that cannot be used keeps what was there, and is logged as one error. Certificate and key may be replaced
//! one after the other: they are taken up when they fit.
//!
//! # A broker's half
//! The feature `server` adds the other side of both (the module `server`): for brokers in tests.
//!
//! # What goes wrong
//! Errors are [`kafka_core::Error`]s in words; [`TlsError::of`] finds the sort of a failure of TLS beneath one:
//!
//! ```
//! use kafka_core::net::TcpConnector;
//! use kafka_security::{TlsConfig, TlsConnector, TlsError, TlsErrorKind};
//!
//! let error = TlsConnector::new(&TlsConfig::new().ca_location("/no/such/file"), TcpConnector::new()).unwrap_err();
//! assert_eq!(TlsError::of(&error).map(TlsError::kind), Some(TlsErrorKind::Unreadable));
//! ```

mod config;
#[cfg(any(test, feature = "unstable-fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod jaas;
mod protocol;
mod sasl;
mod secret;
#[cfg(feature = "server")]
pub mod server;
mod tls;
mod watch;

pub use config::SecurityConfig;
pub use jaas::{Jaas, OAuthOptions};
pub use protocol::{SaslMechanism, SecurityProtocol};
pub use sasl::oauth::{OidcTokens, Token, TokenProvider, UnsecuredTokens};
pub use sasl::{Credentials, CredentialsProvider, PasswordFile, SaslAuthenticator, SaslLogin};
pub use secret::Secret;
pub use tls::{TlsConfig, TlsConnector, TlsError, TlsErrorKind, TlsVersion};
