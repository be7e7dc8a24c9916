//! Encoding and decoding allocate per batch at most, never per record.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use allocation_counter::measure;
use bytes::Bytes;
use kafka_core::records::{
    AsHeader, BatchBuilder, Batches, Compression, Compressor, Decompressor, EncodedBatch, NO_HEADERS,
    ProducerStamp,
};

const RECORDS: usize = 2000;

fn append_all<H: AsHeader>(buffer: Vec<u8>, headers: &[H]) -> BatchBuilder {
    let mut builder = BatchBuilder::with_buffer(buffer);
    for i in 0..RECORDS {
        let value = [b'a' + (i % 7) as u8; 100];
        builder.append(1_700_000_000_000 + i as i64, Some(&value[..8]), Some(&value), headers).unwrap();
    }
    builder
}

fn finish(builder: BatchBuilder, codec: Compression, compressor: &mut Compressor) -> EncodedBatch {
    builder.finish(codec, compressor, &ProducerStamp::NONE).unwrap()
}

#[test]
fn appending_to_a_used_buffer_allocates_nothing() {
    let headers: [(&str, &[u8]); 2] = [("trace", b"0123456789"), ("kind", b"test")];
    let mut buffer = append_all(Vec::new(), &headers).into_buffer();
    let counted = measure(|| buffer = append_all(std::mem::take(&mut buffer), &headers).into_buffer());
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_batch_costs_a_few_allocations_however_many_records_it_has() {
    for codec in Compression::ALL {
        let mut compressor = Compressor::default();
        // The second round finds every table and buffer in place.
        let first = finish(append_all(Vec::new(), NO_HEADERS), codec, &mut compressor);
        let mut buffer = first.into_buffer();
        let counted = measure(|| {
            let batch = finish(append_all(buffer.take().unwrap(), NO_HEADERS), codec, &mut compressor);
            buffer = batch.into_buffer();
        });
        // The handle by which the batch's bytes are shared; zstd builds some tables anew for each frame.
        let bound = if codec == Compression::Zstd { 8 } else { 1 };
        assert!(counted.count_total <= bound, "{codec}: {counted:?}");
    }
}

fn decode(record_set: &Bytes, decompressor: &mut Decompressor) -> usize {
    let mut bytes = 0;
    for batch in Batches::new(record_set.clone()) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        let mut records = batch.records(decompressor).unwrap();
        while let Some(record) = records.next_view().unwrap() {
            bytes += record.value().map_or(0, <[u8]>::len);
            bytes += record.headers().map(|header| header.key().len()).sum::<usize>();
        }
    }
    bytes
}

#[test]
fn borrowed_records_allocate_nothing() {
    let headers: [(&str, &[u8]); 2] = [("trace", b"0123456789"), ("kind", b"test")];
    for codec in Compression::ALL {
        let set = finish(append_all(Vec::new(), &headers), codec, &mut Compressor::default()).bytes();
        let mut decompressor = Decompressor::default();
        assert_eq!(decode(&set, &mut decompressor), RECORDS * 109);
        let counted = measure(|| assert_eq!(decode(&set, &mut decompressor), RECORDS * 109));
        // The decompressed batch: its memory, its handle, and making it smaller when there was too much.
        let bound = if codec == Compression::None { 0 } else { 4 };
        assert!(counted.count_total <= bound, "{codec}: {counted:?}");
    }
}

#[test]
fn owned_records_allocate_nothing_but_their_headers() {
    let set =
        finish(append_all(Vec::new(), NO_HEADERS), Compression::None, &mut Compressor::default()).bytes();
    let counted = measure(|| {
        let batch = Batches::new(set.clone()).next().unwrap().unwrap();
        let records = batch.records(&mut Decompressor::default()).unwrap();
        assert_eq!(records.map(|record| record.unwrap().value.unwrap().len()).sum::<usize>(), RECORDS * 100);
    });
    assert!(counted.count_total <= 2, "{counted:?}");
}
