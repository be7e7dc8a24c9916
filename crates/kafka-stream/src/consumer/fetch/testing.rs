//! Record sets for tests.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use kafka_core::records::{
    BatchBuilder, Compression, CompressionLevels, Compressor, Decompressor, NO_HEADERS, ProducerStamp,
};

use super::{Chunk, Decoding};

pub(crate) fn decoding() -> Decoding {
    Decoding { decompressor: Decompressor::new(1 << 20), check_crcs: true }
}

pub(crate) fn batch(offsets: Range<i64>, stamp: ProducerStamp) -> BytesMut {
    let mut builder = BatchBuilder::with_capacity(1024);
    for offset in offsets.clone() {
        builder.append(offset, None, Some(format!("value {offset}").as_bytes()), NO_HEADERS).unwrap();
    }
    let mut compressor = Compressor::new(CompressionLevels::default());
    let batch = builder.finish(Compression::Lz4, &mut compressor, &stamp).unwrap();
    at_offset(&batch.bytes(), offsets.start)
}

/// Writes the base offset, as a broker does on append, and leader epoch 5.
pub(crate) fn at_offset(batch: &[u8], base_offset: i64) -> BytesMut {
    let mut bytes = BytesMut::from(batch);
    bytes[..8].copy_from_slice(&base_offset.to_be_bytes());
    bytes[12..16].copy_from_slice(&5_i32.to_be_bytes());
    bytes
}

pub(crate) fn record_set(batches: impl IntoIterator<Item = BytesMut>) -> Bytes {
    batches
        .into_iter()
        .fold(BytesMut::new(), |mut set, batch| {
            set.extend_from_slice(&batch);
            set
        })
        .freeze()
}

/// One batch of these offsets.
pub(crate) fn chunk(offsets: Range<i64>) -> Chunk {
    Chunk::new(offsets.start, batch(offsets, ProducerStamp::NONE).freeze(), None).unwrap()
}
