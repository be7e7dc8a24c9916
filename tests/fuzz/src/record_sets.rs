//! What a client reads from a fetched record set, and a broker from a produced one.

use bytes::Bytes;
use fastrand::Rng;
use kafka_core::records::{
    Batch, Batches, Compression, CompressionLevels, Compressor, ControlRecord, Decompressor, EncodedBatch,
};

use crate::corpus::{record_set, repair};
use crate::mutate;

/// What the records of a batch may take, decompressed.
pub(crate) const LIMIT: usize = 1 << 20;

/// A record set, damaged; half of the time its length and checksum fit all the same.
pub(crate) fn damaged(random: &mut Rng) -> Vec<u8> {
    let (mut bytes, other) = (record_set(random), record_set(random));
    if random.u8(..4) == 0 {
        bytes.extend_from_slice(&other);
    }
    mutate(random, &mut bytes, &other);
    if random.bool() {
        repair(&mut bytes);
    }
    bytes
}

/// Whether every batch and record could be read.
pub(crate) fn read(bytes: Vec<u8>) -> bool {
    let mut decompressor = Decompressor::new(LIMIT);
    let mut whole = true;
    for batch in Batches::new(Bytes::from(bytes)) {
        whole &= batch.is_ok_and(|batch| read_batch(&batch, &mut decompressor));
    }
    whole
}

fn read_batch(batch: &Batch, decompressor: &mut Decompressor) -> bool {
    let checked = batch.check_crc().is_ok();
    let Ok(mut records) = batch.records(decompressor) else { return false };
    let mut whole = checked;
    for view in records.views() {
        let Ok(view) = view else {
            whole = false;
            break;
        };
        if batch.is_control() {
            whole &= ControlRecord::read(&view).is_ok();
        }
        for header in view.headers() {
            assert!(header.key().len() <= records.payload().len(), "a key is a part of the batch");
        }
    }
    let middle = batch.base_offset().saturating_add(i64::from(batch.count()) / 2);
    whole &= records.skip_before(middle).is_ok();
    whole &= records.all(|record| record.is_ok());
    // As a broker does to it when it is produced or compacted.
    if checked {
        let mut compressor = Compressor::new(CompressionLevels::default());
        whole &= batch.recompress(Compression::Lz4, &mut compressor, decompressor).is_ok();
    }
    drop(EncodedBatch::copied_from(batch));
    whole
}
