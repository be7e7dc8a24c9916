use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};

use super::markers::Aborted;
use super::{Epochs, Producers};

/// A batch in the log, with what is asked of it most at hand.
#[derive(Clone, Debug)]
pub(super) struct StoredBatch {
    pub(super) base_offset: i64,
    pub(super) last_offset: i64,
    pub(super) max_timestamp: i64,
    pub(super) bytes: Bytes,
}

/// The records of a partition.
#[derive(Debug)]
pub(crate) struct Log {
    pub(super) batches: VecDeque<StoredBatch>,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) epochs: Epochs,
    pub(super) producers: Producers,
    /// In the order of their markers.
    pub(super) aborted: Vec<Aborted>,
    pub(super) size: u64,
    /// Of all logs of the cluster.
    stored: Arc<AtomicU64>,
}

impl Log {
    pub(crate) fn new(stored: Arc<AtomicU64>) -> Self {
        let mut epochs = Epochs::default();
        epochs.begin(0, 0);
        Self {
            batches: VecDeque::new(),
            start: 0,
            end: 0,
            epochs,
            producers: Producers::default(),
            aborted: Vec::new(),
            size: 0,
            stored,
        }
    }

    /// The first offset that can be read.
    pub(crate) fn start_offset(&self) -> i64 {
        self.start
    }

    /// The offset that the next record gets. All replicas share the log, so it is the high watermark too.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end
    }

    /// Up to where readers of committed records may read.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        self.producers.first_open_transaction().unwrap_or(self.end)
    }

    pub(crate) fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    pub(crate) fn begin_epoch(&mut self, epoch: i32) {
        self.epochs.begin(epoch, self.end);
    }

    pub(super) fn push(&mut self, batch: StoredBatch) {
        self.end = batch.last_offset.saturating_add(1);
        self.count(batch.bytes.len(), true);
        self.batches.push_back(batch);
    }

    pub(super) fn pop_front(&mut self) -> Option<StoredBatch> {
        let batch = self.batches.pop_front()?;
        self.count(batch.bytes.len(), false);
        Some(batch)
    }

    fn pop_back(&mut self) -> Option<StoredBatch> {
        let batch = self.batches.pop_back()?;
        self.count(batch.bytes.len(), false);
        Some(batch)
    }

    fn count(&mut self, bytes: usize, added: bool) {
        let bytes = u64::try_from(bytes).unwrap_or_default();
        if added {
            self.size += bytes;
            self.stored.fetch_add(bytes, Ordering::Relaxed);
        } else {
            self.size -= bytes;
            self.stored.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// The index of the batch that holds `offset`, or of the first one after it.
    pub(super) fn index_of(&self, offset: i64) -> usize {
        self.batches.partition_point(|batch| batch.last_offset < offset)
    }

    /// How many bytes of whole batches there are from `offset` to before `limit`.
    pub(crate) fn readable_bytes(&self, offset: i64, limit: i64, max: usize) -> usize {
        let mut size = 0;
        for batch in self.batches.range(self.index_of(offset)..) {
            if batch.base_offset >= limit || size >= max {
                break;
            }
            size += batch.bytes.len();
        }
        size.min(max)
    }

    /// The whole batches from `offset` to before `limit` that fit into `max_bytes`; with `at_least_one` the first comes even
    /// if it does not fit.
    pub(crate) fn read(&self, offset: i64, limit: i64, max_bytes: usize, at_least_one: bool) -> Bytes {
        let first = self.index_of(offset);
        let (mut size, mut count) = (0usize, 0);
        for batch in self.batches.range(first..) {
            let fits = size.saturating_add(batch.bytes.len()) <= max_bytes || count == 0 && at_least_one;
            if batch.base_offset >= limit || !fits {
                break;
            }
            size += batch.bytes.len();
            count += 1;
        }
        let mut batches = self.batches.range(first..).take(count);
        if count == 1 {
            return batches.next().map(|batch| batch.bytes.clone()).unwrap_or_default();
        }
        let mut bytes = BytesMut::with_capacity(size);
        for batch in batches {
            bytes.extend_from_slice(&batch.bytes);
        }
        bytes.freeze()
    }

    /// Removes what lies before `offset`, which must not lie beyond the end.
    pub(crate) fn delete_before(&mut self, offset: i64) {
        if offset <= self.start {
            return;
        }
        self.start = offset;
        while self.batches.front().is_some_and(|batch| batch.last_offset < offset) {
            self.pop_front();
        }
        self.epochs.advance_start(offset);
        self.aborted.retain(|aborted| aborted.last_offset >= offset);
    }

    /// Cuts the log off, as a replica does that follows another leader; returns where it ends now. Batches are not
    /// divided.
    pub(crate) fn truncate(&mut self, offset: i64) -> i64 {
        while self.batches.back().is_some_and(|batch| batch.last_offset >= offset) {
            if let Some(batch) = self.pop_back() {
                self.end = batch.base_offset;
            }
        }
        self.start = self.start.min(self.end);
        self.epochs.truncate(self.end.max(1));
        self.producers.truncate(self.end);
        let end = self.end;
        self.aborted.retain(|aborted| aborted.last_offset < end);
        self.end
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stored.fetch_sub(self.size, Ordering::Relaxed);
    }
}
