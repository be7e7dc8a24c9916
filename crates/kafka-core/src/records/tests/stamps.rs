use super::{encode, json_records};
use crate::records::{
    Batch, Batches, Compression, ControlRecord, Decompressor, ProducerStamp, TimestampType,
};

fn read(batch: &crate::records::EncodedBatch) -> Batch {
    let batch = Batches::new(batch.bytes()).next().unwrap().unwrap();
    batch.check_crc().unwrap();
    batch
}

const STAMP: ProducerStamp =
    ProducerStamp { producer_id: 77, epoch: 3, base_sequence: 1234, transactional: true };

#[test]
fn restamping_changes_the_producer_and_nothing_else() {
    let mut batch = encode(&json_records(20, 100), Compression::Lz4);
    let before = batch.bytes();
    batch.restamp(&STAMP).unwrap();
    assert_eq!(batch.stamp(), STAMP);
    let header = read(&batch);
    assert_eq!((header.producer_id(), header.producer_epoch(), header.base_sequence()), (77, 3, 1234));
    assert!(header.is_transactional() && !header.is_control());
    assert_eq!(header.compression(), Compression::Lz4);
    assert_eq!(header.bytes()[61..], before[61..]);
    assert_eq!(
        Batches::new(before.clone()).next().unwrap().unwrap().producer_id(),
        -1,
        "what was handed out is kept"
    );

    batch.restamp(&ProducerStamp::NONE).unwrap();
    assert_eq!(batch.bytes(), before);
}

#[test]
fn restamping_happens_in_place_when_nobody_else_holds_the_bytes() {
    let mut batch = encode(&json_records(20, 100), Compression::None);
    let place = batch.bytes().as_ptr();
    batch.restamp(&STAMP).unwrap();
    batch.restamp(&STAMP).unwrap();
    assert_eq!(batch.bytes().as_ptr(), place);
}

#[test]
fn a_batch_gets_its_place_in_the_log_without_a_new_checksum() {
    let mut batch = encode(&json_records(3, 100), Compression::Snappy);
    batch.set_base_offset(1 << 40, 9);
    let header = read(&batch);
    assert_eq!(
        (header.base_offset(), header.last_offset(), header.leader_epoch()),
        (1 << 40, (1 << 40) + 2, 9)
    );
}

#[test]
fn log_append_time_counts_for_every_record() {
    let mut batch = encode(&json_records(3, 100), Compression::Gzip);
    batch.set_log_append_time(42).unwrap();
    let header = read(&batch);
    assert_eq!((header.timestamp_type(), header.max_timestamp()), (TimestampType::LogAppendTime, 42));
    for record in header.records(&mut Decompressor::default()).unwrap() {
        let record = record.unwrap();
        assert_eq!((record.timestamp, record.timestamp_type), (42, TimestampType::LogAppendTime));
    }
}

#[test]
fn control_records_say_what_they_are() {
    for (kind, name) in [(ControlRecord::Abort, 0), (ControlRecord::Commit, 1), (ControlRecord::Other(5), 5)]
    {
        let mut batch =
            encode(&[(1, Some(kind.key().to_vec()), Some(vec![0; 6]), vec![])], Compression::None);
        batch.restamp(&STAMP).unwrap();
        batch.set_control().unwrap();
        let header = read(&batch);
        assert!(header.is_control() && header.is_transactional());
        let records = header.records(&mut Decompressor::default()).unwrap();
        let view = records.views().next().unwrap().unwrap();
        assert_eq!(view.key().unwrap()[3], name);
        assert_eq!(ControlRecord::read(&view).unwrap(), kind);
    }
}

#[test]
fn control_records_without_a_type_are_refused() {
    for key in [None, Some(vec![]), Some(vec![0, 0, 0]), Some(vec![0xff, 0xff, 0, 1])] {
        let batch = encode(&[(1, key, None, vec![])], Compression::None);
        let records = read(&batch).records(&mut Decompressor::default()).unwrap();
        assert!(ControlRecord::read(&records.views().next().unwrap().unwrap()).is_err());
    }
}

#[test]
fn a_broker_appends_what_it_received_without_touching_its_records() {
    let mut sent = encode(&json_records(9, 100), Compression::Zstd);
    sent.restamp(&STAMP).unwrap();
    let mut log = crate::records::EncodedBatch::from(read(&sent));
    assert_eq!((log.stamp(), log.count(), log.compression()), (STAMP, 9, Compression::Zstd));
    log.set_base_offset(500, 2);
    let header = read(&log);
    assert_eq!((header.base_offset(), header.last_offset(), header.producer_id()), (500, 508, 77));
    assert_eq!(log.bytes()[16..], sent.bytes()[16..]);
}
