//! Against bytes that Java's client wrote (`../testdata`).

use bytes::Bytes;

use super::{Parts, header};
use crate::records::{
    Batch, BatchBuilder, Batches, Compression, Compressor, ControlRecord, Decompressor, EncodedBatch,
    ProducerStamp, Record, TimestampType,
};

macro_rules! java {
    ($name:literal) => {
        Bytes::from_static(include_bytes!(concat!("../testdata/", $name, ".bin")))
    };
}

fn text(size: usize) -> Vec<u8> {
    let mut text: Vec<u8> =
        (0..size / 8).flat_map(|i| format!("line {}, ", i * 7919 % 1000).into_bytes()).collect();
    text.truncate(size);
    text
}

/// What `RecordSets.java` appends.
fn expected(large: bool) -> Vec<Parts> {
    let headers = vec![
        header("trace", Some(b"abc")),
        header("null", None),
        header("", Some(b"")),
        header("schlüssel", Some(&[0, 255, 127])),
        header("trace", Some(b"again")),
    ];
    let some = |text: &str| Some(text.as_bytes().to_vec());
    let mut records = vec![
        (1_700_000_000_000, None, some("no key"), vec![]),
        (1_700_000_000_005, some("key"), some("value"), vec![]),
        (1_699_999_999_000, some("earlier"), None, vec![]),
        (1_700_000_000_005, None, None, vec![]),
        (1_800_000_000_000, some(""), some(""), headers),
        (0, some("epoch"), Some(text(200)), vec![]),
    ];
    if large {
        records.push((1_700_000_000_006, some("large"), Some(text(150_000)), vec![]));
    }
    records
}

fn encode(records: &[Parts], stamp: &ProducerStamp) -> EncodedBatch {
    super::build(records).finish(Compression::None, &mut Compressor::default(), stamp).unwrap()
}

fn only_batch(record_set: Bytes) -> Batch {
    let mut batches = Batches::new(record_set);
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none() && batches.partial() == 0);
    batch.check_crc().unwrap();
    batch
}

fn records_of(batch: &Batch) -> Vec<Record> {
    batch.records(&mut Decompressor::default()).unwrap().map(Result::unwrap).collect()
}

fn assert_same(batch: &Batch, expected: &[Parts]) {
    let records = records_of(batch);
    assert_eq!(records.len(), expected.len());
    for (i, (record, (timestamp, key, value, headers))) in records.iter().zip(expected).enumerate() {
        assert_eq!(record.offset, batch.base_offset() + i as i64);
        if batch.timestamp_type() == TimestampType::CreateTime {
            assert_eq!(record.timestamp, *timestamp);
        }
        assert_eq!(record.key.as_deref(), key.as_deref());
        assert_eq!(record.value.as_deref(), value.as_deref());
        assert_eq!(&record.headers, headers);
    }
}

#[test]
fn each_codec_of_javas_is_read() {
    let sets = [
        (Compression::None, java!("none")),
        (Compression::Gzip, java!("gzip")),
        (Compression::Snappy, java!("snappy")),
        (Compression::Lz4, java!("lz4")),
        (Compression::Zstd, java!("zstd")),
    ];
    for (codec, set) in sets {
        let batch = only_batch(set);
        assert_eq!(batch.compression(), codec);
        assert_eq!(batch.max_timestamp(), 1_800_000_000_000);
        assert_same(&batch, &expected(codec != Compression::None));
    }
}

#[test]
fn uncompressed_batches_are_the_same_byte_for_byte() {
    assert_eq!(encode(&expected(false), &ProducerStamp::NONE).bytes(), java!("none"));

    let stamp = ProducerStamp { producer_id: 4711, epoch: 12, base_sequence: 99, transactional: true };
    assert_eq!(encode(&expected(false), &stamp).bytes(), java!("transactional"));
    let mut later = encode(&expected(false), &ProducerStamp::NONE);
    later.restamp(&stamp).unwrap();
    assert_eq!(later.bytes(), java!("transactional"));

    let mut appended = encode(&expected(false), &ProducerStamp::NONE);
    appended.set_base_offset(40, -1);
    appended.set_log_append_time(1_750_000_000_000).unwrap();
    assert_eq!(appended.bytes(), java!("log-append-time"));
}

#[test]
fn snappy_blocks_are_framed_as_java_frames_them() {
    // Another compressor may choose other matches; header and block boundaries are the format.
    let ours = super::encode(&expected(true), Compression::Snappy).bytes();
    let blocks = |bytes: &Bytes| {
        let (mut at, mut lengths) = (61 + 16, Vec::new());
        while let Some(length) = bytes.get(at..at + 4) {
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            lengths.push(snap::raw::decompress_len(&bytes[at + 4..at + 4 + length]).unwrap());
            at += 4 + length;
        }
        lengths
    };
    assert_eq!(ours[61..61 + 16], java!("snappy")[61..61 + 16]);
    assert_eq!(blocks(&ours), blocks(&java!("snappy")));
}

#[test]
fn lz4_descriptors_are_as_java_writes_them() {
    assert_eq!(super::encode(&expected(true), Compression::Lz4).bytes()[61..68], java!("lz4")[61..68]);
}

#[test]
fn the_brokers_time_replaces_the_records_own() {
    let batch = only_batch(java!("log-append-time"));
    assert_eq!((batch.base_offset(), batch.last_offset()), (40, 45));
    assert_same(&batch, &expected(false));
    for record in records_of(&batch) {
        assert_eq!(
            (record.timestamp, record.timestamp_type),
            (1_750_000_000_000, TimestampType::LogAppendTime)
        );
    }
}

#[test]
fn compacted_batches_have_gaps() {
    let batch = only_batch(java!("compacted"));
    assert_eq!((batch.base_offset(), batch.last_offset(), batch.count()), (100, 107, 3));
    assert_eq!(records_of(&batch).iter().map(|record| record.offset).collect::<Vec<_>>(), [102, 103, 107]);
    let mut records = batch.records(&mut Decompressor::default()).unwrap();
    records.skip_before(104).unwrap();
    assert_eq!(records.next().unwrap().unwrap().offset, 107);
}

#[test]
fn transactional_batches_and_their_markers_are_told_apart() {
    let batch = only_batch(java!("transactional"));
    assert!(batch.is_transactional() && !batch.is_control());
    assert_eq!((batch.producer_id(), batch.producer_epoch(), batch.base_sequence()), (4711, 12, 99));

    for (set, kind, offset) in
        [(java!("commit"), ControlRecord::Commit, 7), (java!("abort"), ControlRecord::Abort, 8)]
    {
        let batch = only_batch(set.clone());
        assert!(batch.is_transactional() && batch.is_control());
        assert_eq!((batch.base_offset(), batch.producer_id(), batch.leader_epoch()), (offset, 4711, 3));
        let records = batch.records(&mut Decompressor::default()).unwrap();
        let view = records.views().next().unwrap().unwrap();
        assert_eq!(ControlRecord::read(&view).unwrap(), kind);

        // The same marker, written here.
        let mut builder = BatchBuilder::with_capacity(100);
        let value = [0, 0, 0, 0, 0, 5];
        builder
            .append(1_700_000_000_000, Some(&kind.key()), Some(&value), crate::records::NO_HEADERS)
            .unwrap();
        let stamp = ProducerStamp { producer_id: 4711, epoch: 12, base_sequence: -1, transactional: true };
        let mut marker = builder.finish(Compression::None, &mut Compressor::default(), &stamp).unwrap();
        marker.set_control().unwrap();
        marker.set_base_offset(offset, 3);
        assert_eq!(marker.bytes(), set);
    }
}
