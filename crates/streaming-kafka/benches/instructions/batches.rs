//! Batches alone: appending records, finishing batches, and reading them.

use std::hint::black_box;

use kafka_core::records::{
    BatchBuilder, Batches, Compression, Compressor, Decompressor, EncodedBatch, NO_HEADERS, ProducerStamp,
};

use crate::warm_up_and_count;

const BATCH_SIZE: usize = 64 << 10;
/// More than a record takes beside its value.
const OVERHEAD: usize = 16;
/// As many as differ from each other, and few enough that the slowest codec is counted in seconds.
const BATCHES: usize = 8;
const NOW: i64 = 1_700_000_000_000;

pub(crate) fn append(value_size: usize) -> usize {
    let values = values(value_size);
    let mut buffer = Some(Vec::with_capacity(BATCH_SIZE));
    warm_up_and_count(|| {
        for values in &values {
            buffer = Some(fill(buffer.take().unwrap(), values).into_buffer());
        }
    });
    count(&values)
}

/// Header, checksum and compression; what was appended before is not counted.
pub(crate) fn finish(codec: Compression, value_size: usize) -> usize {
    let values = values(value_size);
    let filled = || -> Vec<BatchBuilder> {
        values.iter().map(|values| fill(Vec::with_capacity(BATCH_SIZE), values)).collect()
    };
    let mut rounds = [filled(), filled()].into_iter();
    let mut compressor = Compressor::default();
    warm_up_and_count(|| {
        for batch in rounds.next().unwrap() {
            black_box(batch.finish(codec, &mut compressor, &ProducerStamp::NONE).unwrap());
        }
    });
    count(&values)
}

/// Checksum and decompression included, and nothing copied out of the batch.
pub(crate) fn read(codec: Compression, value_size: usize) -> usize {
    let values = values(value_size);
    let mut compressor = Compressor::default();
    let encoded = values.iter().map(|values| {
        let batch = fill(Vec::with_capacity(BATCH_SIZE), values);
        batch.finish(codec, &mut compressor, &ProducerStamp::NONE).unwrap()
    });
    let encoded: Vec<EncodedBatch> = encoded.collect();
    let mut decompressor = Decompressor::default();
    warm_up_and_count(|| encoded.iter().for_each(|batch| read_all(batch, &mut decompressor)));
    count(&values)
}

fn read_all(encoded: &EncodedBatch, decompressor: &mut Decompressor) {
    let mut count = 0;
    for batch in Batches::new(encoded.bytes()) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        let mut records = batch.records(decompressor).unwrap();
        while let Some(record) = records.next_view().unwrap() {
            count += i32::from(black_box(record.value()).is_some());
        }
    }
    assert_eq!(count, encoded.count());
}

fn fill(buffer: Vec<u8>, values: &[Vec<u8>]) -> BatchBuilder {
    let mut batch = BatchBuilder::with_buffer(buffer);
    for value in values {
        batch.append(NOW, None, Some(black_box(value)), NO_HEADERS).unwrap();
    }
    batch
}

fn count(values: &[Vec<Vec<u8>>]) -> usize {
    values.iter().map(Vec::len).sum()
}

/// The values of each batch, JSON-like and the same in each run.
fn values(size: usize) -> Vec<Vec<Vec<u8>>> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut value = || {
        let mut text = String::new();
        while text.len() < size {
            text.push_str(&format!(
                "{{\"event_id\": \"{:016x}\", \"event_type\": \"view\", \"user\": {}, \"amount\": {:.2}, \
                 \"message\": \"Hello Kafka!\"}}",
                random.u64(..),
                random.u32(..100_000),
                random.f64() * 1000.0
            ));
        }
        text.truncate(size);
        text.into_bytes()
    };
    let mut batch = || (0..BATCH_SIZE / (size + OVERHEAD)).map(|_| value()).collect();
    (0..BATCHES).map(|_| batch()).collect()
}
