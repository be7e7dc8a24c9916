//! What a broker checks of a batch that a client sends, in Kafka's order and with its codes.

use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use kafka_core::records::{BATCH_OVERHEAD, Batch, Batches, Compression, Decompressor, RecordView};
use kafka_core::{Error, ErrorKind};

use super::append::too_large;
use super::{Log, Refusal};
use crate::topics::TopicSettings;

impl Log {
    /// The one batch in a partition's part of a produce request, if its topic takes it.
    pub(crate) fn validate(
        &self,
        records: Option<Bytes>,
        version: i16,
        settings: &TopicSettings,
        now: i64,
        decompressor: &mut Decompressor,
    ) -> Result<Batch, Refusal> {
        let by_log = |refusal: Refusal| Refusal { log_start_offset: self.start_offset(), ..refusal };
        let batch = only_batch(records, version).map_err(|refusal| match refusal.code {
            // Kafka looks for one batch before it looks for its log, and at the batch's header after that.
            ErrorCode::INVALID_RECORD if refusal.message.is_none() => by_log(refusal),
            _ => refusal,
        })?;
        let invalid = |message: String| Err(by_log(Refusal::new(ErrorCode::INVALID_RECORD, message)));
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
            return Err(too_large(batch.size(), settings));
        }
        batch.check_crc().map_err(|error| corrupt(&error))?;
        if batch.is_control() {
            return invalid("Clients are not allowed to write control records".to_owned());
        }
        if batch.count() <= 0 || i64::from(batch.count()) != batch.last_offset() + 1 {
            return invalid(format!("Inconsistent count of {} records", batch.count()));
        }
        if batch.producer_id() >= 0 && batch.base_sequence() < 0 {
            return invalid("Invalid sequence number in the record batch".to_owned());
        }
        if batch.size() > settings.segment_bytes {
            return Err(ErrorCode::RECORD_LIST_TOO_LARGE.into());
        }
        check_records(&batch, settings, now, decompressor).map_err(by_log)?;
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
    let records = records.ok_or_else(|| invalid("exactly one record batch per partition"))?;
    let is_whole = is_whole(&records);
    let mut batches = Batches::new(records);
    let batch = match batches.next() {
        Some(Ok(batch)) => batch,
        Some(Err(error)) if *error.kind() == ErrorKind::Unsupported => {
            return Err(invalid("record batches with magic version 2"));
        }
        Some(Err(_)) if is_whole => return Err(ErrorCode::INVALID_RECORD.into()),
        Some(Err(error)) => return Err(corrupt(&error)),
        None => return Err(invalid("exactly one record batch per partition")),
    };
    if batches.next().is_some() {
        return Err(invalid("exactly one record batch per partition"));
    }
    Ok(batch)
}

/// Whether the bytes are as many as the header says, which is of the format that there is: then what is wrong is a number in the header.
fn is_whole(records: &Bytes) -> bool {
    let length = records.get(8..12).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
    let length = length.and_then(|length| usize::try_from(length).ok());
    let is_known = records.get(16) == Some(&2);
    is_known
        && records.len() >= BATCH_OVERHEAD
        && length.is_some_and(|length| length.saturating_add(12) == records.len())
}

fn check_records(
    batch: &Batch,
    settings: &TopicSettings,
    now: i64,
    decompressor: &mut Decompressor,
) -> Result<(), Refusal> {
    // What cannot be decompressed is corrupt; what cannot be read then was never right.
    let unreadable = |error: Error| match batch.compression() {
        Compression::None => Refusal::new(ErrorCode::INVALID_RECORD, error.to_string()),
        _ => corrupt(&error),
    };
    let records = batch.records(decompressor).map_err(unreadable)?;
    let mut refusal: Option<Refusal> = None;
    let mut expected = batch.base_offset();
    for (place, view) in (0..).zip(records.views()) {
        let view = view.map_err(unreadable)?;
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
