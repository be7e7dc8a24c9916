//! Batches for the script, good and broken, and what fetched ones say.

use bytes::Bytes;
use kafka_core::records::{
    BatchBuilder, Batches, Compression, Compressor, Header, NO_HEADERS, ProducerStamp,
};

use super::tree::Tree;

/// When the records of the script are said to be from: any time that is not now.
pub(crate) const TIME: i64 = 1_700_000_000_000;

/// A batch of so many records, written by nobody in particular.
pub(crate) fn batch(records: usize) -> Bytes {
    stamped(records, Compression::None, &ProducerStamp::NONE)
}

/// As [`batch`], compressed.
pub(crate) fn compressed(compression: Compression) -> Bytes {
    stamped(3, compression, &ProducerStamp::NONE)
}

/// As [`batch`], of a producer with an id.
pub(crate) fn numbered(producer_id: i64, epoch: i16, base_sequence: i32, records: usize) -> Bytes {
    let stamp = ProducerStamp { producer_id, epoch, base_sequence, transactional: false };
    stamped(records, Compression::None, &stamp)
}

/// As [`numbered`], within a transaction.
pub(crate) fn transactional(producer_id: i64, epoch: i16, base_sequence: i32, records: usize) -> Bytes {
    let stamp = ProducerStamp { producer_id, epoch, base_sequence, transactional: true };
    stamped(records, Compression::None, &stamp)
}

/// A batch of one record without a key.
pub(crate) fn keyless() -> Bytes {
    let mut builder = BatchBuilder::with_capacity(100);
    builder.append(TIME, None, Some(b"value"), NO_HEADERS).unwrap();
    finish(builder, Compression::None, &ProducerStamp::NONE)
}

/// A batch of one record of this size and from this time.
pub(crate) fn sized(bytes: usize, time: i64) -> Bytes {
    let mut builder = BatchBuilder::with_capacity(bytes + 100);
    builder.append(time, Some(b"key"), Some(&vec![7; bytes]), NO_HEADERS).unwrap();
    finish(builder, Compression::None, &ProducerStamp::NONE)
}

fn stamped(records: usize, compression: Compression, stamp: &ProducerStamp) -> Bytes {
    let mut builder = BatchBuilder::with_capacity(1000);
    for (number, time) in (0..records).zip(TIME..) {
        let (key, value) = (format!("key-{number}"), format!("value-{number}"));
        let headers = [Header::new("trace", "abc"), Header::null("none")];
        builder.append(time, Some(key.as_bytes()), Some(value.as_bytes()), &headers[..number % 3]).unwrap();
    }
    finish(builder, compression, stamp)
}

fn finish(builder: BatchBuilder, compression: Compression, stamp: &ProducerStamp) -> Bytes {
    builder.finish(compression, &mut Compressor::default(), stamp).unwrap().bytes()
}

/// Where the fields of a batch are.
pub(crate) mod at {
    pub(crate) const BASE_OFFSET: usize = 0;
    pub(crate) const LENGTH: usize = 8;
    pub(crate) const LEADER_EPOCH: usize = 12;
    pub(crate) const MAGIC: usize = 16;
    pub(crate) const CRC: usize = 17;
    pub(crate) const ATTRIBUTES: usize = 21;
    pub(crate) const LAST_OFFSET_DELTA: usize = 23;
    pub(crate) const BASE_TIMESTAMP: usize = 27;
    pub(crate) const MAX_TIMESTAMP: usize = 35;
    pub(crate) const PRODUCER_ID: usize = 43;
    pub(crate) const PRODUCER_EPOCH: usize = 51;
    pub(crate) const BASE_SEQUENCE: usize = 53;
    pub(crate) const COUNT: usize = 57;
    pub(crate) const RECORDS: usize = 61;
}

/// The batch with other bytes in this place, and with the checksum that they need.
pub(crate) fn patched(batch: &Bytes, place: usize, bytes: &[u8]) -> Bytes {
    let mut patched = batch.to_vec();
    patched[place..place + bytes.len()].copy_from_slice(bytes);
    checked(patched)
}

/// With the checksum that its bytes need.
pub(crate) fn checked(mut batch: Vec<u8>) -> Bytes {
    let crc = crc_fast::crc32_iscsi(&batch[at::ATTRIBUTES..]);
    batch[at::CRC..at::ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
    Bytes::from(batch)
}

/// The batch with other bytes in this place, whatever its checksum says.
pub(crate) fn damaged(batch: &Bytes, place: usize, bytes: &[u8]) -> Bytes {
    let mut damaged = batch.to_vec();
    damaged[place..place + bytes.len()].copy_from_slice(bytes);
    Bytes::from(damaged)
}

/// A batch's header with these bytes for records, of the right length and checksum.
pub(crate) fn with_payload(batch: &Bytes, payload: &[u8]) -> Bytes {
    let mut made = batch[..at::RECORDS].to_vec();
    made.extend_from_slice(payload);
    let length = i32::try_from(made.len() - at::LEADER_EPOCH).unwrap();
    made[at::LENGTH..at::LEADER_EPOCH].copy_from_slice(&length.to_be_bytes());
    checked(made)
}

/// What a record set says, field by field.
pub(super) fn describe(bytes: &[u8]) -> Tree {
    let mut batches = Batches::new(Bytes::copy_from_slice(bytes));
    let mut described = Vec::new();
    for batch in batches.by_ref() {
        let Ok(batch) = batch else {
            described.push(Tree::Leaf(format!("unreadable: {bytes:02x?}")));
            break;
        };
        let bytes = batch.bytes();
        let number = |from: usize, to: usize| {
            let negative = bytes[from] >= 0x80;
            let start = if negative { -1 } else { 0 };
            bytes[from..to].iter().fold(start, |sum: i64, byte| (sum << 8) | i64::from(*byte)).to_string()
        };
        let payload = String::from_utf8_lossy(&bytes[at::RECORDS..]).escape_debug().to_string();
        let fields = [
            ("base_offset", number(at::BASE_OFFSET, at::LENGTH)),
            ("length", number(at::LENGTH, at::LEADER_EPOCH)),
            ("leader_epoch", number(at::LEADER_EPOCH, at::MAGIC)),
            ("checksum", if batch.check_crc().is_ok() { "right" } else { "wrong" }.to_owned()),
            ("attributes", number(at::ATTRIBUTES, at::LAST_OFFSET_DELTA)),
            ("last_offset_delta", number(at::LAST_OFFSET_DELTA, at::BASE_TIMESTAMP)),
            ("base_timestamp", number(at::BASE_TIMESTAMP, at::MAX_TIMESTAMP)),
            ("max_timestamp", number(at::MAX_TIMESTAMP, at::PRODUCER_ID)),
            ("producer_id", number(at::PRODUCER_ID, at::PRODUCER_EPOCH)),
            ("producer_epoch", number(at::PRODUCER_EPOCH, at::BASE_SEQUENCE)),
            ("base_sequence", number(at::BASE_SEQUENCE, at::COUNT)),
            ("count", number(at::COUNT, at::RECORDS)),
            ("payload", payload),
        ];
        described.push(Tree::Fields(
            fields.map(|(name, value)| (name.to_owned(), Tree::Leaf(value))).into_iter().collect(),
        ));
    }
    let partial = batches.partial();
    if partial > 0 {
        described.push(Tree::Leaf(format!("{partial} bytes of another batch")));
    }
    Tree::List(described)
}
