use std::sync::Arc;

use kafka_core::records::{Batch, Batches, ProducerStamp};

use super::testkit::{append, append_as, records, settings};
use super::{Log, Marker};
use crate::topics::TopicSettings;

fn marker(producer_id: i64, commit: bool) -> Marker {
    Marker { producer_id, epoch: 0, commit, coordinator_epoch: 0 }
}

fn compacted(more: &[(&str, &str)]) -> TopicSettings {
    let mut configs = vec![("cleanup.policy", "compact"), ("segment.ms", "1000")];
    configs.extend([("delete.retention.ms", "10000"), ("min.cleanable.dirty.ratio", "0")]);
    configs.extend(more);
    settings(&configs)
}

/// Offset, key and value of each record.
fn left(log: &Log) -> Vec<(i64, String, Option<String>)> {
    let text = |bytes: &bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let records = records(log);
    records
        .iter()
        .map(|record| (record.offset, text(record.key.as_ref().unwrap()), record.value.as_ref().map(text)))
        .collect()
}

fn offsets(log: &Log) -> Vec<i64> {
    left(log).into_iter().map(|(offset, ..)| offset).collect()
}

fn batches(log: &Log) -> Vec<Batch> {
    Batches::new(log.read(0, i64::MAX, usize::MAX, true)).map(Result::unwrap).collect()
}

#[test]
fn of_each_key_the_latest_value_is_left_and_keeps_its_offset() {
    let mut log = Log::new(Arc::default());
    let settings = compacted(&[]);
    for (at, key) in [(0, "a"), (1, "b"), (2, "a"), (2000, "c"), (2001, "a"), (4000, "b")] {
        append(&mut log, &settings, at, key, Some(&format!("{key}{at}")));
    }
    let (end, size) = (log.end_offset(), log.size());
    log.compact(&settings, 5000);
    // The last segment, with the last "b", is not looked at.
    assert_eq!(offsets(&log), [1, 3, 4, 5]);
    assert_eq!(left(&log)[2], (4, "a".to_owned(), Some("a2001".to_owned())));
    assert_eq!((log.start_offset(), log.end_offset()), (0, end));
    assert!(log.size() < size);
    assert_eq!(log.size(), log.read(0, end, usize::MAX, true).len() as u64);
    let first = Batches::new(log.read(0, end, 1, true)).next().unwrap().unwrap();
    assert_eq!(first.base_offset(), 1, "reading from a gap goes on behind it");
    log.compact(&settings, 5000);
    assert_eq!(offsets(&log), [1, 3, 4, 5], "there is nothing new");
}

#[test]
fn a_batch_that_loses_records_keeps_its_first_and_last_offset() {
    let mut log = Log::new(Arc::default());
    let settings = compacted(&[]);
    let records = [("a", Some("1")), ("b", Some("2")), ("a", Some("3")), ("b", Some("4"))];
    append_as(&mut log, &settings, 0, &records, &ProducerStamp::NONE);
    append(&mut log, &settings, 1, "b", Some("5"));
    append(&mut log, &settings, 3000, "z", None);
    log.compact(&settings, 3000);
    assert_eq!(offsets(&log), [2, 4, 5]);
    let first = &batches(&log)[0];
    assert_eq!((first.base_offset(), first.last_offset(), first.count()), (0, 3, 1));
    first.check_crc().unwrap();
}

#[test]
fn tombstones_are_kept_for_as_long_as_readers_may_need_them() {
    let mut log = Log::new(Arc::default());
    let settings = compacted(&[]);
    append(&mut log, &settings, 0, "a", Some("1"));
    append(&mut log, &settings, 1, "a", None);
    append(&mut log, &settings, 2000, "b", Some("2"));
    log.compact(&settings, 2000);
    assert_eq!(offsets(&log), [1, 2]);
    assert_eq!(batches(&log)[0].delete_horizon(), Some(12_000));
    assert_eq!(records(&log)[0].timestamp, 1, "timestamps stay");
    append(&mut log, &settings, 11_000, "c", Some("3"));
    append(&mut log, &settings, 13_000, "d", Some("4"));
    log.compact(&settings, 11_999);
    assert_eq!(offsets(&log), [1, 2, 3, 4]);
    append(&mut log, &settings, 15_000, "c", Some("5"));
    append(&mut log, &settings, 17_000, "d", Some("6"));
    log.compact(&settings, 17_000);
    assert_eq!(offsets(&log), [2, 4, 5, 6], "the last segment is not looked at");
}

#[test]
fn what_is_young_waits_and_what_has_waited_for_too_long_does_not() {
    let mut log = Log::new(Arc::default());
    let lagging = compacted(&[("min.compaction.lag.ms", "5000")]);
    for at in [0, 1, 2000, 2001, 4000] {
        append(&mut log, &lagging, at, "a", Some("v"));
    }
    log.compact(&lagging, 5000);
    assert_eq!(offsets(&log), [0, 1, 2, 3, 4], "the youngest record of a segment counts");
    log.compact(&lagging, 5001);
    assert_eq!(
        offsets(&log),
        [1, 2, 3, 4],
        "and of the latest that was looked at, the first segment's is kept"
    );
    let seldom = compacted(&[("min.cleanable.dirty.ratio", "0.9"), ("max.compaction.lag.ms", "9000")]);
    log.compact(&seldom, 11_000);
    assert_eq!(offsets(&log), [1, 2, 3, 4]);
    log.compact(&seldom, 11_001);
    assert_eq!(offsets(&log), [3, 4]);
    let settings = settings(&[]);
    log.compact(&settings, 1_000_000);
    assert_eq!(offsets(&log), [3, 4], "another policy");
}

fn stamp(producer_id: i64, base_sequence: i32) -> ProducerStamp {
    ProducerStamp { producer_id, epoch: 0, base_sequence, transactional: true }
}

#[test]
fn aborted_records_go_and_their_marker_follows() {
    let mut log = Log::new(Arc::default());
    let settings = compacted(&[]);
    append(&mut log, &settings, 0, "a", Some("1"));
    append_as(&mut log, &settings, 1, &[("a", Some("aborted"))], &stamp(7, 0));
    append_as(&mut log, &settings, 1, &[("b", Some("committed"))], &stamp(8, 0));
    log.end_transaction(marker(7, false), 0, 2);
    log.end_transaction(marker(8, true), 0, 2);
    append_as(&mut log, &settings, 3, &[("x", Some("later"))], &stamp(7, 1));
    append_as(&mut log, &settings, 3, &[("b", Some("newer"))], &stamp(8, 1));
    log.end_transaction(marker(7, true), 0, 4);
    log.end_transaction(marker(8, true), 0, 4);
    append(&mut log, &settings, 5000, "z", Some("open"));
    let all = |log: &Log| batches(log).iter().map(Batch::base_offset).collect::<Vec<_>>();
    log.compact(&settings, 5000);
    assert_eq!(offsets(&log), [0, 5, 6, 9], "an aborted value replaces nothing");
    assert_eq!(all(&log), [0, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(log.aborted_between(0, 10).count(), 1, "readers that are in the middle must still know");
    // The markers of what is gone wait for as long as tombstones do.
    append(&mut log, &settings, 7000, "z", Some("1"));
    append(&mut log, &settings, 20_000, "z", Some("2"));
    log.compact(&settings, 20_000);
    assert_eq!(all(&log), [0, 3, 4, 5, 6, 7, 8, 10, 11]);
    assert_eq!(log.aborted_between(0, 10).count(), 0);
    append(&mut log, &settings, 40_000, "z", Some("3"));
    append(&mut log, &settings, 60_000, "z", Some("4"));
    log.compact(&settings, 60_000);
    assert_eq!(all(&log), [0, 5, 6, 7, 8, 12, 13]);
    assert_eq!(log.last_stable_offset(), 14);
}

#[test]
fn an_open_transaction_is_waited_for() {
    let mut log = Log::new(Arc::default());
    let settings = compacted(&[]);
    append(&mut log, &settings, 0, "a", Some("1"));
    append(&mut log, &settings, 1, "a", Some("2"));
    append_as(&mut log, &settings, 2, &[("a", Some("3"))], &stamp(7, 0));
    append(&mut log, &settings, 4000, "b", Some("4"));
    log.compact(&settings, 9000);
    assert_eq!(offsets(&log), [0, 1, 2, 3]);
    log.end_transaction(marker(7, true), 0, 9000);
    log.compact(&settings, 9000);
    assert_eq!(offsets(&log), [2, 3]);
}

#[test]
fn a_producers_last_batch_is_kept_for_its_numbers() {
    let mut log = Log::new(Arc::default());
    let settings = compacted(&[]);
    let idempotent = |base_sequence| ProducerStamp { transactional: false, ..stamp(7, base_sequence) };
    append_as(&mut log, &settings, 0, &[("a", Some("1"))], &idempotent(0));
    append_as(&mut log, &settings, 0, &[("a", Some("2"))], &idempotent(1));
    append(&mut log, &settings, 1, "a", Some("3"));
    append(&mut log, &settings, 5000, "z", Some("4"));
    log.compact(&settings, 5000);
    assert_eq!(offsets(&log), [2, 3]);
    let kept = &batches(&log)[0];
    assert_eq!((kept.base_offset(), kept.base_sequence(), kept.count()), (1, 1, 0));
    log.replay_producers();
    assert_eq!(append_as(&mut log, &settings, 5000, &[("a", Some("2"))], &idempotent(1)).base_offset, 1);
}

#[test]
fn small_segments_are_joined() {
    let mut log = Log::new(Arc::default());
    let settings = compacted(&[]);
    for at in 0..10 {
        append(&mut log, &settings, at * 2000, "a", Some("v"));
    }
    assert_eq!(log.segments.len(), 10);
    log.compact(&settings, 20_000);
    assert_eq!(log.segments.iter().map(|segment| segment.base_offset).collect::<Vec<_>>(), [0, 9]);
    assert_eq!(offsets(&log), [8, 9]);
}
