use crate::records::error::corrupt;
use crate::records::{Compression, TimestampType};
use crate::{Error, ErrorKind, Result};

/// Bytes that every batch has before its records.
pub const BATCH_OVERHEAD: usize = 61;
/// Bytes before the length's end; the length counts what follows them.
pub(super) const LOG_OVERHEAD: usize = 12;

pub(super) const LENGTH_AT: usize = 8;
pub(super) const LEADER_EPOCH_AT: usize = 12;
const MAGIC_AT: usize = 16;
pub(super) const CRC_AT: usize = 17;
pub(super) const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const BASE_TIMESTAMP_AT: usize = 27;
pub(super) const MAX_TIMESTAMP_AT: usize = 35;
pub(super) const PRODUCER_ID_AT: usize = 43;
const COUNT_AT: usize = 57;

const MAGIC: u8 = 2;

pub(super) const CODEC_MASK: i16 = 0x07;
pub(super) const TIMESTAMP_TYPE_BIT: i16 = 0x08;
pub(super) const TRANSACTIONAL_BIT: i16 = 0x10;
pub(super) const CONTROL_BIT: i16 = 0x20;
pub(super) const DELETE_HORIZON_BIT: i16 = 0x40;

/// The 61 bytes before a batch's records (`RecordBatch` format 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) base_offset: i64,
    pub(super) length: usize,
    pub(super) leader_epoch: i32,
    pub(super) crc: u32,
    pub(super) attributes: i16,
    pub(super) last_offset_delta: i32,
    pub(super) base_timestamp: i64,
    pub(super) max_timestamp: i64,
    pub(super) producer_id: i64,
    pub(super) producer_epoch: i16,
    pub(super) base_sequence: i32,
    pub(super) count: i32,
}

/// How many bytes the batch at the start of `bytes` has in all; `None` if not even that can be read yet.
///
/// Older formats keep their version in the same place, so they are told apart here.
pub(super) fn batch_size(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(head) = bytes.first_chunk::<{ MAGIC_AT + 1 }>() else {
        return Ok(None);
    };
    let magic = head[MAGIC_AT];
    if magic < MAGIC {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "records have format version {magic}, which brokers before 0.11 wrote; only version 2 is read: have the \
                 broker rewrite the topic (log.message.format.version)"
            ),
        ));
    }
    if magic > MAGIC {
        return Err(corrupt(format_args!("format version {magic}")));
    }
    let length = i32::from_be_bytes(array(head, LENGTH_AT));
    match usize::try_from(length) {
        Ok(length) if length >= BATCH_OVERHEAD - LOG_OVERHEAD => Ok(Some(length + LOG_OVERHEAD)),
        _ => Err(corrupt(format_args!("a length of {length}"))),
    }
}

impl BatchHeader {
    /// Reads the header of a batch whose [`batch_size`] is `size`.
    pub(super) fn read(bytes: &[u8], size: usize) -> Result<Self> {
        let Some(head) = bytes.first_chunk::<BATCH_OVERHEAD>() else {
            return Err(corrupt("it ends inside its header"));
        };
        let header = Self {
            base_offset: i64::from_be_bytes(array(head, 0)),
            length: size,
            leader_epoch: i32::from_be_bytes(array(head, LEADER_EPOCH_AT)),
            crc: u32::from_be_bytes(array(head, CRC_AT)),
            attributes: i16::from_be_bytes(array(head, ATTRIBUTES_AT)),
            last_offset_delta: i32::from_be_bytes(array(head, LAST_OFFSET_DELTA_AT)),
            base_timestamp: i64::from_be_bytes(array(head, BASE_TIMESTAMP_AT)),
            max_timestamp: i64::from_be_bytes(array(head, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(array(head, PRODUCER_ID_AT)),
            producer_epoch: i16::from_be_bytes(array(head, PRODUCER_ID_AT + 8)),
            base_sequence: i32::from_be_bytes(array(head, PRODUCER_ID_AT + 10)),
            count: i32::from_be_bytes(array(head, COUNT_AT)),
        };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<()> {
        if self.count < 0 {
            return Err(corrupt(format_args!("a count of {} records", self.count)));
        }
        if self.last_offset_delta < 0 {
            return Err(corrupt(format_args!("a last offset of {} past the first", self.last_offset_delta)));
        }
        if self.base_offset < 0 || self.base_offset.checked_add(i64::from(self.last_offset_delta)).is_none() {
            return Err(corrupt(format_args!("a first offset of {}", self.base_offset)));
        }
        self.compression().map(drop)
    }

    /// Writes all but length and checksum, which [`seal`] adds.
    pub(super) fn write(&self, head: &mut [u8; BATCH_OVERHEAD]) {
        put(head, 0, self.base_offset.to_be_bytes());
        put(head, LEADER_EPOCH_AT, self.leader_epoch.to_be_bytes());
        put(head, MAGIC_AT, [MAGIC]);
        put(head, ATTRIBUTES_AT, self.attributes.to_be_bytes());
        put(head, LAST_OFFSET_DELTA_AT, self.last_offset_delta.to_be_bytes());
        put(head, BASE_TIMESTAMP_AT, self.base_timestamp.to_be_bytes());
        put(head, MAX_TIMESTAMP_AT, self.max_timestamp.to_be_bytes());
        put(head, PRODUCER_ID_AT, self.producer_id.to_be_bytes());
        put(head, PRODUCER_ID_AT + 8, self.producer_epoch.to_be_bytes());
        put(head, PRODUCER_ID_AT + 10, self.base_sequence.to_be_bytes());
        put(head, COUNT_AT, self.count.to_be_bytes());
    }

    pub(super) fn compression(&self) -> Result<Compression> {
        Compression::from_attribute(self.attributes & CODEC_MASK)
            .ok_or_else(|| corrupt(format_args!("compression codec {}", self.attributes & CODEC_MASK)))
    }

    pub(super) fn timestamp_type(&self) -> TimestampType {
        if self.attributes & TIMESTAMP_TYPE_BIT == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }
}

/// Writes length and checksum of the complete batch in `bytes`.
pub(super) fn seal(bytes: &mut [u8]) -> Result<()> {
    let length = bytes.len().checked_sub(LOG_OVERHEAD).and_then(|len| i32::try_from(len).ok());
    let Some(length) = length else {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "record batch exceeds 2 GiB; send fewer records in one batch",
        ));
    };
    put(bytes, LENGTH_AT, length.to_be_bytes());
    let crc = checksum(bytes);
    put(bytes, CRC_AT, crc.to_be_bytes());
    Ok(())
}

/// The CRC-32C of a batch, over all that follows the field which holds it.
pub(super) fn checksum(batch: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(batch.get(ATTRIBUTES_AT..).unwrap_or_default())
}

/// Overwrites a field; one that lies outside is left alone.
pub(super) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(field) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<N>()) {
        *field = value;
    }
}

/// Reads a field; one that lies outside reads as zero.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}
