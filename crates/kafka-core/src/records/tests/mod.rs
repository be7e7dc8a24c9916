//! The module from outside: what one side writes the other reads, and damage is an error.

mod damage;
mod java;
mod other_writers;
mod rewritten;
mod round_trip;
mod stamps;

use bytes::Bytes;

use super::{BatchBuilder, Compression, Compressor, EncodedBatch, Header, ProducerStamp};

/// Timestamp, key, value, headers.
pub(super) type Parts = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<Header>);

pub(super) fn encode(records: &[Parts], compression: Compression) -> EncodedBatch {
    encode_with(records, compression, &mut Compressor::default())
}

pub(super) fn encode_with(
    records: &[Parts],
    compression: Compression,
    compressor: &mut Compressor,
) -> EncodedBatch {
    build(records).finish(compression, compressor, &ProducerStamp::NONE).unwrap()
}

pub(super) fn build(records: &[Parts]) -> BatchBuilder {
    let mut builder = BatchBuilder::with_capacity(1024);
    for (timestamp, key, value, headers) in records {
        builder.append(*timestamp, key.as_deref(), value.as_deref(), headers).unwrap();
    }
    builder
}

/// Records like those that people send: some JSON with fields that change.
pub(super) fn json_records(count: usize, size: usize) -> Vec<Parts> {
    (0..count)
        .map(|i| {
            let mut value = format!(
                r#"{{"id":{i},"user":"user-{}","action":"click","at":{},"tags":["a{}","b"],"note":""#,
                i % 97,
                1_700_000_000_000u64 + i as u64 * 17,
                i % 7
            );
            while value.len() < size.saturating_sub(2) {
                value.push_str(["lorem ", "ipsum ", "dolor ", "sit "][(value.len() + i) % 4]);
            }
            value.push_str("\"}");
            let key = (i % 3 == 0).then(|| format!("key-{i}").into_bytes());
            (1_700_000_000_000 + i as i64, key, Some(value.into_bytes()), Vec::new())
        })
        .collect()
}

pub(super) fn header(key: &str, value: Option<&[u8]>) -> Header {
    Header { key: key.into(), value: value.map(Bytes::copy_from_slice) }
}
