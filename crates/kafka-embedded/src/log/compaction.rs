//! Compaction (`cleanup.policy=compact`): of each key only the latest value stays.
//!
//! As in Kafka it takes whole segments, never the one that is written to and none with an open transaction, and starts when
//! enough has been written since the last time (`min.cleanable.dirty.ratio`) or something waits for too long
//! (`max.compaction.lag.ms`). Offsets stay, so that gaps appear; so does each producer's last batch, for its numbers.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use kafka_core::Result;
use kafka_core::records::{Batches, Compressor, Decompressor, RecordView};

use super::Log;
use super::partition_log::StoredBatch;
use super::segment::Segment;
use super::transactions_left::TransactionsLeft;
use crate::storage::Change;
use crate::topics::TopicSettings;

impl Log {
    /// Compacts the log if there is enough to do.
    pub(crate) fn compact(&mut self, settings: &TopicSettings, now: i64) {
        if !settings.compact {
            return;
        }
        let Some((segments, until)) = self.cleanable(settings, now) else { return };
        // What cannot be read stays as it is; it was checked when it came, so this is never seen.
        if let Ok(cleaned) = self.clean(segments, until, settings, now) {
            self.put_in_place(segments, cleaned, settings, now);
            self.cleaned = until;
        }
    }

    /// How many segments are to be compacted, and where they end; `None` while it is not worth it.
    fn cleanable(&self, settings: &TopicSettings, now: i64) -> Option<(usize, i64)> {
        let stable = self.last_stable_offset();
        let (mut count, mut until, mut clean, mut dirty) = (0, self.start, 0, 0);
        let mut waits_too_long = false;
        let ends = self.segments.iter().skip(1).map(|next| next.base_offset);
        for (segment, end) in self.segments.iter().zip(ends) {
            let is_dirty = end > self.cleaned;
            let is_young = settings.min_compaction_lag_ms > 0
                && segment.latest_timestamp() > now.saturating_sub(settings.min_compaction_lag_ms);
            if end > stable || is_dirty && is_young {
                break;
            }
            if is_dirty {
                dirty += segment.size;
                let since = segment.first_timestamp.filter(|&first| first >= 0).unwrap_or(segment.touched);
                waits_too_long |= now.saturating_sub(since) > settings.max_compaction_lag_ms;
            } else {
                clean += segment.size;
            }
            (count, until) = (count + 1, end);
        }
        let ratio = dirty as f64 / (clean + dirty).max(1) as f64;
        let is_due = dirty > 0 && (waits_too_long || ratio > settings.min_cleanable_dirty_ratio);
        is_due.then_some((count, until))
    }

    /// What is left of the first segments, for each of them.
    fn clean(
        &mut self,
        segments: usize,
        until: i64,
        settings: &TopicSettings,
        now: i64,
    ) -> Result<Vec<Vec<StoredBatch>>> {
        let latest = self.latest_offsets(until)?;
        let mut transactions = TransactionsLeft::new(&self.aborted, until);
        let last_batches: BTreeMap<_, _> =
            self.producers.last_batches().map(|(id, epoch, last)| (id, (epoch, last))).collect();
        let (mut compressor, mut decompressor) =
            (Compressor::new(settings.compression_levels), Decompressor::default());
        let ends: Vec<i64> =
            self.segments.iter().skip(1).take(segments).map(|next| next.base_offset).collect();
        let mut left: Vec<Vec<StoredBatch>> = Vec::with_capacity(segments);
        let mut batches = self.batches.iter().peekable();
        for end in ends {
            let mut kept = Vec::new();
            while let Some(stored) = batches.next_if(|stored| stored.base_offset < end) {
                let Some(batch) = Batches::new(stored.bytes.clone()).next().transpose()? else { continue };
                let useless = transactions.is_useless(&batch);
                let horizon_passed = batch.delete_horizon().is_some_and(|horizon| horizon <= now);
                let discard = useless && (!batch.is_control() || horizon_passed);
                let says_last_of_producer = match last_batches.get(&batch.producer_id()) {
                    Some((_, Some(last))) => *last == batch.last_offset(),
                    Some((epoch, None)) => batch.is_control() && batch.producer_epoch() == *epoch,
                    None => false,
                };
                // The last batch of all says where the log went on.
                let may_be_empty = says_last_of_producer || batch.last_offset() + 1 == until;
                let stays = |view: &RecordView<'_>| {
                    if discard || batch.is_control() {
                        return !discard;
                    }
                    let is_latest = |key| latest.get(key).is_none_or(|&latest| view.offset() >= latest);
                    view.key().is_some_and(is_latest) && (view.value().is_some() || !horizon_passed)
                };
                let (mut tombstones, mut stay, mut count) = (false, 0, 0);
                for view in batch.records(&mut decompressor)?.views() {
                    let view = view?;
                    count += 1;
                    if stays(&view) {
                        stay += 1;
                        tombstones |= view.value().is_none();
                    }
                }
                let will_go = tombstones || useless && batch.is_control();
                let horizon = (will_go && batch.delete_horizon().is_none())
                    .then(|| now.saturating_add(settings.delete_retention_ms));
                if stay == 0 && !may_be_empty {
                    continue;
                }
                if stay == count && horizon.is_none() {
                    kept.push(stored.clone());
                    continue;
                }
                let batch = batch.retain(stays, horizon, &mut compressor, &mut decompressor)?;
                let (max_timestamp, bytes) = (batch.max_timestamp(), batch.bytes());
                kept.push(StoredBatch { max_timestamp, bytes, ..*stored });
            }
            left.push(kept);
        }
        self.aborted.retain(|aborted| aborted.last_offset >= until);
        let mut aborted = transactions.left;
        aborted.append(&mut self.aborted);
        self.aborted = aborted;
        Ok(left)
    }

    /// Where each key was written last, in what was written since the last time.
    fn latest_offsets(&self, until: i64) -> Result<HashMap<Bytes, i64>> {
        let mut latest = HashMap::new();
        let mut transactions = TransactionsLeft::new(&self.aborted, until);
        let mut decompressor = Decompressor::default();
        for stored in self.batches.iter().take_while(|stored| stored.base_offset < until) {
            let Some(batch) = Batches::new(stored.bytes.clone()).next().transpose()? else { continue };
            let useless = transactions.is_useless(&batch);
            if batch.is_control() || useless || batch.last_offset() < self.cleaned {
                continue;
            }
            for record in batch.records(&mut decompressor)? {
                let record = record?;
                if let Some(key) = record.key.filter(|_| record.offset >= self.cleaned) {
                    latest.insert(key, record.offset);
                }
            }
        }
        Ok(latest)
    }

    /// Puts what is left in the place of the first segments, several of them joined where they fit into one.
    fn put_in_place(
        &mut self,
        segments: usize,
        cleaned: Vec<Vec<StoredBatch>>,
        settings: &TopicSettings,
        now: i64,
    ) {
        let limit = u64::try_from(settings.segment_bytes).unwrap_or(u64::MAX);
        let active = self.segments.split_off(segments);
        let replaced = std::mem::replace(&mut self.segments, VecDeque::with_capacity(active.len() + 1));
        let until = active.front().map_or(self.end, |next| next.base_offset);
        let kept_behind = self.batches.split_off(self.index_of(until));
        for gone in std::mem::replace(&mut self.batches, VecDeque::with_capacity(kept_behind.len())) {
            self.count(gone.bytes.len(), false);
        }
        let mut groups: Vec<(Vec<Segment>, Vec<StoredBatch>, u64)> = Vec::new();
        for (segment, batches) in replaced.into_iter().zip(cleaned) {
            match groups.last_mut() {
                Some((group, joined, size)) if *size + segment.size <= limit => {
                    *size += segment.size;
                    group.push(segment);
                    joined.extend(batches);
                }
                _ => groups.push((vec![segment.clone()], batches, segment.size)),
            }
        }
        for (group, batches, _) in groups {
            let Some(first) = group.first() else { continue };
            let mut segment = Segment::new(first.base_offset, now);
            for batch in &batches {
                segment.add(batch.bytes.len(), batch.max_timestamp);
                self.count(batch.bytes.len(), true);
            }
            let segments: Vec<i64> = group.iter().map(|segment| segment.base_offset).collect();
            let bytes: Vec<Bytes> = batches.iter().map(|batch| batch.bytes.clone()).collect();
            self.changed(|log| Change::Replace { log, segments, batches: bytes });
            self.segments.push_back(segment);
            self.batches.extend(batches);
        }
        self.segments.extend(active);
        self.batches.extend(kept_behind);
    }
}
