//! What a broker checks of a batch that a client sends, in Kafka's order and with its codes.

use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use kafka_core::records::{Batch, Batches, Compression, Decompressor, RecordView};
use kafka_core::{Error, ErrorKind};

use super::{Log, Refusal};
use crate::topics::TopicSettings;

impl Log {
    /// The one batch in a partition's part of a produce request, if its topic takes it.
    pub(crate) fn validate(
        records: Option<Bytes>,
        version: i16,
        settings: &TopicSettings,
        now: i64,
    ) -> Result<Batch, Refusal> {
        let batch = only_batch(records, version)?;
        let invalid = |message: String| Err(Refusal::new(ErrorCode::INVALID_RECORD, message));
        if version < 7 && batch.compression() == Compression::Zstd {
            return Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE.into());
        }
        if batch.base_offset() != 0 {
            return invalid(format!(
                "The baseOffset of the record batch should be 0, but it is {}",
                batch.base_offset()
            ));
        }
        if batch.size() > settings.max_message_bytes {
            return Err(Refusal::new(
                ErrorCode::MESSAGE_TOO_LARGE,
                format!(
                    "The record batch size is {} bytes which exceeds the maximum configured size of {}.",
                    batch.size(),
                    settings.max_message_bytes
                ),
            ));
        }
        batch.check_crc().map_err(|error| corrupt(&error))?;
        if batch.is_control() {
            return invalid("Clients are not allowed to write control records".to_owned());
        }
        if batch.count() <= 0 || i64::from(batch.count()) != batch.last_offset() + 1 {
            return invalid(format!("Inconsistent count of {} records", batch.count()));
        }
        if batch.producer_id() >= 0 && (batch.producer_epoch() < 0 || batch.base_sequence() < 0) {
            return invalid("Invalid epoch or sequence number in the record batch".to_owned());
        }
        if batch.size() > settings.segment_bytes {
            return Err(ErrorCode::RECORD_LIST_TOO_LARGE.into());
        }
        check_records(&batch, settings, now)?;
        Ok(batch)
    }
}

fn only_batch(records: Option<Bytes>, version: i16) -> Result<Batch, Refusal> {
    let invalid = |what: &str| {
        Refusal::new(
            ErrorCode::INVALID_RECORD,
            format!("Produce requests with version {version} are only allowed to contain {what}"),
        )
    };
    let mut batches = Batches::new(records.ok_or_else(|| invalid("exactly one record batch per partition"))?);
    let batch = match batches.next() {
        Some(Ok(batch)) => batch,
        Some(Err(error)) if *error.kind() == ErrorKind::Unsupported => {
            return Err(invalid("record batches with magic version 2"));
        }
        Some(Err(error)) => return Err(corrupt(&error)),
        None => return Err(invalid("exactly one record batch per partition")),
    };
    if batches.next().is_some() {
        return Err(invalid("exactly one record batch per partition"));
    }
    Ok(batch)
}

fn check_records(batch: &Batch, settings: &TopicSettings, now: i64) -> Result<(), Refusal> {
    let records = batch.records(&mut Decompressor::default()).map_err(|error| corrupt(&error))?;
    let mut refusal: Option<Refusal> = None;
    let mut expected = batch.base_offset();
    for (place, view) in (0..).zip(records.views()) {
        let view = view.map_err(|error| corrupt(&error))?;
        if let Some((code, message)) = complaint(&view, expected, settings, now) {
            let refusal =
                refusal.get_or_insert_with(|| Refusal::new(code, "One or more records have been rejected"));
            refusal.records.push((place, message));
        }
        expected += 1;
    }
    if expected != batch.base_offset() + i64::from(batch.count()) {
        return Err(Refusal::new(ErrorCode::INVALID_RECORD, "Fewer records than the batch announces"));
    }
    refusal.map_or(Ok(()), Err)
}

fn complaint(
    record: &RecordView<'_>,
    expected: i64,
    settings: &TopicSettings,
    now: i64,
) -> Option<(ErrorCode, String)> {
    if record.offset() != expected {
        let message = format!("Record at offset {} where {expected} was expected", record.offset());
        return Some((ErrorCode::INVALID_RECORD, message));
    }
    if settings.compact && record.key().is_none() {
        let message = "Compacted topic cannot accept message without key".to_owned();
        return Some((ErrorCode::INVALID_RECORD, message));
    }
    let (timestamp, ahead) = (record.timestamp(), record.timestamp().saturating_sub(now));
    let in_range = ahead <= settings.timestamp_after_max_ms
        && ahead.saturating_neg() <= settings.timestamp_before_max_ms;
    if !settings.log_append_time && timestamp >= 0 && !in_range {
        let message = format!("Timestamp {timestamp} is out of range; the broker's clock says {now}");
        return Some((ErrorCode::INVALID_TIMESTAMP, message));
    }
    None
}

fn corrupt(error: &Error) -> Refusal {
    Refusal::new(ErrorCode::CORRUPT_MESSAGE, error.to_string())
}
