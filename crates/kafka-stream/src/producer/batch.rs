use std::sync::Arc;
use std::time::Duration;

use kafka_core::records::{
    self, BatchBuilder, Batches, Decompressor, EncodedBatch, ProducerStamp, RecordSize,
};
use tokio::time::Instant;

use super::accumulator::Buffers;
use super::codec::Codec;
use super::delivery::{Completion, Delivery, Length, Receipt};
use super::flush::FlushToken;
use super::memory::Reservation;
use super::{ProduceError, ProducerRecord};

/// Records on their way to one partition, from the first append to their outcome.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) completion: Arc<Completion>,
    /// When its first record was accepted; `linger` and `delivery_timeout` count from here.
    pub(crate) created: Instant,
    /// How often it was sent and answered with a retriable error, or lost.
    pub(crate) attempts: u32,
    /// How often a broker said that it does not lead the partition; uses up no retry.
    pub(crate) doubts: u32,
    /// Not to be sent again before then.
    pub(crate) retry_at: Option<Instant>,
    /// Why the last attempt failed.
    pub(crate) last_error: Option<ProduceError>,
    /// Nothing more may be appended.
    pub(crate) closed: bool,
    /// Held until the outcome is known, for those who wait in `flush`.
    pub(crate) flushes: Vec<FlushToken>,
    pub(crate) reserved: Reservation,
    body: Body,
    stamp: ProducerStamp,
}

#[derive(Debug)]
enum Body {
    Open(BatchBuilder),
    Encoded(EncodedBatch),
    /// Being compressed elsewhere: its records, and its size before.
    Lent(i32, usize),
    /// Encoding failed; the error was reported.
    Broken,
}

impl Batch {
    pub(crate) fn new(
        completion: Arc<Completion>,
        created: Instant,
        builder: BatchBuilder,
        reserved: Reservation,
    ) -> Self {
        Self {
            completion,
            created,
            attempts: 0,
            doubts: 0,
            retry_at: None,
            last_error: None,
            closed: false,
            flushes: Vec::new(),
            reserved,
            body: Body::Open(builder),
            stamp: ProducerStamp::NONE,
        }
    }

    /// The builder, as long as records may be appended.
    #[inline]
    pub(crate) fn builder(&mut self) -> Option<&mut BatchBuilder> {
        match &mut self.body {
            Body::Open(builder) if !self.closed => Some(builder),
            _ => None,
        }
    }

    /// Appends a record for which there is room; `size` is what it takes here.
    #[inline]
    pub(crate) fn append(
        &mut self,
        record: &ProducerRecord<'_>,
        timestamp: i64,
        size: RecordSize,
    ) -> Result<Delivery, kafka_core::Error> {
        let Body::Open(builder) = &mut self.body else {
            return Err(kafka_core::Error::new(kafka_core::ErrorKind::InvalidInput, "the batch is complete"));
        };
        let (key, value) = (record.key_bytes(), record.value_bytes());
        let index = builder.append_sized(size, timestamp, key, value, &record.headers)?;
        let receipt = Receipt { timestamp, key_size: Length::of(key), value_size: Length::of(value) };
        Ok(Delivery::new(self.completion.clone(), index.unsigned_abs(), receipt))
    }

    /// How many records it holds.
    pub(crate) fn count(&self) -> i32 {
        match &self.body {
            Body::Open(builder) => builder.count(),
            Body::Encoded(encoded) => encoded.count(),
            Body::Lent(count, _) => *count,
            Body::Broken => 0,
        }
    }

    /// Its size on the wire as far as that is known: an upper bound before it is compressed.
    pub(crate) fn size(&self) -> usize {
        match &self.body {
            Body::Open(builder) => builder.size(),
            Body::Encoded(encoded) => encoded.size(),
            Body::Lent(_, size) => *size,
            Body::Broken => 0,
        }
    }

    /// The bytes of its records before compression.
    pub(crate) fn uncompressed_size(&self) -> usize {
        match &self.body {
            Body::Encoded(encoded) => encoded.uncompressed_size(),
            _ => self.size(),
        }
    }

    /// When it has to have an outcome.
    pub(crate) fn deadline(&self, delivery_timeout: Duration) -> Instant {
        self.created.checked_add(delivery_timeout).unwrap_or(self.created)
    }

    /// Lends its records, if it is complete and not compressed, to be compressed elsewhere.
    pub(crate) fn lend(&mut self) -> Option<BatchBuilder> {
        if !self.closed || !matches!(self.body, Body::Open(_)) {
            return None;
        }
        let lent = Body::Lent(self.count(), self.size());
        match std::mem::replace(&mut self.body, lent) {
            Body::Open(builder) => Some(builder),
            _ => None,
        }
    }

    /// Whether its records are being compressed elsewhere.
    pub(crate) fn is_lent(&self) -> bool {
        matches!(self.body, Body::Lent(..))
    }

    /// Takes back what was lent, compressed and without a stamp.
    pub(crate) fn give_back(&mut self, encoded: kafka_core::Result<EncodedBatch>) {
        self.stamp = ProducerStamp::NONE;
        self.body = encoded.map_or(Body::Broken, Body::Encoded);
    }

    /// Compresses and stamps it as far as that is not done, and returns what goes onto the wire.
    pub(crate) fn encode(
        &mut self,
        codec: Codec,
        stamp: ProducerStamp,
    ) -> Result<EncodedBatch, ProduceError> {
        let encoded = match std::mem::replace(&mut self.body, Body::Broken) {
            Body::Open(builder) => codec.finish(builder, &stamp),
            Body::Encoded(encoded) if self.stamp == stamp => Ok(encoded),
            Body::Encoded(mut encoded) => encoded.restamp(&stamp).map(|()| encoded),
            Body::Lent(..) | Body::Broken => Err(kafka_core::Error::new(
                kafka_core::ErrorKind::InvalidInput,
                "the batch could not be encoded",
            )),
        }
        .map_err(|error| ProduceError::from_client(Arc::new(error)))?;
        self.closed = true;
        self.stamp = stamp;
        self.body = Body::Encoded(encoded.clone());
        Ok(encoded)
    }

    /// What went onto the wire, if it was encoded.
    pub(crate) fn encoded(&self) -> Option<&EncodedBatch> {
        match &self.body {
            Body::Encoded(encoded) => Some(encoded),
            _ => None,
        }
    }

    /// Cuts it into batches that are smaller, if it has several records; they share its age, its memory and those who
    /// wait for it (KIP-126). Each comes with the index of its first record.
    pub(crate) fn split(&mut self) -> Vec<(u32, Self)> {
        const LEAST: usize = 1_024;
        let target = (self.uncompressed_size() / 2).max(LEAST);
        let pieces = self.encoded().filter(|encoded| encoded.count() > 1).and_then(|encoded| {
            let batch = Batches::new(encoded.bytes()).next()?.ok()?;
            records::split(&batch, target, &mut Decompressor::default()).ok()
        });
        let Some(pieces) = pieces.filter(|pieces| pieces.len() > 1) else { return Vec::new() };
        let mut first = 0;
        let mut parts = Vec::with_capacity(pieces.len());
        for builder in pieces {
            let completion = Completion::new(self.completion.topic().clone(), self.completion.partition());
            let count = builder.count().unsigned_abs();
            let mut reserved = self.reserved.none();
            reserved.take_from(&mut self.reserved, builder.capacity());
            let mut part = Self::new(completion, self.created, builder, reserved);
            part.closed = true;
            part.flushes = self.flushes.clone();
            parts.push((first, part));
            first += count;
        }
        parts
    }

    /// Gives its memory back, then lets `settle` tell its senders, and last those who wait in `flush`.
    pub(crate) fn release(self, buffers: &Buffers, settle: impl FnOnce() -> bool) {
        let Self { body, reserved, flushes, .. } = self;
        let buffer = match body {
            Body::Open(builder) => Some(builder.into_buffer()),
            Body::Encoded(encoded) => encoded.into_buffer(),
            Body::Lent(..) | Body::Broken => None,
        };
        if let Some(buffer) = buffer {
            buffers.give_back(buffer, reserved.bytes() + reserved.available());
        }
        drop(reserved);
        settle();
        drop(flushes);
    }
}
