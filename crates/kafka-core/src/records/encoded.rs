use bytes::{Bytes, BytesMut};

use crate::Result;
use crate::records::batch_header::{
    ATTRIBUTES_AT, BatchHeader, CONTROL_BIT, LEADER_EPOCH_AT, MAX_TIMESTAMP_AT, PRODUCER_ID_AT,
    TIMESTAMP_TYPE_BIT, TRANSACTIONAL_BIT, put, seal,
};
use crate::records::{BATCH_OVERHEAD, Batch, Compression};

/// Who writes a batch, and where in that producer's sequence it stands (idempotence, KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The producer's id, -1 without idempotence.
    pub producer_id: i64,
    /// The id's epoch, -1 without idempotence.
    pub epoch: i16,
    /// The sequence number of the batch's first record, -1 without idempotence.
    pub base_sequence: i32,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
}

impl ProducerStamp {
    /// The stamp of a producer that is not idempotent.
    pub const NONE: Self = Self { producer_id: -1, epoch: -1, base_sequence: -1, transactional: false };

    pub(super) fn attributes(&self) -> i16 {
        if self.transactional { TRANSACTIONAL_BIT } else { 0 }
    }
}

impl Default for ProducerStamp {
    fn default() -> Self {
        Self::NONE
    }
}

/// What an encoded batch remembers that its bytes do not say at a glance.
pub(super) struct Envelope {
    pub(super) compression: Compression,
    pub(super) uncompressed_size: usize,
}

/// A complete batch: header, checksum and (compressed) records, ready to be sent as often as needed.
#[derive(Clone, Debug)]
pub struct EncodedBatch {
    bytes: Bytes,
    header: BatchHeader,
    compression: Compression,
    uncompressed_size: usize,
}

impl EncodedBatch {
    pub(super) fn seal(header: BatchHeader, mut buffer: Vec<u8>, envelope: Envelope) -> Result<Self> {
        if let Some(head) = buffer.first_chunk_mut::<BATCH_OVERHEAD>() {
            header.write(head);
        }
        seal(&mut buffer)?;
        Ok(Self {
            bytes: Bytes::from(buffer),
            header,
            compression: envelope.compression,
            uncompressed_size: envelope.uncompressed_size,
        })
    }

    /// The batch in memory of its own: what it came in is not kept alive, and nothing has to be copied to change it.
    pub fn copied_from(batch: &Batch) -> Self {
        let header = *batch.header();
        Self {
            bytes: Bytes::copy_from_slice(batch.bytes()),
            compression: header.compression().unwrap_or_default(),
            uncompressed_size: batch.size(),
            header,
        }
    }

    /// The batch as it goes onto the wire; cloning shares the memory.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The batch's bytes on the wire.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes it had before compression, header included.
    pub fn uncompressed_size(&self) -> usize {
        self.uncompressed_size
    }

    /// How its records are compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// How many records it holds.
    pub fn count(&self) -> i32 {
        self.header.count
    }

    /// The largest timestamp of its records, in milliseconds.
    pub fn max_timestamp(&self) -> i64 {
        self.header.max_timestamp
    }

    /// The producer's id, epoch and sequence that it carries.
    pub fn stamp(&self) -> ProducerStamp {
        ProducerStamp {
            producer_id: self.header.producer_id,
            epoch: self.header.producer_epoch,
            base_sequence: self.header.base_sequence,
            transactional: self.header.attributes & TRANSACTIONAL_BIT != 0,
        }
    }

    /// Replaces id, epoch, sequence and transactional flag (KIP-360) without compressing again.
    ///
    /// The bytes are changed in place unless a clone of them is still held elsewhere; then they are copied first.
    ///
    /// # Errors
    /// None for a batch that was encoded once; the checksum's writer reports what cannot be a batch.
    pub fn restamp(&mut self, stamp: &ProducerStamp) -> Result<()> {
        self.header.producer_id = stamp.producer_id;
        self.header.producer_epoch = stamp.epoch;
        self.header.base_sequence = stamp.base_sequence;
        self.header.attributes = self.header.attributes & !TRANSACTIONAL_BIT | stamp.attributes();
        let header = self.header;
        self.edit(|bytes| {
            put(bytes, ATTRIBUTES_AT, header.attributes.to_be_bytes());
            put(bytes, PRODUCER_ID_AT, header.producer_id.to_be_bytes());
            put(bytes, PRODUCER_ID_AT + 8, header.producer_epoch.to_be_bytes());
            put(bytes, PRODUCER_ID_AT + 10, header.base_sequence.to_be_bytes());
            seal(bytes)
        })
    }

    /// Gives the batch its place in a log, as a broker does when it appends. The checksum does not cover these fields.
    pub fn set_base_offset(&mut self, base_offset: i64, leader_epoch: i32) {
        self.header.base_offset = base_offset;
        self.header.leader_epoch = leader_epoch;
        let edited = self.edit(|bytes| {
            put(bytes, 0, base_offset.to_be_bytes());
            put(bytes, LEADER_EPOCH_AT, leader_epoch.to_be_bytes());
            Ok(())
        });
        debug_assert!(edited.is_ok());
    }

    /// Replaces all timestamps by the broker's (`message.timestamp.type=LogAppendTime`), in milliseconds.
    ///
    /// # Errors
    /// As [`restamp`](Self::restamp).
    pub fn set_log_append_time(&mut self, timestamp: i64) -> Result<()> {
        self.header.attributes |= TIMESTAMP_TYPE_BIT;
        self.header.max_timestamp = timestamp;
        let attributes = self.header.attributes;
        self.edit(|bytes| {
            put(bytes, ATTRIBUTES_AT, attributes.to_be_bytes());
            put(bytes, MAX_TIMESTAMP_AT, timestamp.to_be_bytes());
            seal(bytes)
        })
    }

    /// Marks the batch as one of control records, which consumers do not hand out.
    ///
    /// # Errors
    /// As [`restamp`](Self::restamp).
    pub fn set_control(&mut self) -> Result<()> {
        self.header.attributes |= CONTROL_BIT;
        let attributes = self.header.attributes;
        self.edit(|bytes| {
            put(bytes, ATTRIBUTES_AT, attributes.to_be_bytes());
            seal(bytes)
        })
    }

    /// The batch's memory, if nobody else holds its bytes any more, to be used for the next one
    /// ([`BatchBuilder::with_buffer`](crate::records::BatchBuilder::with_buffer)).
    pub fn into_buffer(self) -> Option<Vec<u8>> {
        recycle(self.bytes)
    }

    fn edit(&mut self, change: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<()> {
        let mut bytes = match std::mem::take(&mut self.bytes).try_into_mut() {
            Ok(bytes) => bytes,
            Err(shared) => BytesMut::from(shared.as_ref()),
        };
        let result = change(&mut bytes);
        self.bytes = bytes.freeze();
        result
    }
}

/// The memory behind `bytes`, emptied, if this is the last handle to it.
pub fn recycle(bytes: Bytes) -> Option<Vec<u8>> {
    let mut bytes = bytes.try_into_mut().ok()?;
    // What is left in it would be moved, to where it is.
    bytes.clear();
    Some(Vec::from(bytes))
}

impl From<Batch> for EncodedBatch {
    fn from(batch: Batch) -> Self {
        let (header, bytes) = batch.into_parts();
        Self {
            uncompressed_size: bytes.len(),
            compression: header.compression().unwrap_or_default(),
            header,
            bytes,
        }
    }
}
