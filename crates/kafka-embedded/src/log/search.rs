use kafka_core::records::{Batches, Decompressor};

use super::Log;
use super::partition_log::StoredBatch;

/// A place in the log that was looked for by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundOffset {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
}

impl Log {
    /// The first record before `limit` that is not older than `timestamp`.
    pub(crate) fn offset_at_time(&self, timestamp: i64, limit: i64) -> Option<FoundOffset> {
        self.batches
            .iter()
            .filter(|batch| batch.max_timestamp >= timestamp)
            .find_map(|batch| self.first_in(batch, timestamp))
            .filter(|found| found.offset < limit)
    }

    /// The first of the youngest records (KIP-734).
    pub(crate) fn offset_of_max_timestamp(&self) -> Option<FoundOffset> {
        let youngest = self.batches.iter().map(|batch| batch.max_timestamp).max()?;
        let batch = self.batches.iter().find(|batch| batch.max_timestamp == youngest)?;
        self.first_in(batch, youngest)
    }

    fn first_in(&self, batch: &StoredBatch, timestamp: i64) -> Option<FoundOffset> {
        let batch = Batches::new(batch.bytes.clone()).next()?.ok()?;
        let records = batch.records(&mut Decompressor::default()).ok()?;
        let views = records.views().map_while(Result::ok);
        views
            .map(|view| FoundOffset { offset: view.offset(), timestamp: view.timestamp() })
            .find(|found| found.timestamp >= timestamp && found.offset >= self.start)
    }
}
