//! Batches made of other batches, as brokers make them: under another codec, or with fewer records.

use bytes::Bytes;

use crate::Result;
use crate::records::batch_header::{BATCH_OVERHEAD, BatchHeader, CODEC_MASK, DELETE_HORIZON_BIT};
use crate::records::encoded::Envelope;
use crate::records::size::to_i32;
use crate::records::varint::{Cursor, MAX_VARINT, MAX_VARLONG, Scratch, varint_size, varlong_size};
use crate::records::{Batch, Compression, Compressor, Decompressor, EncodedBatch, RecordView, TimestampType};

impl Batch {
    /// The same records under another codec, as a broker stores them for a topic with a `compression.type` of its own.
    ///
    /// # Errors
    /// As [`records`](Self::records) and [`Compressor::compress`].
    pub fn recompress(
        &self,
        compression: Compression,
        compressor: &mut Compressor,
        decompressor: &mut Decompressor,
    ) -> Result<EncodedBatch> {
        let records = self.records(decompressor)?;
        encode(self.header(), records.payload(), compression, compressor)
    }

    /// The batch with only those records that `keep` says yes to: what compaction leaves of it. Offsets stay as they are,
    /// and so do the batch's first and last ones, so that there are gaps; no record at all may be left.
    ///
    /// `delete_horizon` is the time in milliseconds after which tombstones and markers may go (KIP-534); a batch that has
    /// one keeps it.
    ///
    /// # Errors
    /// As [`records`](Self::records) and [`Compressor::compress`].
    pub fn retain(
        &self,
        mut keep: impl FnMut(&RecordView<'_>) -> bool,
        delete_horizon: Option<i64>,
        compressor: &mut Compressor,
        decompressor: &mut Decompressor,
    ) -> Result<EncodedBatch> {
        let mut header = *self.header();
        let shift = match (delete_horizon, self.delete_horizon()) {
            (Some(horizon), None) => {
                let shift = header.base_timestamp.wrapping_sub(horizon);
                header.base_timestamp = horizon;
                header.attributes |= DELETE_HORIZON_BIT;
                shift
            }
            _ => 0,
        };
        let records = self.records(decompressor)?;
        let (mut kept, mut count, mut latest) = (Vec::with_capacity(records.payload().len()), 0, -1);
        let mut rest = records.payload().as_ref();
        for view in records.views() {
            let view = view?;
            let mut cursor = Cursor::new(rest);
            let body = cursor.bytes()?;
            rest = rest.get(rest.len() - cursor.remaining()..).unwrap_or_default();
            if keep(&view) {
                append(&mut kept, body, shift)?;
                count += 1;
                latest = latest.max(view.timestamp());
            }
        }
        header.count = count;
        if self.timestamp_type() == TimestampType::CreateTime && count > 0 {
            header.max_timestamp = latest;
        }
        let compression = if count == 0 { Compression::None } else { self.compression() };
        encode(&header, &Bytes::from(kept), compression, compressor)
    }
}

/// Appends a record whose timestamp is counted from a base that is earlier by `shift`.
fn append(buffer: &mut Vec<u8>, body: &[u8], shift: i64) -> Result<()> {
    let mut cursor = Cursor::new(body);
    let attributes = cursor.byte()?;
    let timestamp_delta = cursor.varlong()?.wrapping_add(shift);
    let offset_delta = cursor.varint()?;
    let rest = body.get(body.len() - cursor.remaining()..).unwrap_or_default();
    let length = 1 + varlong_size(timestamp_delta) + varint_size(offset_delta) + rest.len();
    let mut prefix = Scratch::<{ MAX_VARINT + 1 + MAX_VARLONG + MAX_VARINT }>::new();
    prefix.varint(to_i32(length)?);
    prefix.byte(attributes);
    prefix.varlong(timestamp_delta);
    prefix.varint(offset_delta);
    prefix.append_to(buffer);
    buffer.extend_from_slice(rest);
    Ok(())
}

fn encode(
    header: &BatchHeader,
    payload: &[u8],
    compression: Compression,
    compressor: &mut Compressor,
) -> Result<EncodedBatch> {
    let uncompressed_size = BATCH_OVERHEAD + payload.len();
    let written = match compression {
        Compression::None => payload,
        compression => compressor.compress(compression, payload)?,
    };
    let mut buffer = Vec::with_capacity(BATCH_OVERHEAD + written.len());
    buffer.resize(BATCH_OVERHEAD, 0);
    buffer.extend_from_slice(written);
    let attributes = header.attributes & !CODEC_MASK | compression.attribute();
    let header = BatchHeader { attributes, length: buffer.len(), ..*header };
    EncodedBatch::seal(header, buffer, Envelope { compression, uncompressed_size })
}
