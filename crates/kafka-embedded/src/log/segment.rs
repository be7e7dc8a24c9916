use crate::topics::TopicSettings;

/// A run of batches: the unit in which Kafka removes and compacts records, and a file where there is a disk.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) base_offset: i64,
    /// The bytes of its batches that are still there.
    pub(super) size: u64,
    /// The bytes before those, which are gone from memory and go from the disk with the whole segment.
    pub(super) gone: u64,
    /// Of the first batch, once there is one.
    pub(super) first_timestamp: Option<i64>,
    /// -1 where no batch has one.
    pub(super) max_timestamp: i64,
    /// The broker's time when it was begun or last cleaned.
    pub(super) touched: i64,
}

impl Segment {
    pub(super) fn new(base_offset: i64, now: i64) -> Self {
        Self { base_offset, size: 0, gone: 0, first_timestamp: None, max_timestamp: -1, touched: now }
    }

    pub(super) fn add(&mut self, bytes: usize, timestamp: i64) {
        self.size = self.size.saturating_add(u64::try_from(bytes).unwrap_or_default());
        self.first_timestamp.get_or_insert(timestamp);
        self.max_timestamp = self.max_timestamp.max(timestamp);
    }

    /// The first batch of the segment is no longer there.
    pub(super) fn forget(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or_default();
        self.size = self.size.saturating_sub(bytes);
        self.gone = self.gone.saturating_add(bytes);
    }

    /// The last batch of the segment is no longer there; how long its file is now.
    pub(super) fn cut(&mut self, bytes: usize) -> u64 {
        self.size = self.size.saturating_sub(u64::try_from(bytes).unwrap_or_default());
        self.size.saturating_add(self.gone)
    }

    /// Its age is counted from here (`retention.ms`).
    pub(super) fn latest_timestamp(&self) -> i64 {
        if self.max_timestamp >= 0 { self.max_timestamp } else { self.touched }
    }

    /// Whether a batch of these bytes with this timestamp belongs into a new segment (`segment.bytes`, `segment.ms`), and
    /// with it the offset that it ends at.
    pub(super) fn is_full_for(
        &self,
        bytes: usize,
        (timestamp, last_offset): (i64, i64),
        settings: &TopicSettings,
        now: i64,
    ) -> bool {
        if self.size == 0 {
            return last_offset.saturating_sub(self.base_offset) > i64::from(i32::MAX);
        }
        let limit = u64::try_from(settings.segment_bytes).unwrap_or(u64::MAX);
        let age = match self.first_timestamp {
            Some(first) if first >= 0 && timestamp >= 0 => timestamp.saturating_sub(first),
            _ => now.saturating_sub(self.touched),
        };
        self.size.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX)) > limit
            || age > settings.longest_segment_ms()
            || last_offset.saturating_sub(self.base_offset) > i64::from(i32::MAX)
    }
}
