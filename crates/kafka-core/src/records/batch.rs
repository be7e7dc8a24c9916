use bytes::Bytes;

use crate::records::batch_header::{
    BATCH_OVERHEAD, BatchHeader, CONTROL_BIT, DELETE_HORIZON_BIT, TRANSACTIONAL_BIT, batch_size, checksum,
};
use crate::records::error::corrupt;
use crate::records::{Compression, Decompressor, Records, TimestampType};
use crate::{Error, Result};

/// The batches of a record set, as a fetch response holds them.
///
/// A broker cuts the set off where the response is full, so the last batch may be partial: the iteration then ends
/// before it, and [`partial`](Self::partial) says so. After an error it ends too.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    /// Iterates over the batches in `record_set`; nothing is copied.
    pub fn new(record_set: Bytes) -> Self {
        Self { rest: record_set }
    }

    /// Bytes not yet iterated over; at the end, those of a batch that was cut off.
    pub fn partial(&self) -> usize {
        self.rest.len()
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let size = match batch_size(&self.rest) {
            Ok(Some(size)) if size <= self.rest.len() => size,
            Ok(_) => return None,
            Err(error) => return self.fail(error),
        };
        match BatchHeader::read(&self.rest, size) {
            Ok(header) => Some(Ok(Batch { header, bytes: self.rest.split_to(size) })),
            Err(error) => self.fail(error),
        }
    }
}

impl Batches {
    #[cold]
    fn fail(&mut self, error: Error) -> Option<Result<Batch>> {
        self.rest = Bytes::new();
        Some(Err(error))
    }
}

/// A complete batch: its header is read and plausible, its records are not looked at yet.
#[derive(Clone, Debug)]
pub struct Batch {
    header: BatchHeader,
    bytes: Bytes,
}

impl Batch {
    /// The offset of the batch's first record when it was written; compaction may have removed that record since.
    pub fn base_offset(&self) -> i64 {
        self.header.base_offset
    }

    /// The offset of the batch's last record when it was written. Consumption goes on at the one after it.
    pub fn last_offset(&self) -> i64 {
        // Checked when the header was read.
        self.header.base_offset.saturating_add(i64::from(self.header.last_offset_delta))
    }

    /// The leader's epoch when the batch was appended, -1 if unknown.
    pub fn leader_epoch(&self) -> i32 {
        self.header.leader_epoch
    }

    /// The id of the producer that wrote it, -1 without idempotence.
    pub fn producer_id(&self) -> i64 {
        self.header.producer_id
    }

    /// The producer's epoch, -1 without idempotence.
    pub fn producer_epoch(&self) -> i16 {
        self.header.producer_epoch
    }

    /// The sequence number of its first record, -1 without idempotence.
    pub fn base_sequence(&self) -> i32 {
        self.header.base_sequence
    }

    /// How many records it holds; 0 if compaction removed them all.
    pub fn count(&self) -> i32 {
        self.header.count
    }

    /// Whether it belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.header.attributes & TRANSACTIONAL_BIT != 0
    }

    /// Whether it holds control records, which are not for users; see [`ControlRecord`](crate::records::ControlRecord).
    pub fn is_control(&self) -> bool {
        self.header.attributes & CONTROL_BIT != 0
    }

    /// Whose clock its timestamps are from.
    pub fn timestamp_type(&self) -> TimestampType {
        self.header.timestamp_type()
    }

    /// The largest timestamp of its records in milliseconds, or the time of its append.
    pub fn max_timestamp(&self) -> i64 {
        self.header.max_timestamp
    }

    /// From when on compaction may remove the batch's tombstones and markers, in milliseconds, once it has been set (KIP-534).
    pub fn delete_horizon(&self) -> Option<i64> {
        (self.header.attributes & DELETE_HORIZON_BIT != 0).then_some(self.header.base_timestamp)
    }

    /// How its records are compressed.
    pub fn compression(&self) -> Compression {
        // Checked when the header was read.
        self.header.compression().unwrap_or_default()
    }

    /// Its bytes on the wire, header included.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The batch as it came from the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Compares the checksum with the batch's bytes (`check.crcs`).
    ///
    /// # Errors
    /// [`ErrorKind::CorruptRecords`](crate::ErrorKind::CorruptRecords) if they differ.
    pub fn check_crc(&self) -> Result<()> {
        let computed = checksum(&self.bytes);
        if computed == self.header.crc {
            return Ok(());
        }
        Err(corrupt(format_args!(
            "checksum {:#010x} in the batch at offset {}, computed {computed:#010x}",
            self.header.crc, self.header.base_offset
        )))
    }

    /// The records, decompressed if need be. Without compression they are slices of the batch.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptRecords`](crate::ErrorKind::CorruptRecords) if the compressed bytes are damaged or the
    /// count cannot be right; [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if they would take more memory
    /// than the [`Decompressor`] allows.
    pub fn records(&self, decompressor: &mut Decompressor) -> Result<Records> {
        let payload = self.bytes.slice(BATCH_OVERHEAD.min(self.bytes.len())..);
        let payload = match self.header.compression()? {
            Compression::None => payload,
            compression => decompressor.decompress(compression, &payload)?,
        };
        Records::new(&self.header, payload)
    }

    pub(super) fn header(&self) -> &BatchHeader {
        &self.header
    }

    pub(super) fn into_parts(self) -> (BatchHeader, Bytes) {
        (self.header, self.bytes)
    }
}
