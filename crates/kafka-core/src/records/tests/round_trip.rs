use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Parts, build, encode, encode_with, header, json_records};
use crate::records::{
    BATCH_OVERHEAD, BatchBuilder, Batches, Compression, CompressionLevels, Compressor, Decompressor, Header,
    NO_HEADERS, ProducerStamp, Record, TimestampType, record_size_upper_bound, recycle, split,
};

fn decode(record_set: Bytes, decompressor: &mut Decompressor) -> Vec<Record> {
    let mut batches = Batches::new(record_set);
    let mut records = Vec::new();
    for batch in &mut batches {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        records.extend(batch.records(decompressor).unwrap().map(Result::unwrap));
    }
    assert_eq!(batches.partial(), 0);
    records
}

fn expect(offset: i64, parts: &Parts) -> Record {
    Record {
        offset,
        timestamp: parts.0,
        timestamp_type: TimestampType::CreateTime,
        key: parts.1.clone().map(Bytes::from),
        value: parts.2.clone().map(Bytes::from),
        headers: parts.3.clone(),
    }
}

fn a_header() -> impl Strategy<Value = Header> {
    (".{0,12}", option::of(vec(any::<u8>(), 0..40))).prop_map(|(key, value)| header(&key, value.as_deref()))
}

fn a_record() -> impl Strategy<Value = Parts> {
    (
        prop_oneof![any::<i64>(), 1_700_000_000_000i64..1_700_000_100_000, Just(-1)],
        option::of(vec(any::<u8>(), 0..70)),
        option::of(prop_oneof![vec(any::<u8>(), 0..300), (0usize..9000).prop_map(|n| vec![b'x'; n])]),
        vec(a_header(), 0..4),
    )
}

fn a_codec() -> impl Strategy<Value = Compression> {
    proptest::sample::select(Compression::ALL.as_slice())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_encoded_is_decoded_again(records in vec(a_record(), 1..60), codec in a_codec()) {
        let batch = encode(&records, codec);
        let expected: Vec<_> = records.iter().zip(0..).map(|(parts, offset)| expect(offset, parts)).collect();
        prop_assert_eq!(decode(batch.bytes(), &mut Decompressor::default()), expected);
        prop_assert_eq!(batch.max_timestamp(), records.iter().map(|parts| parts.0).max().unwrap());
    }

    #[test]
    fn a_batch_in_memory_of_its_own_is_the_same_batch(records in vec(a_record(), 1..60), codec in a_codec()) {
        let (builder, mut compressor) = (build(&records), Compressor::default());
        let (capacity, place) = (builder.capacity(), builder.size());
        let (batch, buffer) = builder.finish_apart(codec, &mut compressor, &ProducerStamp::NONE).unwrap();
        let whole = encode_with(&records, codec, &mut compressor);
        prop_assert_eq!(batch.bytes(), whole.bytes());
        prop_assert_eq!((batch.uncompressed_size(), batch.count()), (whole.uncompressed_size(), whole.count()));
        prop_assert_eq!((buffer.capacity(), buffer.len()), (capacity, place));
        prop_assert_eq!(batch.into_buffer().map(|bytes| bytes.capacity()), Some(whole.size()));
    }

    #[test]
    fn sizes_are_foretold(records in vec(a_record(), 1..20)) {
        let mut builder = BatchBuilder::with_capacity(64);
        for (timestamp, key, value, headers) in &records {
            let foretold = builder.size_of_next(*timestamp, key.as_deref(), value.as_deref(), headers).bytes();
            let bound = record_size_upper_bound(key.as_deref(), value.as_deref(), headers);
            let before = builder.size();
            builder.append(*timestamp, key.as_deref(), value.as_deref(), headers).unwrap();
            prop_assert_eq!(builder.size() - before, foretold);
            prop_assert!(foretold <= bound && bound <= foretold + 20);
        }
    }

    #[test]
    fn splitting_keeps_every_record_in_order(records in vec(a_record(), 1..40), codec in a_codec(), target in 100usize..4000) {
        let batch = Batches::new(encode(&records, codec).bytes()).next().unwrap().unwrap();
        let mut left = records.iter();
        for builder in split(&batch, target, &mut Decompressor::default()).unwrap() {
            prop_assert!(builder.size() <= target || builder.count() == 1);
            let part = builder.finish(codec, &mut Compressor::default(), &ProducerStamp::NONE).unwrap();
            for record in decode(part.bytes(), &mut Decompressor::default()) {
                prop_assert_eq!(&record, &expect(record.offset, left.next().unwrap()));
            }
        }
        prop_assert!(left.next().is_none());
    }
}

#[test]
fn one_compressor_and_one_decompressor_serve_batches_of_every_size_and_codec() {
    let (mut compressor, mut decompressor) = (Compressor::default(), Decompressor::default());
    for (count, size) in [(1, 60), (1000, 1000), (3, 100), (300, 10_000), (40, 100)] {
        let records = json_records(count, size);
        let expected: Vec<_> = records.iter().zip(0..).map(|(parts, offset)| expect(offset, parts)).collect();
        for codec in Compression::ALL {
            let batch = encode_with(&records, codec, &mut compressor);
            if codec != Compression::None && count > 3 {
                assert!(batch.size() < batch.uncompressed_size() / 2, "{codec}: {} bytes", batch.size());
            }
            assert_eq!(decode(batch.bytes(), &mut decompressor), expected, "{codec}");
        }
    }
}

#[test]
fn every_level_is_readable() {
    let records = json_records(200, 500);
    let expected: Vec<_> = records.iter().zip(0..).map(|(parts, offset)| expect(offset, parts)).collect();
    let levels = |codec, level| CompressionLevels {
        gzip: (codec == Compression::Gzip).then_some(level),
        lz4: (codec == Compression::Lz4).then_some(level),
        zstd: (codec == Compression::Zstd).then_some(level),
    };
    let cases = (1..=9)
        .map(|level| (Compression::Gzip, level))
        .chain([1, 9, 17].map(|level| (Compression::Lz4, level)))
        .chain([-131_072, -7, -1, 0, 1, 2, 3, 5, 9, 15, 19, 22].map(|level| (Compression::Zstd, level)));
    for (codec, level) in cases {
        let batch = encode_with(&records, codec, &mut Compressor::new(levels(codec, level)));
        assert_eq!(decode(batch.bytes(), &mut Decompressor::default()), expected, "{codec} at level {level}");
    }
}

#[test]
fn several_batches_are_read_one_after_the_other_and_a_partial_one_is_left() {
    let mut set = Vec::new();
    for (base, codec) in [(0, Compression::None), (5, Compression::Zstd), (10, Compression::Lz4)] {
        let mut batch = encode(&json_records(5, 80), codec);
        batch.set_base_offset(base, 3);
        set.extend_from_slice(&batch.bytes());
    }
    let complete = set.len();
    set.extend_from_slice(&encode(&json_records(5, 80), Compression::None).bytes()[..70]);
    for cut in [complete, complete + 5, complete + 16, complete + 17, complete + 61, complete + 70] {
        let mut batches = Batches::new(Bytes::copy_from_slice(&set[..cut]));
        let read: Vec<_> = batches.by_ref().map(|batch| batch.unwrap()).collect();
        assert_eq!(read.iter().map(|batch| batch.base_offset()).collect::<Vec<_>>(), [0, 5, 10]);
        assert_eq!(read.iter().map(|batch| batch.last_offset()).collect::<Vec<_>>(), [4, 9, 14]);
        assert!(read.iter().all(|batch| batch.leader_epoch() == 3 && batch.check_crc().is_ok()));
        assert_eq!(batches.partial(), cut - complete);
    }
}

#[test]
fn a_cursor_skips_to_an_offset_inside_its_batch() {
    let mut batch = encode(&json_records(10, 50), Compression::None);
    batch.set_base_offset(100, 0);
    let batch = Batches::new(batch.bytes()).next().unwrap().unwrap();
    for (from, expected) in [(0, 10), (100, 10), (104, 6), (109, 1), (110, 0), (1000, 0)] {
        let mut records = batch.records(&mut Decompressor::default()).unwrap();
        records.skip_before(from).unwrap();
        assert_eq!(records.remaining(), expected);
        assert_eq!(records.views().count(), expected);
        assert_eq!(
            records.next().map(|record| record.unwrap().offset),
            (expected > 0).then(|| from.max(100))
        );
    }
}

#[test]
fn owned_records_share_the_memory_of_their_batch() {
    let bytes = encode(
        &[(7, Some(b"key".to_vec()), Some(b"value".to_vec()), vec![header("h", Some(b"v"))])],
        Compression::None,
    )
    .bytes();
    let range = bytes.as_ptr_range();
    let record = decode(bytes.clone(), &mut Decompressor::default()).remove(0);
    for part in [record.key.unwrap(), record.value.unwrap(), record.headers[0].value.clone().unwrap()] {
        assert!(range.contains(&part.as_ptr()));
    }
    assert!(range.contains(&record.headers[0].key.as_ptr()));
}

#[test]
fn a_buffer_is_used_again_once_nobody_holds_the_batch() {
    let mut builder = BatchBuilder::with_capacity(4096);
    builder.append(1, None, Some(b"value"), NO_HEADERS).unwrap();
    let batch = builder.finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE).unwrap();
    let (held, place) = (batch.bytes(), batch.bytes().as_ptr());
    assert!(batch.into_buffer().is_none());
    let buffer = recycle(held).unwrap();
    assert_eq!((buffer.as_ptr(), buffer.capacity()), (place, 4096));
    let builder = BatchBuilder::with_buffer(buffer);
    assert_eq!((builder.size(), builder.count()), (BATCH_OVERHEAD, 0));
}

#[test]
fn an_empty_batch_is_refused() {
    let error = BatchBuilder::with_capacity(0)
        .finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE)
        .unwrap_err();
    assert!(error.to_string().contains("empty"));
}

#[test]
fn the_last_header_of_a_name_wins() {
    let headers = vec![header("a", Some(b"1")), header("b", None), header("a", Some(b"2"))];
    let bytes = encode(&[(0, None, None, headers)], Compression::None).bytes();
    let batch = Batches::new(bytes).next().unwrap().unwrap();
    let mut records = batch.records(&mut Decompressor::default()).unwrap();
    let view = records.next_view().unwrap().unwrap();
    assert_eq!(view.headers().last_with_key("a").unwrap().value(), Some(&b"2"[..]));
    assert_eq!(view.headers().last_with_key("b").unwrap().value(), None);
    assert!(view.headers().last_with_key("c").is_none());
    assert_eq!(view.headers().len(), 3);
}

#[test]
fn the_size_of_another_record_is_refused_and_leaves_the_batch_as_it_was() {
    let mut builder = BatchBuilder::with_capacity(1024);
    builder.append(5, None, Some(b"first"), NO_HEADERS).unwrap();
    let other = builder.size_of_next(5, None, Some(b"longer than that"), NO_HEADERS);
    let before = builder.size();
    let refused = builder.append_sized(other, 9, None, Some(b"that"), NO_HEADERS).unwrap_err();
    assert_eq!(refused.kind(), &crate::ErrorKind::InvalidInput);
    assert_eq!((builder.size(), builder.count(), builder.max_timestamp()), (before, 1, 5));
    assert_eq!(builder.append(7, None, Some(b"that"), NO_HEADERS).unwrap(), 1);
}
