//! What a record costs in its batch, and a batch in its codec: `cargo bench -p kafka-core`.
//!
//! Batches are filled with JSON-like values; rates are of their bytes before compression. They take turns, so that the processor
//! cannot learn one by heart; yet all is in its caches, so that the same work costs more in a whole client. For figures that
//! repeat to the digit, run one of these under `valgrind --tool=callgrind`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run should say so and end")]

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use kafka_core::records::{
    BatchBuilder, Batches, Compression, Compressor, Decompressor, EncodedBatch, NO_HEADERS, ProducerStamp,
};

/// The default of `batch.size`, that of the comparison with other clients, and a large one.
const BATCH_SIZES: [usize; 3] = [16 << 10, 64 << 10, 1 << 20];
/// How many batches take turns.
const TURNS: usize = 16;
const NOW: i64 = 1_700_000_000_000;

fn main() {
    divan::main();
}

/// Every codec with every size of batches.
fn cases() -> Vec<(Compression, usize)> {
    let codecs = Compression::ALL.into_iter().filter(|codec| *codec != Compression::None);
    codecs.flat_map(|codec| BATCH_SIZES.map(|size| (codec, size))).collect()
}

/// Values of `size` bytes, the same each time.
fn values(size: usize) -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(7);
    let event = |slot: usize, random: &mut fastrand::Rng| {
        format!(
            "{{\"event_id\": \"{:016x}\", \"event_type\": \"view\", \"timestamp\": \"2024-01-01T00:00:{:02}Z\", \
             \"user\": {}, \"amount\": {:.2}, \"message\": \"Hello Kafka! event {slot}\"}}",
            random.u64(..),
            slot % 60,
            random.u32(..100_000),
            random.f64() * 1000.0
        )
    };
    (0..1000)
        .map(|slot| {
            let mut text = String::new();
            while text.len() < size {
                text.push_str(&event(slot, &mut random));
            }
            text.into_bytes().into_iter().take(size).collect()
        })
        .collect()
}

/// A batch as full as it gets, beginning with another value at each turn.
fn fill(buffer: Vec<u8>, batch_size: usize, values: &[Vec<u8>], turn: usize) -> BatchBuilder {
    let mut builder = BatchBuilder::with_buffer(buffer);
    for value in values.iter().cycle().skip(turn % TURNS * values.len() / TURNS) {
        if builder.size() + builder.size_of_next(NOW, None, Some(value), NO_HEADERS).bytes() > batch_size {
            break;
        }
        builder.append(NOW, None, Some(value), NO_HEADERS).unwrap();
    }
    builder
}

fn encoded(batch_size: usize, value_size: usize, codec: Compression) -> Vec<EncodedBatch> {
    let values = values(value_size);
    let batch = |turn| {
        let builder = fill(Vec::with_capacity(batch_size), batch_size, &values, turn);
        builder.finish(codec, &mut Compressor::default(), &ProducerStamp::NONE).unwrap()
    };
    (0..TURNS).map(batch).collect()
}

/// Appending records to a buffer that is used again.
#[divan::bench(args = [10, 100, 1024, 10_000])]
fn append(bencher: Bencher<'_, '_>, value_size: usize) {
    const BATCH_SIZE: usize = 64 << 10;
    let values = values(value_size);
    let mut buffer = Some(Vec::with_capacity(BATCH_SIZE));
    let count = fill(Vec::new(), BATCH_SIZE, &values, 0).count();
    bencher.counter(ItemsCount::new(count.unsigned_abs())).bench_local(|| {
        buffer = Some(fill(black_box(buffer.take().unwrap()), BATCH_SIZE, &values, 0).into_buffer());
    });
}

/// Reading borrowed records, checksum included.
#[divan::bench(args = [10, 100, 1024, 10_000])]
fn read(bencher: Bencher<'_, '_>, value_size: usize) {
    let batches = encoded(64 << 10, value_size, Compression::None);
    let count = batches.first().unwrap().count().unsigned_abs();
    let mut turns = batches.iter().map(EncodedBatch::bytes).cycle();
    let mut decompressor = Decompressor::default();
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| assert_eq!(read_all(&black_box(turns.next().unwrap()), &mut decompressor), count));
}

fn read_all(record_set: &Bytes, decompressor: &mut Decompressor) -> u32 {
    let mut count = 0;
    for batch in Batches::new(record_set.clone()) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        let mut records = batch.records(decompressor).unwrap();
        while let Some(record) = records.next_view().unwrap() {
            count += u32::from(black_box(record.value()).is_some());
        }
    }
    count
}

/// Compressing a batch of values of 1 KiB, header and checksum included; appending is not measured.
#[divan::bench(args = cases())]
fn compress(bencher: Bencher<'_, '_>, (codec, batch_size): (Compression, usize)) {
    let values = values(1024);
    let mut compressor = Compressor::default();
    let mut turns = (0..TURNS).cycle();
    bencher
        .counter(BytesCount::new(batch_size))
        .with_inputs(|| fill(Vec::with_capacity(batch_size), batch_size, &values, turns.next().unwrap()))
        .bench_local_values(|builder| builder.finish(codec, &mut compressor, &ProducerStamp::NONE).unwrap());
}

/// Decompressing such a batch and reading its records.
#[divan::bench(args = cases())]
fn decompress(bencher: Bencher<'_, '_>, (codec, batch_size): (Compression, usize)) {
    let batches = encoded(batch_size, 1024, codec);
    let mut turns = batches.iter().map(EncodedBatch::bytes).cycle();
    let mut decompressor = Decompressor::default();
    bencher
        .counter(BytesCount::new(batch_size))
        .bench_local(|| read_all(&black_box(turns.next().unwrap()), &mut decompressor));
}
