use crate::records::batch_header::BatchHeader;
use crate::records::encoded::Envelope;
use crate::records::put::put;
use crate::records::size::{body_size, length_of, to_i32};
use crate::records::varint::{MAX_VARINT, MAX_VARLONG, Scratch, varint_size};
use crate::records::{AsHeader, BATCH_OVERHEAD, Compression, Compressor, EncodedBatch, ProducerStamp};
use crate::{Error, ErrorKind, Result};

/// Length, attributes, timestamp, offset, and the lengths of a null key and of the value: what a record starts with.
const MAX_PREFIX: usize = MAX_VARINT + 1 + MAX_VARLONG + MAX_VARINT + 2 * MAX_VARINT;

/// What a record takes at one place in one batch: see [`BatchBuilder::size_of_next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSize {
    /// All after the field of its length.
    body: usize,
}

impl RecordSize {
    /// Its bytes before compression.
    #[inline]
    pub fn bytes(self) -> usize {
        self.body.saturating_add(varint_size(i32::try_from(self.body).unwrap_or(i32::MAX)))
    }
}

#[cold]
fn not_its_size() -> Error {
    Error::new(ErrorKind::InvalidInput, "the size is not that of this record in this batch")
}

/// A batch to which records are appended, straight into the buffer that goes onto the wire.
///
/// Appending copies the record's bytes once and allocates only when the buffer has to grow: given a buffer of the
/// batch's size ([`with_buffer`](Self::with_buffer)), never.
#[derive(Debug)]
pub struct BatchBuilder {
    buffer: Vec<u8>,
    count: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl BatchBuilder {
    /// A builder that writes into `buffer`, which is emptied first; its capacity is kept.
    pub fn with_buffer(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(BATCH_OVERHEAD, 0);
        Self { buffer, count: 0, base_timestamp: -1, max_timestamp: -1 }
    }

    /// A builder whose batch may grow to `capacity` bytes, header included, before it allocates again.
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_buffer(Vec::with_capacity(capacity.max(BATCH_OVERHEAD)))
    }

    /// Appends a record; `timestamp` is in milliseconds since 1970. Returns the record's place in the batch, from 0.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if record or batch would exceed 2 GiB; the batch is then as it was.
    #[inline]
    pub fn append<H: AsHeader>(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[H],
    ) -> Result<i32> {
        let size = self.size_of_next(timestamp, key, value, headers);
        self.append_sized(size, timestamp, key, value, headers)
    }

    /// As [`append`](Self::append), for who has asked for the record's size in this batch already.
    ///
    /// # Errors
    /// Those of `append`, and [`ErrorKind::InvalidInput`] if `size` is that of another record or place; the batch is then
    /// as it was.
    #[inline]
    pub fn append_sized<H: AsHeader>(
        &mut self,
        size: RecordSize,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[H],
    ) -> Result<i32> {
        let offset_delta = self.count;
        let base = self.base_for(timestamp);
        let timestamp_delta = timestamp.wrapping_sub(base);
        let length = to_i32(size.body)?;
        let before = self.buffer.len();
        // The length field of the batch has 31 bits.
        to_i32(before.saturating_add(size.bytes()))?;
        if self.buffer.capacity() - before < size.bytes() {
            self.buffer.reserve(size.bytes());
        }

        let mut prefix = Scratch::<MAX_PREFIX>::new();
        prefix.varint(length);
        prefix.byte(0);
        prefix.varlong(timestamp_delta);
        prefix.varint(offset_delta);
        prefix.varint(length_of(key));
        match key {
            None => {
                prefix.varint(length_of(value));
                prefix.append_to(&mut self.buffer);
            }
            Some(key) => {
                prefix.append_to(&mut self.buffer);
                put(&mut self.buffer, key);
                self.varint(length_of(value));
            }
        }
        if let Some(value) = value {
            put(&mut self.buffer, value);
        }
        if headers.is_empty() {
            self.buffer.push(0);
        } else {
            self.headers(headers);
        }

        if self.buffer.len() - before != size.bytes() {
            self.buffer.truncate(before);
            return Err(not_its_size());
        }
        self.count += 1;
        self.base_timestamp = base;
        self.max_timestamp = if offset_delta == 0 { timestamp } else { self.max_timestamp.max(timestamp) };
        Ok(offset_delta)
    }

    fn headers<H: AsHeader>(&mut self, headers: &[H]) {
        self.varint(i32::try_from(headers.len()).unwrap_or(i32::MAX));
        for header in headers {
            let (key, value) = (header.key().as_bytes(), header.value());
            self.varint(length_of(Some(key)));
            self.buffer.extend_from_slice(key);
            self.varint(length_of(value));
            if let Some(value) = value {
                self.buffer.extend_from_slice(value);
            }
        }
    }

    #[inline]
    fn varint(&mut self, value: i32) {
        let mut scratch = Scratch::<MAX_VARINT>::new();
        scratch.varint(value);
        scratch.append_to(&mut self.buffer);
    }

    /// What the next record would take in this batch as it stands.
    #[inline]
    pub fn size_of_next<H: AsHeader>(
        &self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[H],
    ) -> RecordSize {
        let timestamp_delta = timestamp.wrapping_sub(self.base_for(timestamp));
        RecordSize { body: body_size(timestamp_delta, self.count, key, value, headers) }
    }

    /// What the timestamp of the next record is counted from: the first one's.
    #[inline]
    fn base_for(&self, timestamp: i64) -> i64 {
        if self.count == 0 { timestamp } else { self.base_timestamp }
    }

    /// How many records there are.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Whether there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The batch's bytes so far, header included, not compressed.
    pub fn size(&self) -> usize {
        self.buffer.len()
    }

    /// The bytes that are allocated for the batch.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// The largest timestamp of its records in milliseconds; -1 while there is none.
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// Gives the buffer back without making a batch of it.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Compresses the records, writes the header and returns the batch as it goes to a broker.
    ///
    /// The result stays in the builder's buffer: compressed bytes go back over those they came from.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is no record, or if compression makes the batch exceed 2 GiB.
    pub fn finish(
        mut self,
        compression: Compression,
        compressor: &mut Compressor,
        stamp: &ProducerStamp,
    ) -> Result<EncodedBatch> {
        self.check_not_empty()?;
        let mut header = self.header(compression, stamp);
        let uncompressed_size = self.buffer.len();
        if compression != Compression::None {
            let compressed = compressor.compress(compression, self.records())?;
            self.buffer.truncate(BATCH_OVERHEAD);
            self.buffer.extend_from_slice(compressed);
        }
        header.length = self.buffer.len();
        EncodedBatch::seal(header, self.buffer, Envelope { compression, uncompressed_size })
    }

    /// As [`finish`](Self::finish), but the batch gets memory of just its size, and the builder's buffer comes back beside
    /// it: a batch that has to wait then takes no more than it has to, and the next one is written where the processor's
    /// cache still is.
    ///
    /// # Errors
    /// Those of `finish`; the buffer is gone then.
    pub fn finish_apart(
        self,
        compression: Compression,
        compressor: &mut Compressor,
        stamp: &ProducerStamp,
    ) -> Result<(EncodedBatch, Vec<u8>)> {
        self.check_not_empty()?;
        let mut header = self.header(compression, stamp);
        let envelope = Envelope { compression, uncompressed_size: self.buffer.len() };
        let compressed = match compression {
            Compression::None => self.records(),
            _ => compressor.compress(compression, self.records())?,
        };
        let mut bytes = Vec::with_capacity(BATCH_OVERHEAD + compressed.len());
        bytes.resize(BATCH_OVERHEAD, 0);
        bytes.extend_from_slice(compressed);
        header.length = bytes.len();
        Ok((EncodedBatch::seal(header, bytes, envelope)?, self.buffer))
    }

    fn check_not_empty(&self) -> Result<()> {
        if self.count == 0 {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "record batch is empty; append a record to it first",
            ));
        }
        Ok(())
    }

    fn records(&self) -> &[u8] {
        self.buffer.get(BATCH_OVERHEAD..).unwrap_or_default()
    }

    /// The batch's header, but for its length.
    fn header(&self, compression: Compression, stamp: &ProducerStamp) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            length: 0,
            leader_epoch: -1,
            crc: 0,
            attributes: compression.attribute() | stamp.attributes(),
            last_offset_delta: self.count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: stamp.producer_id,
            producer_epoch: stamp.epoch,
            base_sequence: stamp.base_sequence,
            count: self.count,
        }
    }
}
