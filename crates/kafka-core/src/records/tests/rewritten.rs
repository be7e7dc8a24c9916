//! Batches that a broker writes anew.

use super::*;
use crate::records::{Batch, Batches, Decompressor, Record};

fn read(batch: &EncodedBatch) -> (Batch, Vec<Record>) {
    let batch = Batches::new(batch.bytes()).next().unwrap().unwrap();
    batch.check_crc().unwrap();
    let records = batch.records(&mut Decompressor::default()).unwrap().map(Result::unwrap).collect();
    (batch, records)
}

#[test]
fn another_codec_changes_no_record_and_keeps_the_stamp() {
    let stamp = ProducerStamp { producer_id: 7, epoch: 1, base_sequence: 5, transactional: true };
    let builder = build(&json_records(20, 200));
    let batch = builder.finish(Compression::Zstd, &mut Compressor::default(), &stamp).unwrap();
    let (original, records) = read(&batch);
    for codec in Compression::ALL {
        let rewritten = original.recompress(codec, &mut Compressor::default(), &mut Decompressor::default());
        let rewritten = rewritten.unwrap();
        assert_eq!(rewritten.stamp(), stamp);
        let (batch, again) = read(&rewritten);
        assert_eq!((batch.compression(), again), (codec, records.clone()));
    }
}

#[test]
fn what_is_left_of_a_batch_keeps_offsets_and_timestamps() {
    for codec in Compression::ALL {
        let mut encoded = encode(&json_records(10, 100), codec);
        encoded.set_base_offset(100, 3);
        let (original, records) = read(&encoded);
        for horizon in [None, Some(5_000)] {
            let left = original.retain(
                |view| view.offset() % 3 == 0,
                horizon,
                &mut Compressor::default(),
                &mut Decompressor::default(),
            );
            let (batch, left) = read(&left.unwrap());
            let expected: Vec<Record> =
                records.iter().filter(|record| record.offset % 3 == 0).cloned().collect();
            assert_eq!(left, expected);
            assert_eq!((batch.base_offset(), batch.last_offset(), batch.count()), (100, 109, 3));
            assert_eq!((batch.delete_horizon(), batch.compression()), (horizon, codec));
            assert_eq!(batch.max_timestamp(), expected.last().unwrap().timestamp);

            let kept =
                batch.retain(|_| true, Some(9), &mut Compressor::default(), &mut Decompressor::default());
            let (batch, kept) = read(&kept.unwrap());
            assert_eq!(kept, expected);
            assert_eq!(batch.delete_horizon(), horizon.or(Some(9)), "the first one stays");
        }
    }
}

#[test]
fn a_batch_without_records_still_has_its_offsets() {
    let (original, _) = read(&encode(&json_records(10, 100), Compression::Lz4));
    let empty = original.retain(|_| false, None, &mut Compressor::default(), &mut Decompressor::default());
    let (batch, records) = read(&empty.unwrap());
    assert_eq!((batch.last_offset(), batch.count(), records.len()), (9, 0, 0));
    assert_eq!(batch.compression(), Compression::None);
}
