use std::sync::LazyLock;

use bytes::Bytes;
use fastrand::Rng;
use kafka_core::fuzzing::{Shape, shapes};
use kafka_core::protocol::ApiKey;
use kafka_core::records::{BatchBuilder, Compression, CompressionLevels, Compressor, Header, ProducerStamp};
use kafka_embedded::fuzzing::offers;

/// A message as Kafka's Java client writes it, without its header.
pub(crate) struct JavaMessage {
    pub(crate) name: &'static str,
    pub(crate) version: i16,
    pub(crate) body: Vec<u8>,
}

/// Every message at every version, twice: with values in all fields and with none.
pub(crate) fn java_messages() -> &'static [JavaMessage] {
    static MESSAGES: LazyLock<Vec<JavaMessage>> = LazyLock::new(|| {
        let text = include_str!("../../../crates/kafka-core/src/protocol/testdata/messages.txt");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let byte = |at: usize| u8::from_str_radix(&words[2][at..at + 2], 16).unwrap();
                let body = (0..words[2].len()).step_by(2).map(byte).collect();
                JavaMessage { name: words[0], version: words[1].parse().unwrap(), body }
            })
            .collect()
    });
    &MESSAGES
}

/// All that brokers send: answers, and what groups keep for their members.
pub(crate) fn read_by_clients() -> &'static [Shape] {
    static SHAPES: LazyLock<Vec<Shape>> =
        LazyLock::new(|| shapes().into_iter().filter(|shape| shape.request_of().is_none()).collect());
    &SHAPES
}

/// The requests that embedded brokers offer.
pub(crate) fn read_by_brokers() -> &'static [(Shape, ApiKey)] {
    static SHAPES: LazyLock<Vec<(Shape, ApiKey)>> = LazyLock::new(|| {
        let requests = shapes().into_iter().filter_map(|shape| Some((shape, shape.request_of()?)));
        requests.filter(|(shape, api)| offers(*api, shape.version)).collect()
    });
    &SHAPES
}

/// Record sets as Java wrote them, in all that they can be.
const FROM_JAVA: [&[u8]; 10] = [
    include_bytes!("../../../crates/kafka-core/src/records/testdata/none.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/gzip.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/snappy.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/lz4.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/zstd.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/abort.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/commit.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/compacted.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/log-append-time.bin"),
    include_bytes!("../../../crates/kafka-core/src/records/testdata/transactional.bin"),
];

/// One of Java's record sets, or a batch of our own.
pub(crate) fn record_set(random: &mut Rng) -> Vec<u8> {
    match random.choice(&FROM_JAVA) {
        Some(bytes) if random.bool() => bytes.to_vec(),
        _ => batch(random).to_vec(),
    }
}

/// A batch that a broker takes.
pub fn batch(random: &mut Rng) -> Bytes {
    let mut builder = BatchBuilder::with_capacity(512);
    for _ in 0..random.usize(1..20) {
        let (key, value): (Vec<u8>, Vec<u8>) = (some_bytes(random, 10), some_bytes(random, 200));
        let header = Header::new("trace", some_bytes(random, 8));
        let key = random.bool().then_some(key.as_slice());
        builder.append(random.i64(0..1 << 41), key, Some(&value), &[header]).unwrap();
    }
    let codec = *random.choice(&Compression::ALL).unwrap_or(&Compression::None);
    let mut stamp = ProducerStamp::NONE;
    if random.bool() {
        stamp.producer_id = random.i64(..4);
        stamp.epoch = random.i16(..2);
        stamp.base_sequence = random.i32(..8);
    }
    let mut compressor = Compressor::new(CompressionLevels::default());
    builder.finish(codec, &mut compressor, &stamp).unwrap().bytes()
}

fn some_bytes(random: &mut Rng, most: usize) -> Vec<u8> {
    let (length, byte) = (random.usize(..=most), random.u8(..));
    // Half of it can be compressed.
    (0..length).map(|at| if at % 2 == 0 { byte } else { random.u8(..) }).collect()
}

/// Gives a damaged batch the length and the checksum that fit it, so that its reader looks further.
pub(crate) fn repair(batch: &mut [u8]) {
    const LENGTH_AT: usize = 8;
    const CRC_AT: usize = 17;
    const CHECKED_FROM: usize = 21;
    if batch.len() > CHECKED_FROM {
        let length = i32::try_from(batch.len() - LENGTH_AT - 4).unwrap_or(i32::MAX);
        batch[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
        let crc = crc_fast::crc32_iscsi(&batch[CHECKED_FROM..]);
        batch[CRC_AT..CHECKED_FROM].copy_from_slice(&crc.to_be_bytes());
    }
}
