use bytes::Bytes;
use proptest::prelude::*;

use super::{encode, json_records};
use crate::ErrorKind;
use crate::records::{Batches, Compression, Decompressor};

/// Reads all that can be read and says how many bytes of records there were.
fn read_all(record_set: Bytes, decompressor: &mut Decompressor) -> usize {
    let mut bytes = 0;
    for batch in Batches::new(record_set).flatten() {
        if let Ok(records) = batch.records(decompressor) {
            bytes += records.payload().len();
            for record in records.flatten() {
                bytes += record.headers.len();
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn flipped_and_missing_bytes_are_errors_and_never_panics(
        codec in proptest::sample::select(Compression::ALL.as_slice()),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        keep in any::<bool>(),
    ) {
        let mut bytes = encode(&json_records(30, 200), codec).bytes().to_vec();
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if !keep {
            bytes.truncate(cut.index(bytes.len()));
        }
        let limit = 1 << 20;
        prop_assert!(read_all(Bytes::from(bytes), &mut Decompressor::new(limit)) <= limit);
    }

    #[test]
    fn arbitrary_payloads_are_errors_and_never_panics(
        codec in proptest::sample::select(Compression::ALL.as_slice()),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = Decompressor::new(1 << 20).decompress(codec, &Bytes::from(payload));
    }
}

#[test]
fn every_single_truncation_of_a_payload_is_an_error() {
    for codec in Compression::ALL {
        if codec == Compression::None {
            continue;
        }
        let payload = encode(&json_records(10, 100), codec).bytes().slice(61..);
        for cut in 0..payload.len() {
            // Nothing at all, and a snappy stream cut between blocks, decompress to less than the batch says.
            if let Ok(output) = Decompressor::default().decompress(codec, &payload.slice(..cut)) {
                assert!(output.is_empty(), "{codec} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_changed_byte_does_not_pass_the_checksum() {
    let bytes = encode(&json_records(10, 100), Compression::None).bytes();
    for at in 21..bytes.len() {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x10;
        // A header that makes no sense is refused even earlier.
        if let Some(Ok(batch)) = Batches::new(Bytes::from(bytes)).next() {
            assert_eq!(batch.check_crc().unwrap_err().kind(), &ErrorKind::CorruptRecords);
        }
    }
}

#[test]
fn a_bomb_is_an_error_and_not_an_allocation() {
    let records: Vec<_> = (0..4).map(|i| (i, None, Some(vec![0u8; 4 << 20]), vec![])).collect();
    for codec in Compression::ALL {
        if codec == Compression::None {
            continue;
        }
        let encoded = encode(&records, codec);
        let batch = Batches::new(encoded.bytes()).next().unwrap().unwrap();
        let error = batch.records(&mut Decompressor::new(1 << 20)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Malformed, "{codec}: {error}");
        assert!(error.to_string().contains("1048576"), "{error}");
        let exact = encoded.uncompressed_size() - 61;
        assert_eq!(batch.records(&mut Decompressor::new(exact)).unwrap().count(), 4, "{codec}");
        assert!(batch.records(&mut Decompressor::new(exact - 1)).is_err(), "{codec}");
    }
}

fn with(at: usize, field: &[u8]) -> Bytes {
    let mut bytes = encode(&json_records(3, 50), Compression::None).bytes().to_vec();
    bytes[at..at + field.len()].copy_from_slice(field);
    Bytes::from(bytes)
}

fn kind_of(record_set: Bytes) -> ErrorKind {
    let batch = match Batches::new(record_set).next().unwrap() {
        Ok(batch) => batch,
        Err(error) => return error.kind().clone(),
    };
    match batch.records(&mut Decompressor::default()) {
        Ok(records) => records.last().unwrap().unwrap_err().kind().clone(),
        Err(error) => error.kind().clone(),
    }
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let cases: [(usize, &[u8], ErrorKind); 11] = [
        (16, &[0], ErrorKind::Unsupported),
        (16, &[1], ErrorKind::Unsupported),
        (16, &[3], ErrorKind::CorruptRecords),
        (8, &(-1i32).to_be_bytes(), ErrorKind::CorruptRecords),
        (8, &48i32.to_be_bytes(), ErrorKind::CorruptRecords),
        (0, &(-1i64).to_be_bytes(), ErrorKind::CorruptRecords),
        (0, &i64::MAX.to_be_bytes(), ErrorKind::CorruptRecords),
        (23, &(-1i32).to_be_bytes(), ErrorKind::CorruptRecords),
        (57, &i32::MAX.to_be_bytes(), ErrorKind::CorruptRecords),
        (57, &(-1i32).to_be_bytes(), ErrorKind::CorruptRecords),
        (22, &[5], ErrorKind::CorruptRecords),
    ];
    for (at, field, kind) in cases {
        assert_eq!(kind_of(with(at, field)), kind, "field at {at} set to {field:?}");
    }
    // Fewer records than there are bytes for, more than there are, and offsets beyond the last.
    assert_eq!(kind_of(with(57, &2i32.to_be_bytes())), ErrorKind::CorruptRecords);
    assert_eq!(kind_of(with(57, &4i32.to_be_bytes())), ErrorKind::CorruptRecords);
    assert_eq!(kind_of(with(23, &1i32.to_be_bytes())), ErrorKind::CorruptRecords);
}

#[test]
fn after_an_error_the_iteration_ends() {
    let mut batches = Batches::new(with(16, &[0]));
    assert!(batches.next().unwrap().is_err());
    assert!(batches.next().is_none());

    let batch = Batches::new(with(57, &2i32.to_be_bytes())).next().unwrap().unwrap();
    let results: Vec<_> =
        batch.records(&mut Decompressor::default()).unwrap().map(|record| record.is_ok()).collect();
    assert_eq!(results, [true, true, false]);
}
