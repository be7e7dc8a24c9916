//! The cluster as a client sees it: metadata, leaders, coordinators, and requests to them.
//!
//! [`Client`] is the public face. One task per client renews the [`Metadata`] and publishes immutable snapshots of it;
//! connections belong to a broker and a [`Lane`]. Knows no record, no group protocol and no topic configuration.

mod attempts;
mod client;
#[cfg(test)]
mod client_tests;
mod config;
mod connections;
mod coordinators;
mod interest;
mod metadata;
mod refresh;

pub use client::Client;
pub use config::ClientConfig;
pub use connections::Lane;
pub use coordinators::CoordinatorKind;
pub use metadata::{Broker, Leader, Metadata, PartitionMetadata, TopicMetadata};
