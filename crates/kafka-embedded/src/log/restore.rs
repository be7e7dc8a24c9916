use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use kafka_core::records::Batch;

use super::partition_log::StoredBatch;
use super::segment::Segment;
use super::{Log, Producers};

/// A segment as it was found on disk; its batches were checked.
#[derive(Debug)]
pub(crate) struct FoundSegment {
    pub(crate) base_offset: i64,
    pub(crate) batches: Vec<Batch>,
}

impl Log {
    /// The log that was on disk. What lies before `start` was deleted, and left `former` behind.
    pub(crate) fn restore(
        found: Vec<FoundSegment>,
        start: i64,
        former: Producers,
        stored: Arc<AtomicU64>,
        now: i64,
    ) -> Self {
        let first = found.first().map_or(start, |segment| segment.base_offset);
        let mut log = Self::starting_at(first, stored);
        log.segments.clear();
        for segment in found {
            let mut into = Segment::new(segment.base_offset, now);
            log.end = log.end.max(segment.base_offset);
            for batch in segment.batches {
                let (base_offset, last_offset) = (batch.base_offset(), batch.last_offset());
                log.epochs.begin(batch.leader_epoch(), base_offset);
                log.end = last_offset.saturating_add(1);
                into.add(batch.size(), batch.max_timestamp());
                if last_offset < start {
                    into.forget(batch.size());
                    continue;
                }
                log.count(batch.size(), true);
                let (max_timestamp, bytes) = (batch.max_timestamp(), batch.bytes().clone());
                log.batches.push_back(StoredBatch { base_offset, last_offset, max_timestamp, bytes });
            }
            log.segments.push_back(into);
        }
        log.end = log.end.max(start);
        log.start = start.max(first);
        if log.segments.back().is_none_or(|last| last.size == 0 && last.gone > 0) {
            // What was in the last segment was deleted, so it ends here as it did then.
            log.segments.push_back(Segment::new(log.end, now));
        }
        log.epochs.advance_start(log.start);
        log.former = former;
        log.replay_producers();
        log
    }
}
