//! Logs for tests.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use kafka_core::records::{
    BatchBuilder, Batches, Compression, Compressor, Decompressor, NO_HEADERS, ProducerStamp, Record,
};

use super::{Appended, Log};
use crate::topics::TopicSettings;

pub(super) fn settings(configs: &[(&str, &str)]) -> TopicSettings {
    let configs = configs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    TopicSettings::of(&configs.collect())
}

/// Appends a batch of one record, written at that time.
pub(super) fn append(
    log: &mut Log,
    settings: &TopicSettings,
    at: i64,
    key: &str,
    value: Option<&str>,
) -> Appended {
    append_as(log, settings, at, &[(key, value)], &ProducerStamp::NONE)
}

pub(super) fn append_as(
    log: &mut Log,
    settings: &TopicSettings,
    at: i64,
    records: &[(&str, Option<&str>)],
    stamp: &ProducerStamp,
) -> Appended {
    let mut builder = BatchBuilder::with_capacity(200);
    for (key, value) in records {
        builder.append(at, Some(key.as_bytes()), value.map(str::as_bytes), NO_HEADERS).unwrap();
    }
    let encoded = builder.finish(Compression::None, &mut Compressor::default(), stamp).unwrap();
    let batch = Batches::new(encoded.bytes()).next().unwrap().unwrap();
    log.append(batch, 0, settings, at).unwrap()
}

/// All records in the log, control records left out.
pub(super) fn records(log: &Log) -> Vec<Record> {
    let all = log.read(log.start_offset(), log.end_offset(), usize::MAX, true);
    let batches = Batches::new(all).map(Result::unwrap).filter(|batch| !batch.is_control());
    batches
        .flat_map(|batch| batch.records(&mut Decompressor::default()).unwrap())
        .map(Result::unwrap)
        .collect()
}
