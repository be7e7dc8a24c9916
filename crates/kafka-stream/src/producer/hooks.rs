use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::accumulator::Buffers;
use super::batch::Batch;
use super::delivery::Outcome;
use super::{ProduceError, ProduceErrorKind, ProducerRecord};

/// Sees every record on its way, and may change it (`interceptor.classes`, KIP-42).
///
/// Called on the producer's own path: an interceptor should be quick and must not block.
pub trait Interceptor: std::fmt::Debug + Send + Sync + 'static {
    /// Called by `send` before the partition is chosen; what it returns is sent.
    fn on_send<'a>(&self, record: ProducerRecord<'a>) -> ProducerRecord<'a> {
        record
    }

    /// Called once for each record that was accepted, when its outcome is known, awaited or not.
    fn on_acknowledgement(&self, record: &Acknowledgement<'_>) {
        let _ = record;
    }
}

/// What became of a record, as an [`Interceptor`] sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Acknowledgement<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset, or why there is none; `Ok(None)` where the broker does not tell it.
    pub result: Result<Option<i64>, &'a ProduceError>,
}

/// A snapshot of what a producer has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerStats {
    /// Records that were acknowledged (written to a socket, with `acks=0`).
    pub messages_sent: u64,
    /// Their bytes as encoded in batches, before compression.
    pub bytes_sent: u64,
    /// The bytes that went onto the wire for them, after compression.
    pub compressed_bytes_sent: u64,
    /// Records that were accepted and failed.
    pub send_errors: u64,
    /// Records that were refused by `send` or `try_send`.
    pub refused: u64,
    /// Batches that were sent again.
    pub retries: u64,
    /// Batches that were acknowledged.
    pub batches: u64,
    /// Produce requests that were sent.
    pub requests: u64,
    /// Records that are accepted and have no outcome yet.
    pub in_flight: u64,
    /// Bytes of `buffer_memory` that are free.
    pub buffer_available: u64,
    /// All bytes of `buffer_memory`.
    pub buffer_total: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) messages_sent: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    pub(crate) compressed_bytes_sent: AtomicU64,
    pub(crate) send_errors: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) requests: AtomicU64,
    /// Records that were sent at least once.
    pub(crate) on_wire: AtomicU64,
    /// Records that were sent at least once and have their outcome.
    pub(crate) answered: AtomicU64,
    /// Records that failed because the producer was closed.
    pub(crate) aborted: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// Counters and interceptors: who is told of every outcome.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) counters: Counters,
    pub(crate) interceptors: Vec<Arc<dyn Interceptor>>,
}

impl Hooks {
    pub(crate) fn on_send<'a>(&self, record: ProducerRecord<'a>) -> ProducerRecord<'a> {
        self.interceptors.iter().fold(record, |record, interceptor| interceptor.on_send(record))
    }

    /// Ends a batch: its memory is free, its senders and everyone else are told.
    pub(crate) fn finish(&self, batch: Batch, outcome: Outcome, buffers: &Buffers) {
        let completion = batch.completion.clone();
        let records = u64::from(batch.count().unsigned_abs());
        let counters = &self.counters;
        if batch.encoded().is_some() && !matches!(outcome, Outcome::Split(_)) {
            count(&counters.answered, records);
        }
        match &outcome {
            Outcome::Acked { .. } => {
                count(&counters.messages_sent, records);
                count(&counters.bytes_sent, batch.uncompressed_size() as u64);
                count(&counters.compressed_bytes_sent, batch.size() as u64);
                count(&counters.batches, 1);
            }
            Outcome::Failed(error) => {
                count(&counters.send_errors, records);
                if error.kind() == ProduceErrorKind::Closed {
                    count(&counters.aborted, records);
                }
                tracing::debug!(%error, records, "records could not be produced");
            }
            Outcome::Split(_) => {}
        }
        self.acknowledge(&batch, &outcome);
        batch.release(buffers, || completion.settle(outcome));
    }

    fn acknowledge(&self, batch: &Batch, outcome: &Outcome) {
        if self.interceptors.is_empty() || matches!(outcome, Outcome::Split(_)) {
            return;
        }
        for index in 0..i64::from(batch.count()) {
            let result = match outcome {
                Outcome::Acked { base_offset, .. } => Ok(base_offset.map(|base| base + index)),
                Outcome::Failed(error) => Err(error),
                Outcome::Split(_) => return,
            };
            let completion = &batch.completion;
            let (topic, partition) = (completion.topic().as_ref(), completion.partition());
            let record = Acknowledgement { topic, partition, result };
            self.interceptors.iter().for_each(|interceptor| interceptor.on_acknowledgement(&record));
        }
    }
}
