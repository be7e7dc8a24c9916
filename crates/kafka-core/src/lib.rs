//! The foundation of a pure-Rust Apache Kafka client: wire protocol, record batches, connections and cluster metadata.
//!
//! Layers, each knowing only those to its left: [`protocol`] <- [`records`] <- [`net`] <- [`cluster`].
//! This crate knows neither TLS nor SASL: it defines [`net::Connector`] and [`net::Authenticator`], which others
//! implement. Users of the whole client want the crate `streaming-kafka`.

pub mod backoff;
pub mod cluster;
mod error;
#[cfg(feature = "unstable-fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod net;
pub mod protocol;
pub mod records;
mod recycler;
mod topic_name;
mod topic_partition;
pub mod watch;

pub use error::{Error, ErrorKind, Result};
pub use topic_name::validate_topic_name;
pub use topic_partition::TopicPartition;
