//! Records: written, in order and out of it, and broken in each way.

use bytes::Bytes;
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::messages::{InitProducerIdRequest, ProduceRequest};
use kafka_core::protocol::{Message, Uuid};
use kafka_core::records::Compression;

use super::super::records::{
    TIME, at, batch, checked, compressed, damaged, keyless, numbered, patched, sized, transactional,
    with_payload,
};
use super::super::side::Side;
use super::topics::{create, create_with};

/// A topic by name and id: which of them is sent depends on the version.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) id: Uuid,
}

/// A request that writes records to one partition.
pub(super) fn produce(target: &Target, index: i32, records: Option<Bytes>) -> ProduceRequest {
    let topic = TopicProduceData {
        name: target.name.clone(),
        topic_id: target.id,
        partition_data: vec![PartitionProduceData { index, records }],
    };
    ProduceRequest { acks: -1, timeout_ms: 5_000, topic_data: vec![topic], ..Default::default() }
}

/// Writes records, without a word about it in what is compared.
pub(super) async fn write(side: &mut Side, name: &str, index: i32, records: Bytes) {
    let target = Target { name: name.to_owned(), id: Uuid::ZERO };
    let written = |answer: &kafka_core::protocol::messages::ProduceResponse| {
        answer.responses.iter().all(|topic| topic.partition_responses.iter().all(|part| part.error_code == 0))
    };
    side.quietly(9, produce(&target, index, Some(records)), written).await;
}

/// A topic that is there.
pub(super) async fn target(side: &mut Side, name: &str, partitions: i32) -> Target {
    let name = side.name(name);
    let id = create(side, &name, partitions).await;
    Target { name, id }
}

pub(super) async fn run(side: &mut Side) {
    written(side).await;
    addressed(side).await;
    broken(side).await;
    checked_by_settings(side).await;
    sequences(side).await;
}

async fn written(side: &mut Side) {
    let target = target(side, "written", 2).await;
    for version in ProduceRequest::VERSIONS {
        side.ask("a batch", version, produce(&target, 0, Some(batch(3)))).await;
        side.ask("an unknown partition", version, produce(&target, 9, Some(batch(3)))).await;
        let damaged = damaged(&batch(3), at::CRC, &[1, 2, 3, 4]);
        side.ask("a wrong checksum", version, produce(&target, 0, Some(damaged))).await;
    }
    for acks in [1, -1] {
        let request = ProduceRequest { acks, ..produce(&target, 0, Some(batch(1))) };
        side.ask(&format!("acks {acks}"), 11, request).await;
    }
    for acks in [2, -2, i16::MAX] {
        let request = ProduceRequest { acks, ..produce(&target, 0, Some(batch(1))) };
        side.ask(&format!("acks {acks}"), 11, request.clone()).await;
        side.ask(&format!("acks {acks}"), 3, request).await;
    }
    let quiet = |request: ProduceRequest| ProduceRequest { acks: 0, ..request };
    side.tell("acks 0", 11, quiet(produce(&target, 0, Some(batch(1))))).await;
    side.tell("acks 0, an unknown partition", 11, quiet(produce(&target, 9, Some(batch(1))))).await;
    let damaged = damaged(&batch(3), at::CRC, &[1, 2, 3, 4]);
    side.tell("acks 0, a wrong checksum", 11, quiet(produce(&target, 0, Some(damaged)))).await;
    for version in [3, 6, 7, 13] {
        for compression in Compression::ALL {
            let request = produce(&target, 1, Some(compressed(compression)));
            side.ask(&format!("{compression}"), version, request).await;
        }
    }
    side.ask("without time", 11, ProduceRequest { timeout_ms: 0, ..produce(&target, 0, Some(batch(1))) })
        .await;
    let negative = ProduceRequest { timeout_ms: -1, ..produce(&target, 0, Some(batch(1))) };
    side.ask("less than no time", 11, negative).await;
}

async fn addressed(side: &mut Side) {
    let target = target(side, "addressed", 2).await;
    let unknown = Target { name: side.name("unknown"), id: Uuid([9; 16]) };
    let nobody = Target { name: String::new(), id: Uuid::ZERO };
    for version in [3, 12, 13] {
        side.ask("an unknown topic", version, produce(&unknown, 0, Some(batch(1)))).await;
        side.ask("no topic", version, produce(&nobody, 0, Some(batch(1)))).await;
        side.ask("a negative partition", version, produce(&target, -1, Some(batch(1)))).await;
        side.ask("nothing", version, ProduceRequest { topic_data: vec![], ..produce(&target, 0, None) })
            .await;
        let mut none = produce(&target, 0, None);
        none.topic_data[0].partition_data.clear();
        side.ask("no partition", version, none).await;
        let mut twice = produce(&target, 0, Some(batch(1)));
        let again = twice.topic_data[0].partition_data[0].clone();
        twice.topic_data[0].partition_data.push(again);
        side.ask("a partition twice", version, twice).await;
        let mut twice = produce(&target, 0, Some(batch(1)));
        twice.topic_data.push(produce(&target, 1, Some(batch(1))).topic_data.remove(0));
        side.ask_for("a topic twice", version, twice, |answer| {
            for topic in &mut answer.responses {
                topic.partition_responses.sort_by_key(|part| part.index);
            }
        })
        .await;
        let mut mixed = produce(&target, 0, Some(batch(1)));
        mixed.topic_data.push(produce(&unknown, 1, Some(batch(1))).topic_data.remove(0));
        side.ask("a topic that is there and one that is not", version, mixed).await;
    }
    for name in ["a b", ".", "__cluster_metadata"] {
        let target = Target { name: name.to_owned(), id: Uuid::ZERO };
        side.ask(&format!("the name {name}"), 12, produce(&target, 0, Some(batch(1)))).await;
    }
}

/// Record sets that are broken in each way.
async fn broken(side: &mut Side) {
    let target = target(side, "broken", 1).await;
    let good = batch(3);
    let long = |number: i32| number.to_be_bytes();
    let two = Bytes::from([good.clone(), good.clone()].concat());
    let mut trailing = good.to_vec();
    trailing.extend([0; 5]);
    let payload = good.slice(at::RECORDS..);
    let mut cases: Vec<(&str, Option<Bytes>)> = vec![
        ("empty", Some(Bytes::new())),
        ("one byte", Some(Bytes::from_static(&[0]))),
        ("half a header", Some(good.slice(..30))),
        ("half a batch", Some(good.slice(..good.len() - 5))),
        ("bytes behind the batch", Some(Bytes::from(trailing))),
        ("two batches", Some(two)),
        ("a length of zero", Some(damaged(&good, at::LENGTH, &long(0)))),
        ("a negative length", Some(damaged(&good, at::LENGTH, &long(-1)))),
        ("a length that is too small", Some(damaged(&good, at::LENGTH, &long(20)))),
        ("a length that is too large", Some(damaged(&good, at::LENGTH, &long(1_000_000)))),
        ("a wrong checksum", Some(damaged(&good, at::CRC, &long(0)))),
        ("an offset", Some(patched(&good, at::BASE_OFFSET, &5i64.to_be_bytes()))),
        ("a negative offset", Some(patched(&good, at::BASE_OFFSET, &(-1i64).to_be_bytes()))),
        ("an epoch", Some(patched(&good, at::LEADER_EPOCH, &long(7)))),
        ("control records", Some(patched(&good, at::ATTRIBUTES, &0x20i16.to_be_bytes()))),
        ("transactional without a producer", Some(patched(&good, at::ATTRIBUTES, &0x10i16.to_be_bytes()))),
        ("the time of the log", Some(patched(&good, at::ATTRIBUTES, &0x08i16.to_be_bytes()))),
        ("an unused attribute", Some(patched(&good, at::ATTRIBUTES, &0x80i16.to_be_bytes()))),
        ("a horizon for deletions", Some(patched(&good, at::ATTRIBUTES, &0x40i16.to_be_bytes()))),
        ("codec 5", Some(patched(&good, at::ATTRIBUTES, &5i16.to_be_bytes()))),
        ("codec 7", Some(patched(&good, at::ATTRIBUTES, &7i16.to_be_bytes()))),
        ("a count that is too small", Some(patched(&good, at::COUNT, &long(2)))),
        ("a count that is too large", Some(patched(&good, at::COUNT, &long(4)))),
        ("a count of zero", Some(patched(&good, at::COUNT, &long(0)))),
        ("a negative count", Some(patched(&good, at::COUNT, &long(-1)))),
        ("a last offset that is too small", Some(patched(&good, at::LAST_OFFSET_DELTA, &long(1)))),
        ("a last offset that is too large", Some(patched(&good, at::LAST_OFFSET_DELTA, &long(9)))),
        ("a negative last offset", Some(patched(&good, at::LAST_OFFSET_DELTA, &long(-1)))),
        ("other times", Some(patched(&good, at::BASE_TIMESTAMP, &(TIME + 5).to_be_bytes()))),
        (
            "a latest time that is not there",
            Some(patched(&good, at::MAX_TIMESTAMP, &(TIME + 9).to_be_bytes())),
        ),
        ("no time", Some(patched(&good, at::MAX_TIMESTAMP, &(-1i64).to_be_bytes()))),
        ("a producer's id without an epoch", Some(patched(&good, at::PRODUCER_ID, &5i64.to_be_bytes()))),
        ("an epoch without a producer's id", Some(patched(&good, at::PRODUCER_EPOCH, &[0, 0]))),
        ("a sequence without a producer's id", Some(patched(&good, at::BASE_SEQUENCE, &long(0)))),
        ("no records", Some(with_payload(&good, &[]))),
        ("half the records", Some(with_payload(&good, &payload[..payload.len() / 2]))),
        ("garbage", Some(with_payload(&good, &[0xff; 40]))),
        ("zeros", Some(with_payload(&good, &[0; 40]))),
        ("bytes behind the records", Some(with_payload(&good, &[&payload[..], &[1, 2, 3]].concat()))),
        ("gzip that is none", Some(patched(&good, at::ATTRIBUTES, &1i16.to_be_bytes()))),
        ("snappy that is none", Some(patched(&good, at::ATTRIBUTES, &2i16.to_be_bytes()))),
        ("lz4 that is none", Some(patched(&good, at::ATTRIBUTES, &3i16.to_be_bytes()))),
        ("zstd that is none", Some(patched(&good, at::ATTRIBUTES, &4i16.to_be_bytes()))),
        ("a negative producer's epoch", Some(numbered(1 << 40, -1, 0, 1))),
        ("a negative sequence", Some(numbered(1 << 40, 0, -1, 1))),
        ("an unknown producer", Some(numbered(1 << 40, 0, 0, 1))),
        ("an unknown producer, later", Some(numbered(1 << 40, 3, 7, 1))),
        ("a transaction without a name", Some(transactional(1 << 41, 0, 0, 1))),
        ("no key", Some(keyless())),
    ];
    // Kafka fails within, and answers nothing.
    side.tell("null", 11, produce(&target, 0, None)).await;
    for magic in [0u8, 1, 3, 127, 255] {
        let label = ["format 0", "format 1", "format 3", "format 127", "format 255"];
        let label = label[[0, 1, 3, 127, 255].iter().position(|known| *known == magic).unwrap()];
        cases.push((label, Some(damaged(&good, at::MAGIC, &[magic]))));
    }
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let made = compressed(codec);
        let mut cut = made[..made.len() - 6].to_vec();
        let length = i32::try_from(cut.len() - at::LEADER_EPOCH).unwrap();
        cut[at::LENGTH..at::LEADER_EPOCH].copy_from_slice(&length.to_be_bytes());
        let label = match codec {
            Compression::Gzip => "gzip cut off",
            Compression::Snappy => "snappy cut off",
            Compression::Lz4 => "lz4 cut off",
            _ => "zstd cut off",
        };
        cases.push((label, Some(checked(cut))));
    }
    // The place of each field of the first record, in a batch whose lengths take one byte.
    let small = keyless();
    for (label, place, byte) in [
        ("a record's length is too small", 0, 2u8),
        ("a record's length is too large", 0, 0x7e),
        ("a record's length is negative", 0, 1),
        ("a record's attributes", 1, 9),
        ("a record's time", 2, 4),
        ("a record's offset", 3, 2),
        ("a record's negative offset", 3, 1),
        ("a record's key is longer than the record", 4, 0x40),
        ("a record's key is of length -2", 4, 3),
        ("a record's value is longer than the record", 5, 0x40),
        ("a record's value is null", 5, 1),
        ("a record's headers are too many", 11, 8),
        ("a record's headers are less than none", 11, 1),
    ] {
        cases.push((label, Some(patched(&small, at::RECORDS + place, &[byte]))));
    }
    for (label, records) in cases {
        for version in [3, 11, 13] {
            side.ask(label, version, produce(&target, 0, records.clone())).await;
        }
    }
}

async fn checked_by_settings(side: &mut Side) {
    let mut topics = Vec::new();
    for (name, configs) in [
        ("compacted", &[("cleanup.policy", "compact")][..]),
        ("small", &[("max.message.bytes", "200")]),
        ("appended", &[("message.timestamp.type", "LogAppendTime")]),
        ("punctual", &[("message.timestamp.before.max.ms", "60000")]),
        ("early", &[("message.timestamp.after.max.ms", "60000")]),
        ("short", &[("segment.bytes", "1048576"), ("max.message.bytes", "3000000")]),
        ("careful", &[("min.insync.replicas", "2")]),
        ("zipped", &[("compression.type", "gzip")]),
        ("plain", &[("compression.type", "uncompressed")]),
    ] {
        let name = side.name(name);
        let id = create_with(side, &name, 1, configs).await;
        topics.push(Target { name, id });
    }
    let [compacted, small, appended, punctual, early, short, careful, zipped, plain] = &topics[..] else {
        unreachable!("nine topics")
    };
    for version in [3, 8, 13] {
        side.ask("a compacted topic, no key", version, produce(compacted, 0, Some(keyless()))).await;
        side.ask("a compacted topic, keys", version, produce(compacted, 0, Some(batch(2)))).await;
        side.ask("a batch that is too large", version, produce(small, 0, Some(batch(20)))).await;
        side.ask("a batch that is just not too large", version, produce(small, 0, Some(batch(1)))).await;
        side.ask("the time of the log", version, produce(appended, 0, Some(batch(2)))).await;
        side.ask("too old", version, produce(punctual, 0, Some(batch(2)))).await;
        let future = sized(10, 1 << 43);
        side.ask("from the future", version, produce(early, 0, Some(future))).await;
        let wide = sized(1_100_000, TIME);
        side.ask("larger than a segment", version, produce(short, 0, Some(wide))).await;
        side.ask("too few replicas", version, produce(careful, 0, Some(batch(2)))).await;
        let request = ProduceRequest { acks: 1, ..produce(careful, 0, Some(batch(2))) };
        side.ask("too few replicas, and not asked for", version, request).await;
        side.ask("compressed by the broker", version, produce(zipped, 0, Some(batch(2)))).await;
        side.ask(
            "decompressed by the broker",
            version,
            produce(plain, 0, Some(compressed(Compression::Lz4))),
        )
        .await;
    }
    side.ask(
        "a batch larger than its topic allows by far",
        13,
        produce(small, 0, Some(sized(1_100_000, TIME))),
    )
    .await;
}

async fn sequences(side: &mut Side) {
    let target = target(side, "sequences", 2).await;
    let anonymous = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let known = |answer: &kafka_core::protocol::messages::InitProducerIdResponse| answer.error_code == 0;
    let id = side.quietly(5, anonymous, known).await.producer_id;
    for (label, epoch, sequence, count) in [
        ("the first", 0, 0, 3),
        ("the first again", 0, 0, 3),
        ("the next", 0, 3, 2),
        ("the next again", 0, 3, 2),
        ("the first again, after the next", 0, 0, 3),
        ("a part of what was there", 0, 3, 1),
        ("a gap", 0, 9, 1),
        ("an overlap", 0, 4, 3),
        ("third", 0, 5, 1),
        ("fourth", 0, 6, 1),
        ("fifth", 0, 7, 1),
        ("sixth", 0, 8, 1),
        ("seventh", 0, 9, 1),
        ("what is forgotten", 0, 0, 3),
        ("a new epoch that does not begin at zero", 1, 10, 1),
        ("a new epoch", 1, 0, 1),
        ("the old epoch", 0, 10, 1),
        ("a gap in the new epoch", 1, 5, 1),
        ("an epoch far ahead", 100, 0, 1),
        ("the last epoch", i16::MAX, 0, 1),
    ] {
        side.ask(label, 11, produce(&target, 0, Some(numbered(id, epoch, sequence, count)))).await;
    }
    side.ask("another partition, not from zero", 11, produce(&target, 1, Some(numbered(id, 0, 5, 1)))).await;
    side.ask("another partition, on", 11, produce(&target, 1, Some(numbered(id, 0, 6, 1)))).await;
    side.ask("in an old version", 3, produce(&target, 1, Some(numbered(id, 0, 7, 1)))).await;
    side.ask("a repeat in an old version", 3, produce(&target, 1, Some(numbered(id, 0, 7, 1)))).await;
    side.ask("a gap in an old version", 3, produce(&target, 1, Some(numbered(id, 0, 77, 1)))).await;
    let two = Bytes::from([numbered(id, 0, 8, 1), numbered(id, 0, 9, 1)].concat());
    side.ask("two batches of a producer", 11, produce(&target, 1, Some(two))).await;
    let last = i32::MAX;
    side.ask("a jump to the last sequence", 11, produce(&target, 1, Some(numbered(id, 1, last, 1)))).await;
}
