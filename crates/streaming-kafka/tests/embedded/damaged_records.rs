//! Batches in the log that no producer wrote: what lies before them is read, then `poll` says where and why it stops, and what
//! lies behind can be read too.

use std::time::Duration;

use bytes::Bytes;
use kafka_core::records::Compression;
use kafka_embedded::EmbeddedCluster;
use streaming_kafka::consumer::{Consumer, ConsumerError, ConsumerErrorKind, ConsumerRecord};
use streaming_kafka::producer::{Producer, ProducerConfig};

use crate::support::{consumer, in_memory_client, number, read, send};

const LENGTH_AT: usize = 8;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const COUNT_AT: usize = 57;
const HEADER: usize = 61;

/// Gives a batch the length and the checksum that fit it.
fn seal(mut batch: Vec<u8>) -> Bytes {
    let length = i32::try_from(batch.len() - LENGTH_AT - 4).unwrap();
    batch[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
    Bytes::from(batch)
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// A batch of the same records, as they are after this.
fn changed(batch: &Bytes, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = batch.to_vec();
    change(&mut bytes);
    seal(bytes)
}

/// A frame of zstd that is a few kilobytes, and would be more than a gibibyte: blocks of one byte, 128 KiB times each.
fn bomb() -> Vec<u8> {
    const BLOCKS: u32 = 8200;
    const RUN: u32 = 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];
    for block in 1..=BLOCKS {
        let header = u32::from(block == BLOCKS) | RUN << 1 | (128 << 10) << 3;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(7);
    }
    frame
}

/// Reads five batches of ten records of which the middle one is damaged like this; what `poll` says.
async fn damage(damage: impl FnOnce(&Bytes) -> Bytes) -> ConsumerError {
    let cluster = EmbeddedCluster::builder().topic("t", 1).in_memory().start().await.unwrap();
    let client = in_memory_client(&cluster, "reader");
    let mut config = ProducerConfig::default();
    config.compression_type = Compression::None;
    let producer = Producer::new(client.clone(), config).unwrap();
    for batch in 0..5 {
        send(&producer, "t", batch * 10..batch * 10 + 10).await;
    }
    cluster.replace_batch("t", 0, 25, damage).unwrap();

    let consumer = consumer(&client, None);
    consumer.assign(consumer.partitions_for("t").await.unwrap()).unwrap();
    let (before, error) = until_error(&consumer).await;
    assert!(before.iter().map(number).eq(0..20), "what lies before it is read");
    assert_eq!(error.partition().map(|partition| (&*partition.topic, partition.partition)), Some(("t", 0)));
    assert_eq!(error.offset(), Some(20), "{error}");
    consumer.seek(error.partition().unwrap(), 30).unwrap();
    assert!(read(&consumer, 20).await.iter().map(number).eq(30..50), "what lies behind it is read");
    error
}

async fn until_error(consumer: &Consumer) -> (Vec<ConsumerRecord>, ConsumerError) {
    let mut records = Vec::new();
    let all = async {
        loop {
            match consumer.poll(Duration::from_secs(1)).await {
                Ok(more) => records.extend(more),
                Err(error) => return error,
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(600), all).await.unwrap();
    (records, error)
}

#[tokio::test(start_paused = true)]
async fn a_checksum_that_is_wrong_is_an_error_at_its_batch() {
    let error = damage(|batch| {
        let mut bytes = batch.to_vec();
        *bytes.last_mut().unwrap() ^= 0x40;
        Bytes::from(bytes)
    });
    let error = error.await;
    assert_eq!(error.kind(), ConsumerErrorKind::CorruptRecords);
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_more_records_than_it_can_hold_is_an_error() {
    for count in [i32::MAX, 11, 9, 0, -1, i32::MIN] {
        let error = damage(|batch| {
            changed(batch, |bytes| {
                bytes[COUNT_AT..HEADER].copy_from_slice(&count.to_be_bytes());
            })
        });
        assert_eq!(error.await.kind(), ConsumerErrorKind::CorruptRecords, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_ends_before_it_begins_is_an_error() {
    let error = damage(|batch| {
        changed(batch, |bytes| {
            bytes[LAST_OFFSET_DELTA_AT..LAST_OFFSET_DELTA_AT + 4].copy_from_slice(&(-5i32).to_be_bytes());
        })
    });
    assert_eq!(error.await.kind(), ConsumerErrorKind::CorruptRecords);
}

#[tokio::test(start_paused = true)]
async fn lengths_inside_a_batch_that_lead_beyond_it_are_errors() {
    // The first record's own length, and whatever the bytes behind it are the lengths of.
    for at in [HEADER, HEADER + 4, HEADER + 6] {
        let error = damage(|batch| {
            changed(batch, |bytes| bytes[at..at + 5].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0x0f]))
        });
        assert_eq!(error.await.kind(), ConsumerErrorKind::CorruptRecords, "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_compression_bomb_is_an_error_at_the_bound() {
    const ZSTD: u8 = 4;
    let error = damage(|batch| {
        changed(batch, |bytes| {
            bytes[ATTRIBUTES_AT + 1] = ZSTD;
            bytes.truncate(HEADER);
            bytes.extend(bomb());
        })
    });
    let error = error.await;
    assert_eq!(error.kind(), ConsumerErrorKind::CorruptRecords);
    assert!(error.to_string().contains("1073741824"), "{error}");
}
