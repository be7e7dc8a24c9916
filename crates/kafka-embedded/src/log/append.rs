use kafka_core::protocol::ErrorCode;
use kafka_core::records::{Batch, Compressor, Decompressor, EncodedBatch};

use super::partition_log::StoredBatch;
use super::producers::Written;
use super::{Log, Sequence};
use crate::topics::TopicSettings;

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// When the broker appended it, or -1 where the producer's time counts. What was there already has the time of its latest
    /// record, whoever gave it.
    pub(crate) append_time: i64,
}

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: Option<String>,
    /// Places of single records in the batch, and what is wrong with each.
    pub(crate) records: Vec<(i32, String)>,
    /// Where the log starts, if it was the log that refused the batch; else -1.
    pub(crate) log_start_offset: i64,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: None, records: Vec::new(), log_start_offset: -1 }
    }
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::from(code) }
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
                return Ok(Appended { base_offset: known.base_offset, append_time: known.max_timestamp });
            }
            self.producers.check(sequence)?;
            if self.producers.has_open_transaction(sequence.producer_id) && !batch.is_transactional() {
                return Err(ErrorCode::INVALID_TXN_STATE.into());
            }
        }
        self.write(&batch, sequence, epoch, settings, now)
    }

    fn write(
        &mut self,
        batch: &Batch,
        sequence: Option<Sequence>,
        epoch: i32,
        settings: &TopicSettings,
        now: i64,
    ) -> Result<Appended, Refusal> {
        let (base_offset, count) = (self.end, batch.last_offset() - batch.base_offset());
        let last_offset = base_offset.saturating_add(count);
        let (mut encoded, compressed) = stored_form(batch, settings)?;
        let (mut append_time, mut max_timestamp) = (-1, batch.max_timestamp());
        if settings.log_append_time && encoded.set_log_append_time(now).is_ok() {
            append_time = now;
            max_timestamp = now;
        }
        encoded.set_base_offset(base_offset, epoch);
        if compressed && encoded.size() > settings.max_message_bytes {
            return Err(too_large(encoded.size(), settings));
        }
        let segment = self.segments.back();
        if segment.is_some_and(|segment| {
            segment.is_full_for(encoded.size(), (max_timestamp, last_offset), settings, now)
        }) {
            self.roll(now);
        }
        if let Some(sequence) = sequence {
            let written = Written { sequence, base_offset, last_offset, max_timestamp };
            self.producers.append(written, batch.is_transactional(), max_timestamp);
        }
        self.push(StoredBatch { base_offset, last_offset, max_timestamp, bytes: encoded.bytes() });
        Ok(Appended { base_offset, append_time })
    }
}

/// The batch in memory of its own, which keeps no request alive, and in the topic's own codec if it has one
/// (`compression.type`); whether that is another than the producer's.
fn stored_form(batch: &Batch, settings: &TopicSettings) -> Result<(EncodedBatch, bool), Refusal> {
    match settings.compression.filter(|&codec| codec != batch.compression()) {
        None => Ok((EncodedBatch::copied_from(batch), false)),
        Some(codec) => {
            let mut compressor = Compressor::new(settings.compression_levels);
            let encoded = batch.recompress(codec, &mut compressor, &mut Decompressor::default());
            let encoded =
                encoded.map_err(|error| Refusal::new(ErrorCode::CORRUPT_MESSAGE, error.to_string()))?;
            Ok((encoded, true))
        }
    }
}

pub(super) fn too_large(size: usize, settings: &TopicSettings) -> Refusal {
    let limit = settings.max_message_bytes;
    Refusal::new(
        ErrorCode::MESSAGE_TOO_LARGE,
        format!(
            "The record batch size is {size} bytes which exceeds the maximum configured size of {limit}."
        ),
    )
}
