//! The other half: what a broker does with who comes in. For brokers in tests, such as those of `kafka-embedded`; not for the
//! open network, since nobody counts how often a password is guessed.
//!
//! [`ServerTls`] shakes hands and says whose certificate it saw. [`SaslServer`] is one sign-in: the client's messages go in, the
//! answers come out, and [`SaslUsers`] says what is known of users. It knows no connection and no clock, and its randomness is
//! an argument. Answers are those of Kafka's brokers, in words where their clients can tell.

mod oauth;
mod plain;
mod principal;
mod sasl;
mod scram;
mod tls;

pub use oauth::unsecured_token;
pub use sasl::{SaslRefusal, SaslServer, SaslStep, SaslUsers, SignedIn};
pub use scram::{MIN_SCRAM_ITERATIONS, ScramCredential};
pub use tls::{ClientAuth, ServerTls, ServerTlsStream};
