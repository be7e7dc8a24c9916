//! A Kafka-compatible cluster inside the process: on real sockets, without Java or Docker, in memory or with a
//! [folder](EmbeddedClusterBuilder::data_dir) that survives restarts.
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
//! - `shell`: sockets and tasks around the core; `disk`: files.
//! - `durable`, `storage`: what of the core's state is to be on disk, and how the core says so.
//!
//! # How it differs from Kafka
//! - All replicas of a partition share one log: those that live are in sync at once, and no record is lost when a leader is, unless
//!   a test wants it so. A leader that was not in sync is chosen by request alone (`unclean.leader.election.enable` has no effect).
//! - Records are in memory, with a data folder too, so that the log of all topics has to fit there (`max_bytes`); nothing is
//!   answered before it is on disk, so that neither `flush.messages` nor `flush.ms` is needed.
//! - Logs have segments as Kafka's have, for retention, compaction and the disk, and what lies before a log's start is gone from
//!   memory at once. There are no index files: batches are found in memory.
//! - After a restart groups are there with what they committed, and without their members, which join again.
//!   Access rules, quotas and users are what the builder says at each start, settings of brokers and of groups are the defaults, and
//!   share groups begin anew.
//! - Record formats before version 2 (Kafka 0.11) are unknown, and so are produce requests before version 3, as in Kafka 4.
//! - A group that was empty does not wait for more members (`group.initial.rebalance.delay.ms` is 0), unless it is told to.
//! - Where the coordinator assigns (KIP-848), it does so with the heartbeat that brings the change, not up to a second later
//!   (`group.consumer.assignment.interval.ms` is 0), and topics that a pattern matches are noticed at the next one. Patterns
//!   are what the crate `regex-lite` takes, which knows no classes of Unicode. Which partition moves may differ where the
//!   assignors leave a choice.
//! - A share group (KIP-932) does not take back a member's records when its connection ends, only with its session or when the
//!   lock runs out; and with `read_committed` it waits for transactions to end, but does not leave out the aborted ones.
//! - Of the settings of brokers, those of the log cleaner and of throttled replication can be changed, and have no effect. Settings
//!   of topics all can, but only those that concern sizes, timestamps,
//!   segments, retention, compaction, compression and `min.insync.replicas` have an effect. (Levels of lz4 are accepted and
//!   change nothing.) There is no tiered storage.
//! - A transaction ends at once: no client is told to try again because its markers are still being written.
//! - What is for brokers, controllers and tokens alone is not offered: there are no delegation tokens, no voters to add or remove, and
//!   no broker to unregister. Nor are there groups of Kafka Streams' own protocol (KIP-1071; its classic one is there), and clients
//!   are asked for no metrics.
//! - Brokers are in no rack, so that everybody reads from the leader.
//! - The epoch of a share group is one lower than in Kafka, which raises it once more when the group's first partitions are ready.
//! - Nothing runs out of its time: a topic is there when the request for it is answered, whatever `timeout_ms` says.
//! - Fewer settings are described: of brokers those that there are, of groups none for the coordinator's intervals, and none of
//!   loggers and of clients' metrics; all without their documentation. A setting of brokers that is unknown is refused.
//! - A fetch has whole batches only, where Kafka's may end with a part of one that did not fit.
//! - Each record of a batch is looked at before it is kept, so that offsets and lengths that cannot be are refused; Kafka does not
//!   look into batches that it need not change.
//! - A request that is not well formed ends its connection, also where Kafka overlooks that: bytes behind the last field, texts that are
//!   not UTF-8, lists of a negative length. Tests of a client are there to show such mistakes.
//! - Numbers that mean nothing are refused in rules, in filters for rules, and in quotas, with `INVALID_REQUEST`. Kafka ends the
//!   connection for some of them, and for others finds nothing or takes them.
//! - Where Kafka fails with `UNKNOWN_SERVER_ERROR` or does not answer, there is a code that says what is wrong, or the request is taken
//!   for what it can only mean: codecs and isolation levels that there are not, compressed records that cannot be read, negative
//!   sizes, topics without a name or an id, operations that there are not, rules for `ANY` or `MATCH`, far too many partitions,
//!   requests about nothing.
//! - Words of errors are its own, and where Kafka has none or some it may be the other way round; the codes are Kafka's.
//!
//! A test of the workspace (`tests/real`, `differential`) sends thousands of requests, good and bad, to a broker of Kafka 4.3.1 and to
//! an embedded one, and fails if an answer differs otherwise than is said here.
//!
#![doc = include_str!("../apis.md")]

mod access;
mod apis;
mod builder;
mod cluster;
mod core;
mod disk;
mod durable;
mod error;
mod faults;
mod fetching;
#[cfg(feature = "unstable-fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod groups;
mod listeners;
mod log;
mod mishaps;
mod quotas;
mod sasl;
mod settings;
mod shell;
mod storage;
mod topics;
mod transactions;
#[cfg(feature = "security")]
mod users;
mod views;

pub use access::{
    Acl, AclOperation, AclPatternType, AclPermission, AclResource, AclResourceType, AuthorizerConfig,
};
pub use builder::EmbeddedClusterBuilder;
pub use cluster::EmbeddedCluster;
pub use error::Error;
pub use faults::{Asked, Fault, FaultBuilder, FaultId, Link, Moment, link, on, on_any};
pub use kafka_core::protocol::{ApiKey, ErrorCode};
#[cfg(feature = "security")]
pub use kafka_security as security;
pub use listeners::ListenerConfig;
pub use settings::MigrationPolicy;
pub use views::{GroupView, PartitionView, TopicView};
