use kafka_core::protocol::ErrorCode;
use kafka_core::records::{Batch, EncodedBatch};

use super::partition_log::StoredBatch;
use super::producers::Written;
use super::{Log, Sequence};
use crate::topics::TopicSettings;

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// When the broker appended it, or -1 where the producer's time counts.
    pub(crate) append_time: i64,
}

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: Option<String>,
    /// Places of single records in the batch, and what is wrong with each.
    pub(crate) records: Vec<(i32, String)>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: None, records: Vec::new() }
    }
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()), records: Vec::new() }
    }
}

impl Log {
    /// Appends a batch that was checked by [`validate`](super::validate), unless it is there already or out of sequence.
    pub(crate) fn append(
        &mut self,
        batch: Batch,
        epoch: i32,
        settings: &TopicSettings,
        now: i64,
    ) -> Result<Appended, Refusal> {
        let sequence = (batch.producer_id() >= 0).then(|| {
            Sequence::new(batch.producer_id(), batch.producer_epoch(), batch.base_sequence(), batch.count())
        });
        if let Some(sequence) = &sequence {
            if let Some(known) = self.producers.duplicate(sequence) {
                return Ok(Appended { base_offset: known.base_offset, append_time: known.append_time });
            }
            self.producers.check(sequence)?;
        }
        Ok(self.write(batch, sequence, epoch, settings, now))
    }

    fn write(
        &mut self,
        batch: Batch,
        sequence: Option<Sequence>,
        epoch: i32,
        settings: &TopicSettings,
        now: i64,
    ) -> Appended {
        let (base_offset, count) = (self.end, batch.last_offset() - batch.base_offset());
        let (transactional, mut max_timestamp) = (batch.is_transactional(), batch.max_timestamp());
        let mut encoded = EncodedBatch::from(batch);
        let mut append_time = -1;
        if settings.log_append_time && encoded.set_log_append_time(now).is_ok() {
            append_time = now;
            max_timestamp = now;
        }
        encoded.set_base_offset(base_offset, epoch);
        let last_offset = base_offset.saturating_add(count);
        if let Some(sequence) = sequence {
            let written = Written { sequence, base_offset, last_offset, append_time };
            self.producers.append(written, transactional, max_timestamp);
        }
        self.push(StoredBatch { base_offset, last_offset, max_timestamp, bytes: encoded.bytes() });
        Appended { base_offset, append_time }
    }
}
