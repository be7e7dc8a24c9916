//! Handlers: one function per record, at least once, with retries, dead letters and commits done for it.
//!
//! The way of a record: [`EventConsumer`] polls and gives each partition's records to the partition's lanes
//! (`lane.rs`); `work.rs` calls the [`Handler`], asks `policy.rs` about a failure, and hands what is to wait or failed for
//! good to the [`DeadLetterQueue`](crate::dead_letter::DeadLetterQueue), which writes it to a retry topic
//! (`retry_topics.rs`) or the dead letter topic; then the partition's `tracker.rs` counts the record as finished. `commits.rs` commits, every while and before a partition is given away, up to the first record that is
//! not finished.
//!
//! Neither a slow handler nor a retry holds up polling: a partition whose records pile up is paused by itself.

mod commits;
mod concurrency;
mod consumer;
mod error;
mod failure;
mod json;
mod lane;
mod options;
mod partitions;
mod policy;
mod retry;
mod retry_topics;
mod stats;
mod tracker;
mod valve;
mod work;

pub use concurrency::Concurrency;
pub use consumer::EventConsumer;
pub use error::HandlerError;
pub use failure::Failure;
pub use json::{Json, json};
pub use options::HandlerOptions;
pub use policy::{FailureAction, FailurePolicy, UnknownAction};
pub use retry::RetryPolicy;
pub use retry_topics::RetryTopics;
pub(crate) use stats::{Became, Failures};
pub use stats::{FailureStats, HandlerStats, StatsReader};
pub(crate) use tracker::OffsetTracker;

use std::future::Future;

use futures_util::TryFutureExt;
use futures_util::future::ErrInto;

use crate::consumer::ConsumerRecord;

/// What is done with each record.
///
/// Any `Fn(ConsumerRecord) -> impl Future<Output = Result<(), E>>` is a handler, where `E` becomes a [`Failure`]: any
/// error does. [`json`] makes one of a function on the user's own type.
///
/// A record can come again after a crash or a rebalance, so what a handler does should bear repetition.
pub trait Handler: Send + Sync + 'static {
    /// The handling of one record. It owns what it needs: what the handler shares is best held in an `Arc`.
    type Future: Future<Output = Result<(), Failure>> + Send;

    /// Handles one record. An error has it called again, as the [`RetryPolicy`] says, and then the record goes to the
    /// dead letter topic.
    ///
    /// The future is dropped where it stands if the partition is taken away and it does not end in time; the record
    /// then counts as not handled.
    fn handle(&self, record: ConsumerRecord) -> Self::Future;
}

impl<F, Fut, E> Handler for F
where
    F: Fn(ConsumerRecord) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: Into<Failure>,
{
    type Future = ErrInto<Fut, Failure>;

    fn handle(&self, record: ConsumerRecord) -> Self::Future {
        self(record).err_into()
    }
}
