use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use kafka_core::records::Batches;

use super::markers::Aborted;
use super::segment::Segment;
use super::{ActiveProducer, Epochs, Producers};
use crate::storage::{Change, LogPlace, Outbox};

/// What a batch takes beside its bytes, counted so that many small ones are bounded too.
const BATCH_OVERHEAD: u64 = 64;

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
    /// What the batches are divided into, at least one; the last is written to.
    pub(super) segments: VecDeque<Segment>,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) epochs: Epochs,
    pub(super) producers: Producers,
    /// What was known of producers where the log begins now.
    pub(super) former: Producers,
    /// In the order of their markers.
    pub(super) aborted: Vec<Aborted>,
    pub(super) size: u64,
    /// Up to where compaction has come.
    pub(super) cleaned: i64,
    /// Of all logs of the cluster.
    stored: Arc<AtomicU64>,
    disk: Option<(Outbox, Arc<LogPlace>)>,
}

impl Log {
    pub(crate) fn new(stored: Arc<AtomicU64>) -> Self {
        let mut log = Self::starting_at(0, stored);
        log.epochs.begin(0, 0);
        log
    }

    pub(super) fn starting_at(start: i64, stored: Arc<AtomicU64>) -> Self {
        Self {
            batches: VecDeque::new(),
            segments: VecDeque::from([Segment::new(start, 0)]),
            start,
            end: start,
            epochs: Epochs::default(),
            producers: Producers::default(),
            former: Producers::default(),
            aborted: Vec::new(),
            size: 0,
            cleaned: 0,
            stored,
            disk: None,
        }
    }

    /// Keeps the log on disk from now on; what it holds already is there.
    pub(crate) fn keep_at(&mut self, outbox: Outbox, place: LogPlace) {
        self.disk = Some((outbox, Arc::new(place)));
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.disk.is_some()
    }

    /// The log is not needed any more.
    pub(crate) fn discard(&self) {
        self.changed(|log| Change::RemoveLog { log });
    }

    pub(super) fn changed(&self, change: impl FnOnce(Arc<LogPlace>) -> Change) {
        if let Some((outbox, place)) = &self.disk {
            outbox.put(change(Arc::clone(place)));
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

    /// Whether the producer has a transaction open here.
    pub(crate) fn has_open_transaction(&self, producer_id: i64) -> bool {
        self.producers.has_open_transaction(producer_id)
    }

    /// The bytes of all records.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The idempotent producers that are remembered.
    pub(crate) fn producers(&self) -> impl Iterator<Item = ActiveProducer> {
        self.producers.iter()
    }

    pub(crate) fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    pub(crate) fn former_producers(&self) -> &Producers {
        &self.former
    }

    pub(crate) fn begin_epoch(&mut self, epoch: i32) {
        self.epochs.begin(epoch, self.end);
    }

    /// Appends to the last segment.
    pub(super) fn push(&mut self, batch: StoredBatch) {
        self.end = batch.last_offset.saturating_add(1);
        self.count(batch.bytes.len(), true);
        if let Some(segment) = self.segments.back_mut() {
            segment.add(batch.bytes.len(), batch.max_timestamp);
            let base = segment.base_offset;
            self.changed(|log| Change::Append { log, segment: base, batch: batch.bytes.clone() });
        }
        self.batches.push_back(batch);
    }

    /// Ends the last segment, and begins another.
    pub(super) fn roll(&mut self, now: i64) {
        let segment = self.end;
        self.segments.push_back(Segment::new(segment, now));
        self.changed(|log| Change::Begin { log, segment });
    }

    fn pop_back(&mut self) -> Option<StoredBatch> {
        let batch = self.batches.pop_back()?;
        self.count(batch.bytes.len(), false);
        Some(batch)
    }

    pub(super) fn count(&mut self, bytes: usize, added: bool) {
        let bytes = u64::try_from(bytes).unwrap_or_default();
        if added {
            self.size += bytes;
            self.stored.fetch_add(bytes + BATCH_OVERHEAD, Ordering::Relaxed);
        } else {
            self.size -= bytes;
            self.stored.fetch_sub(bytes + BATCH_OVERHEAD, Ordering::Relaxed);
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
    pub(crate) fn delete_before(&mut self, offset: i64, now: i64) {
        if offset <= self.start {
            return;
        }
        self.start = offset;
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.last_offset < offset) {
            self.count(batch.bytes.len(), false);
            let mut segments = self.segments.iter_mut().rev();
            if let Some(segment) = segments.find(|segment| segment.base_offset <= batch.base_offset) {
                segment.forget(batch.bytes.len());
            }
            if let Some(Ok(batch)) = Batches::new(batch.bytes).next() {
                self.former.replay(&batch);
            }
        }
        if self.batches.is_empty() && self.segments.back().is_some_and(|last| last.base_offset < self.end) {
            self.roll(now);
        }
        while self.segments.get(1).is_some_and(|next| next.base_offset <= offset) {
            if let Some(gone) = self.segments.pop_front() {
                self.changed(|log| Change::Remove { log, segment: gone.base_offset });
            }
        }
        self.epochs.advance_start(offset);
        self.aborted.retain(|aborted| aborted.last_offset >= offset);
    }

    /// Cuts the log off, as a replica does that follows another leader; returns where it ends now. Batches are not
    /// divided.
    pub(crate) fn truncate(&mut self, offset: i64) -> i64 {
        while self.batches.back().is_some_and(|batch| batch.last_offset >= offset) {
            let Some(batch) = self.pop_back() else { break };
            self.end = batch.base_offset;
            while self.segments.len() > 1
                && self.segments.back().is_some_and(|last| last.base_offset > batch.base_offset)
            {
                if let Some(gone) = self.segments.pop_back() {
                    self.changed(|log| Change::Remove { log, segment: gone.base_offset });
                }
            }
            if let Some(last) = self.segments.back_mut() {
                let (segment, size) = (last.base_offset, last.cut(batch.bytes.len()));
                self.changed(|log| Change::Truncate { log, segment, size });
            }
        }
        self.start = self.start.min(self.end);
        self.cleaned = self.cleaned.min(self.end);
        self.epochs.truncate(self.end.max(1));
        self.replay_producers();
        self.end
    }

    /// Puts other bytes in the place of the batch that holds `offset`; what was there.
    pub(crate) fn replace_batch(
        &mut self,
        offset: i64,
        other: impl FnOnce(&Bytes) -> Bytes,
    ) -> Option<Bytes> {
        let at = self.index_of(offset);
        let batch = self.batches.get_mut(at).filter(|batch| batch.base_offset <= offset)?;
        let new = other(&batch.bytes);
        let (size, former) = (new.len(), std::mem::replace(&mut batch.bytes, new));
        self.count(former.len(), false);
        self.count(size, true);
        Some(former)
    }

    /// Forgets producers that wrote nothing since then (`producer.id.expiration.ms`).
    pub(crate) fn expire_producers(&mut self, before: i64) {
        self.producers.expire(before);
        self.former.expire(before);
    }

    /// Learns from the batches what is known of producers.
    pub(super) fn replay_producers(&mut self) {
        let mut producers = self.former.clone();
        self.aborted.clear();
        for stored in &self.batches {
            if let Some(Ok(batch)) = Batches::new(stored.bytes.clone()).next() {
                self.aborted.extend(producers.replay(&batch));
            }
        }
        self.producers = producers;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let overhead = BATCH_OVERHEAD * u64::try_from(self.batches.len()).unwrap_or_default();
        self.stored.fetch_sub(self.size + overhead, Ordering::Relaxed);
    }
}
