use kafka_core::records::{
    BatchBuilder, Compression, CompressionLevels, Compressor, ControlRecord, NO_HEADERS, ProducerStamp,
};

use super::testing::{at_offset, batch, decoding, record_set};
use super::*;

fn plain(offsets: std::ops::Range<i64>) -> bytes::BytesMut {
    batch(offsets, ProducerStamp::NONE)
}

fn transactional(producer_id: i64, offsets: std::ops::Range<i64>) -> bytes::BytesMut {
    batch(offsets, ProducerStamp { producer_id, epoch: 0, base_sequence: 0, transactional: true })
}

fn marker(producer_id: i64, offset: i64, kind: ControlRecord) -> bytes::BytesMut {
    let mut builder = BatchBuilder::with_capacity(128);
    builder.append(0, Some(&kind.key()), Some(&[0; 6]), NO_HEADERS).unwrap();
    let stamp = ProducerStamp { producer_id, epoch: 0, base_sequence: -1, transactional: true };
    let mut compressor = Compressor::new(CompressionLevels::default());
    let encoded = builder.finish(Compression::None, &mut compressor, &stamp).unwrap();
    let mut bytes = at_offset(&encoded.bytes(), offset);
    // The control bit of the attributes.
    bytes[22] |= 0x20;
    bytes
}

/// Takes everything, `step` records at a time; the offsets, and the position at the end.
fn read(chunk: &mut Chunk, from: i64, step: usize) -> (Vec<i64>, i64) {
    let mut decoding = Decoding { check_crcs: false, ..decoding() };
    let (mut offsets, mut position) = (Vec::new(), from);
    while !chunk.is_empty() {
        let mut slices = Vec::new();
        let taken = chunk.take(step, position, &mut decoding, &mut slices).unwrap();
        assert!(taken.records <= step);
        assert_eq!(taken.records, slices.iter().map(|slice| slice.len).sum::<usize>());
        for slice in &slices {
            offsets.extend(slice.records.views().take(slice.len).map(|view| view.unwrap().offset()));
        }
        position = taken.position;
    }
    (offsets, position)
}

#[test]
fn records_come_in_order_whatever_the_size_of_a_poll() {
    for step in [1, 2, 3, 4, 5, 7, 100] {
        let set = record_set([plain(0..3), plain(3..4), plain(4..10)]);
        let mut chunk = Chunk::new(0, set, None).unwrap();
        assert_eq!(chunk.next_offset(), 10);
        assert_eq!(chunk.last_epoch(), Some(5));
        assert_eq!(read(&mut chunk, 0, step), ((0..10).collect(), 10));
        assert_eq!(chunk.bytes(), 0);
    }
}

#[test]
fn a_fetch_into_the_middle_of_a_batch_starts_at_its_offset() {
    let mut chunk = Chunk::new(5, record_set([plain(0..3), plain(3..8), plain(8..9)]), None).unwrap();
    assert_eq!(read(&mut chunk, 5, 2), (vec![5, 6, 7, 8], 9));
}

#[test]
fn a_batch_that_is_cut_off_is_left_for_the_next_fetch() {
    let mut set = record_set([plain(0..3), plain(3..6)]);
    set.truncate(set.len() - 1);
    let mut chunk = Chunk::new(0, set, None).unwrap();
    assert_eq!(chunk.next_offset(), 3);
    assert_eq!(read(&mut chunk, 0, 10), (vec![0, 1, 2], 3));
    let mut only = record_set([plain(0..3)]);
    only.truncate(only.len() - 1);
    assert!(Chunk::new(0, only, None).is_none());
}

#[test]
fn offsets_that_compaction_left_empty_are_gone_past() {
    let mut sparse = plain(10..12);
    // The batch once ended at offset 19.
    sparse[23..27].copy_from_slice(&9_i32.to_be_bytes());
    let mut chunk = Chunk::new(10, record_set([sparse]), None).unwrap();
    assert_eq!(read(&mut chunk, 10, 10), (vec![10, 11], 20));
}

#[test]
fn control_records_are_never_handed_out() {
    let set = record_set([transactional(1, 0..2), marker(1, 2, ControlRecord::Commit), plain(3..4)]);
    let mut chunk = Chunk::new(0, set, None).unwrap();
    assert_eq!(read(&mut chunk, 0, 10), (vec![0, 1, 3], 4));
}

#[test]
fn read_committed_hides_aborted_transactions_and_nothing_else() {
    let set = || {
        record_set([
            transactional(1, 0..2),
            transactional(2, 2..4),
            plain(4..5),
            marker(1, 5, ControlRecord::Abort),
            transactional(1, 6..8),
            marker(2, 8, ControlRecord::Commit),
            marker(1, 9, ControlRecord::Commit),
        ])
    };
    let aborted = AbortedTransactions::new([(1, 0)]);
    let mut chunk = Chunk::new(0, set(), Some(aborted)).unwrap();
    assert_eq!(read(&mut chunk, 0, 3), (vec![2, 3, 4, 6, 7], 10));

    let mut uncommitted = Chunk::new(0, set(), None).unwrap();
    assert_eq!(read(&mut uncommitted, 0, 3).0, [0, 1, 2, 3, 4, 6, 7]);
}

#[test]
fn a_chunk_of_nothing_but_hidden_records_moves_the_position() {
    let set = record_set([transactional(1, 0..4), marker(1, 4, ControlRecord::Abort)]);
    let mut chunk = Chunk::new(0, set, Some(AbortedTransactions::new([(1, 0)]))).unwrap();
    assert_eq!(read(&mut chunk, 0, 3), (vec![], 5));
}

#[test]
fn a_damaged_batch_is_an_error_after_the_records_before_it() {
    let mut damaged = plain(3..6);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let mut chunk = Chunk::new(0, record_set([plain(0..3), damaged, plain(6..9)]), None).unwrap();
    let mut slices = Vec::new();
    let taken = chunk.take(10, 0, &mut decoding(), &mut slices).unwrap();
    assert_eq!((taken.records, taken.position), (3, 3));
    assert!(!chunk.is_empty());
    let damage = chunk.take(10, 3, &mut decoding(), &mut slices).unwrap_err();
    assert_eq!((damage.offset, damage.next_offset), (3, Some(6)));
    assert!(damage.error.to_string().contains("checksum"), "{}", damage.error);
}

#[test]
fn garbage_instead_of_a_batch_is_an_error_and_no_endless_fetch() {
    let garbage = bytes::Bytes::from(vec![0xff; 200]);
    let mut chunk = Chunk::new(0, garbage, None).unwrap();
    let damage = chunk.take(10, 0, &mut decoding(), &mut Vec::new()).unwrap_err();
    assert_eq!((damage.offset, damage.next_offset), (0, None));
}
