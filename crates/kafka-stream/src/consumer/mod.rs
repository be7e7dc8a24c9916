//! The consumer: groups or manual assignment, `poll`, and commits by hand.
//!
//! The way of a record, from the socket to the user:
//!
//! 1. `resolver` finds out where an assigned partition starts (the group's committed offset, or a place in the log that
//!    `list_offsets` asks for) and who leads it, and starts a fetch task for that broker.
//! 2. `fetch/task` asks `positions` what to fetch, `fetch/session` what of that must be said, `fetch/request` says it.
//!    The answer's frame is one piece of memory; each partition's record set is a slice of it.
//! 3. `fetch/response` makes a `fetch/chunk` of each record set and puts it into `positions`, from which the next fetch
//!    already goes on behind it. The fetch task asks again while the user works.
//! 4. `poller` takes the chunk of the partition whose turn it is, checks and decompresses its next batch, leaves control
//!    records and aborted transactions out (`fetch/aborted`), and cuts a slice of up to `max_poll_records`.
//! 5. `records` hands the slice out: borrowed records point into the batch, owned ones share its memory. Nothing was
//!    copied since the socket, decompression aside.
//!
//! Positions change in one place, `positions`, under one short lock; everything that arrives late (an answer from
//! before a seek, a revoked partition's records) is recognised there and dropped. `group` knows nothing of records and
//! tells `poller` what is owned; `poller` runs the user's listener, commits if asked to, and gives partitions up.
//!
//! The public face: `api` (subscribe, assign, poll, stream, close) and the [`ConsumerHandle`] for any other task, by
//! concern: `handle` (positions), `commits`, `lookups`.

mod api;
pub mod assignor;
mod commits;
mod config;
mod config_check;
mod epoch_ends;
mod error;
mod fetch;
mod group;
mod handle;
mod list_offsets;
mod listener;
mod lookups;
mod poller;
mod positions;
mod problems;
mod record;
mod records;
mod resolver;
mod shared;
mod stats;
mod subscription;

pub use api::Consumer;
pub use commits::PendingCommit;
pub use config::{AssignmentStrategy, AutoOffsetReset, ConsumerConfig, GroupProtocol, IsolationLevel};
pub use error::{ConsumerError, ConsumerErrorKind};
pub use group::{CommitError, ConsumerGroupMetadata, LossReason, OffsetAndMetadata};
pub use handle::ConsumerHandle;
pub use listener::{ListenerFuture, RebalanceListener};
pub use lookups::OffsetAndTimestamp;
pub use record::{ConsumerRecord, ConsumerRecordView};
pub use records::{ConsumerRecords, IntoIter, Iter, PartitionIter, PartitionRecords};
pub use stats::ConsumerStats;
