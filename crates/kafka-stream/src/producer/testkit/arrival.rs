use bytes::Bytes;
use kafka_core::records::{Batches, Compression, Decompressor};

/// A batch as it reached a broker.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) broker: i32,
    pub(crate) topic: String,
    pub(crate) partition: usize,
    pub(crate) acks: i16,
    pub(crate) timeout_ms: i32,
    /// The bytes of the whole request.
    pub(crate) request_size: usize,
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) sequence: i32,
    pub(crate) compression: Compression,
    pub(crate) size: usize,
    pub(crate) values: Vec<String>,
}

/// What a record set says of itself.
pub(super) struct Parsed {
    pub(super) producer_id: i64,
    pub(super) epoch: i16,
    pub(super) sequence: i32,
    pub(super) compression: Compression,
    pub(super) values: Vec<String>,
}

impl Parsed {
    pub(super) fn of(record_set: &Bytes) -> Self {
        let mut batches = Batches::new(record_set.clone());
        let batch = batches.next().unwrap().unwrap();
        batch.check_crc().unwrap();
        assert!(batches.next().is_none(), "a produce request carries one batch for each partition");
        let records = batch.records(&mut Decompressor::default()).unwrap();
        let values = records
            .map(|record| String::from_utf8_lossy(&record.unwrap().value.unwrap_or_default()).into_owned())
            .collect();
        Self {
            producer_id: batch.producer_id(),
            epoch: batch.producer_epoch(),
            sequence: batch.base_sequence(),
            compression: batch.compression(),
            values,
        }
    }
}
