//! A Kafka-compatible cluster inside the process: on real sockets, in memory, without Java or Docker.
//!
//! For a user's own tests, for first steps, and for proofs under faults. Clients cannot tell it from a small real cluster as
//! far as it goes: what it offers, it says in its answer to `ApiVersions`, and nothing else.
//!
//! ```
//! # async fn example() -> Result<(), kafka_embedded::Error> {
//! let cluster = kafka_embedded::EmbeddedCluster::builder().brokers(3).topic("orders", 6).start().await?;
//! let bootstrap_servers = cluster.bootstrap_servers();
//! # Ok(()) }
//! ```
//!
//! # Where what is
//! - `core`: the cluster as plain state, which knows no socket, task or clock, and how leaders are chosen.
//! - `apis`: what is answered, one file per API, named after it.
//! - `topics`, `log`, `groups`, `fetching`, `transactions`: what the answers come from.
//! - `shell`: sockets and tasks around the core.
//!
//! # How it differs from Kafka
//! - All replicas of a partition share one log: those that live are in sync at once, and no record is lost when a leader is.
//! - Retention removes single batches where Kafka removes whole segments.
//! - A group that was empty does not wait for more members (`group.initial.rebalance.delay.ms` is 0), unless it is told to.
//! - Settings of brokers cannot be changed. Settings of topics all can, but only those that concern sizes, timestamps,
//!   retention and `min.insync.replicas` have an effect.
//! - A transaction ends at once: no client is told to try again because its markers are still being written, and there are no
//!   requests to list, describe or abort transactions from outside.

mod apis;
mod builder;
mod cluster;
mod core;
mod error;
mod faults;
mod fetching;
mod groups;
mod log;
mod settings;
mod shell;
mod topics;
mod transactions;
mod views;

pub use builder::EmbeddedClusterBuilder;
pub use cluster::EmbeddedCluster;
pub use error::Error;
pub use faults::{Asked, Fault, FaultBuilder, Moment, on};
pub use views::{GroupView, PartitionView, TopicView};
