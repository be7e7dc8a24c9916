//! What holds for every message at every version.

use std::fmt::Debug;

use bytes::Bytes;
use fastrand::Rng;

use super::fill::{Fill, Filler};
use super::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use super::messages::produce_request::{PartitionProduceData, TopicProduceData};
use super::messages::{self, FetchRequest, ProduceRequest, for_each_message};
use super::{
    ApiVersion, Decoder, Encoder, Int16, Message, ReadVersionedError, ReadVersionedType, Uuid,
    WriteVersionedError, WriteVersionedType,
};

/// All that the checks need of a message.
trait AnyMessage:
    Message + Fill + Default + Debug + PartialEq + ReadVersionedType<Decoder> + WriteVersionedType<Encoder>
{
}

impl<M> AnyMessage for M where
    M: Message
        + Fill
        + Default
        + Debug
        + PartialEq
        + ReadVersionedType<Decoder>
        + WriteVersionedType<Encoder>
{
}

fn encode<M: AnyMessage>(message: &M, version: i16) -> Result<Vec<u8>, WriteVersionedError> {
    let mut encoder = Encoder::new();
    message.write_versioned(&mut encoder, ApiVersion(Int16(version)))?;
    let length = encoder.len();
    let bytes = encoder.finish().concat();
    assert_eq!(bytes.len(), length, "{} version {version}", M::NAME);
    Ok(bytes)
}

/// The message, and how many bytes were left.
fn decode<M: AnyMessage>(bytes: &[u8], version: i16) -> Result<(M, usize), ReadVersionedError> {
    let mut decoder = Decoder::new(Bytes::copy_from_slice(bytes));
    let message = M::read_versioned(&mut decoder, ApiVersion(Int16(version)))?;
    Ok((message, decoder.remaining()))
}

/// Runs a generic check, `fn check<M: AnyMessage>(version: i16)`, on every message at every version.
macro_rules! on_every_message {
    ($check:ident $(, $argument:expr)*) => {{
        macro_rules! run {
            ($name:ident) => {
                <messages::$name as Message>::VERSIONS
                    .for_each(|version| $check::<messages::$name>(version $(, $argument)*));
            };
        }
        for_each_message!(run);
    }};
}

#[test]
fn what_is_written_reads_back_equal() {
    fn check<M: AnyMessage>(version: i16) {
        for seed in 0..40 {
            let message = M::fill(&mut Filler::with_seed(seed), version);
            let bytes = encode(&message, version).unwrap();
            let (read, left) = decode::<M>(&bytes, version).unwrap();
            assert_eq!(read, message, "{} version {version} seed {seed}", M::NAME);
            assert_eq!(left, 0, "{} version {version} seed {seed}", M::NAME);
        }
    }
    on_every_message!(check);
}

#[test]
fn a_message_cut_short_is_an_error() {
    fn check<M: AnyMessage>(version: i16) {
        for seed in 0..4 {
            let bytes = encode(&M::fill(&mut Filler::with_seed(seed), version), version).unwrap();
            // Long ones at all their first lengths, then in steps.
            for length in (0..bytes.len()).filter(|length| *length < 300 || length % 97 == 0) {
                let result = decode::<M>(&bytes[..length], version);
                assert!(result.is_err(), "{} version {version} seed {seed} cut at {length}", M::NAME);
            }
        }
    }
    on_every_message!(check);
}

#[test]
fn damaged_bytes_never_panic() {
    fn check<M: AnyMessage>(version: i16) {
        let mut random = Rng::with_seed(7);
        let bytes = encode(&M::fill(&mut Filler::with_seed(7), version), version).unwrap();
        for _ in 0..60 {
            let mut damaged = bytes.clone();
            for _ in 0..random.u8(1..4) {
                let damage = *random.choice(&[0, 1, 0x7f, 0x80, 0xff]).unwrap();
                if let Some(byte) = random.choice(&mut damaged) {
                    *byte = damage;
                }
            }
            if let Ok((message, _)) = decode::<M>(&damaged, version) {
                // What could be read can be written, unless it holds null where the version has none.
                let _ = encode(&message, version);
            }
        }
    }
    on_every_message!(check);
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    fn check<M: AnyMessage>(version: i16) {
        let Ok(mut bytes) = encode(&M::default(), version) else { return };
        if version < M::FLEXIBLE_FROM {
            return;
        }
        assert_eq!(bytes.pop(), Some(0), "{} version {version} ends without tagged fields", M::NAME);
        bytes.extend([2, 77, 3, 1, 2, 3, 0xc8, 0x01, 0]);
        let (read, left) = decode::<M>(&bytes, version).unwrap();
        assert_eq!((read, left), (M::default(), 0), "{} version {version}", M::NAME);
    }
    on_every_message!(check);
}

#[test]
fn versions_that_do_not_exist_are_refused() {
    fn check<M: AnyMessage>(_: i16) {
        for version in [-1, M::VERSIONS.start() - 1, M::VERSIONS.end() + 1, i16::MAX] {
            assert!(encode(&M::default(), version).is_err());
            assert!(decode::<M>(&[0; 64], version).is_err());
        }
    }
    on_every_message!(check);
}

#[test]
fn a_value_that_the_version_lacks_is_refused_or_ignorable() {
    fn check<M: AnyMessage>(version: i16) {
        for seed in 0..10 {
            let newest = M::fill(&mut Filler::with_seed(seed), *M::VERSIONS.end());
            match encode(&newest, version) {
                Ok(bytes) => assert!(decode::<M>(&bytes, version).is_ok_and(|(_, left)| left == 0)),
                Err(WriteVersionedError::FieldNotAvailable { .. }) => {}
                Err(other) => panic!("{} version {version} seed {seed}: {other}", M::NAME),
            }
        }
    }
    on_every_message!(check);
}

/// Which of the messages a line of test data belongs to, and what to do with it.
macro_rules! on_message_named {
    ($name:expr, $check:ident($($argument:expr),*)) => {{
        let name: &str = $name;
        let mut found = false;
        macro_rules! run {
            ($message:ident) => {
                if name == <messages::$message as Message>::NAME {
                    found = true;
                    $check::<messages::$message>($($argument),*);
                }
            };
        }
        for_each_message!(run);
        assert!(found, "there is no message {name}");
    }};
}

/// Lines of name, version and bytes, from the schemas that Java's client carries for itself.
fn java_messages() -> impl Iterator<Item = (&'static str, i16, Vec<u8>)> {
    let lines = include_str!("testdata/messages.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap().parse().unwrap());
        let digits = words.next().unwrap();
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (name, version, (0..digits.len()).step_by(2).map(byte).collect())
    })
}

#[test]
fn bytes_from_java_are_read_to_the_end_and_written_the_same() {
    fn check<M: AnyMessage>(version: i16, bytes: &[u8]) {
        let (message, left) = decode::<M>(bytes, version)
            .unwrap_or_else(|error| panic!("{} version {version}: {error}", M::NAME));
        assert_eq!(left, 0, "{} version {version}", M::NAME);
        assert_eq!(encode(&message, version).unwrap(), bytes, "{} version {version}: {message:#?}", M::NAME);
    }
    for (name, version, bytes) in java_messages() {
        on_message_named!(name, check(version, &bytes));
    }
}

#[test]
fn java_has_bytes_for_every_message_at_every_version() {
    fn check<M: AnyMessage>(version: i16, lines: &[(&str, i16)]) {
        let found = lines.iter().filter(|line| **line == (M::NAME, version)).count();
        assert_eq!(found, 2, "{} version {version}", M::NAME);
    }
    let lines: Vec<_> = java_messages().map(|(name, version, _)| (name, version)).collect();
    on_every_message!(check, &lines);
}

#[test]
fn values_from_java_arrive_in_the_right_fields() {
    let (_, _, bytes) = java_messages().find(|(name, at, _)| (*name, *at) == ("FetchRequest", 17)).unwrap();
    let (request, _) = decode::<FetchRequest>(&bytes, 17).unwrap();
    let uuid = |last: u8| {
        let mut bytes = [0; 16];
        bytes[15] = last;
        Uuid(bytes)
    };
    // Java numbers the values in the order of the wire, where tagged fields come last.
    assert_eq!((request.max_wait_ms, request.min_bytes, request.max_bytes), (1, 2, 3));
    assert_eq!((request.isolation_level, request.session_id, request.session_epoch), (4, 5, 6));
    assert_eq!(
        request.topics[0],
        FetchTopic {
            topic: String::new(),
            topic_id: uuid(7),
            partitions: [8, 15]
                .map(|first| FetchPartition {
                    partition: first.into(),
                    current_leader_epoch: i32::from(first) + 1,
                    fetch_offset: i64::from(first) + 2,
                    last_fetched_epoch: i32::from(first) + 3,
                    log_start_offset: i64::from(first) + 4,
                    partition_max_bytes: i32::from(first) + 5,
                    replica_directory_id: uuid(first + 6),
                    high_watermark: i64::MAX,
                })
                .to_vec(),
        }
    );
    assert_eq!(request.forgotten_topics_data[1].partitions, [41, 42]);
    assert_eq!(request.rack_id, "text-43");
    assert_eq!(request.cluster_id.as_deref(), Some("text-44"));
    assert_eq!(request.replica_state, ReplicaState { replica_id: 45, replica_epoch: 46 });
}

#[test]
fn every_api_of_kafka_2_8_has_a_version_in_common() {
    fn check<M: AnyMessage>(_: i16, apis: &[(&str, i16, i16)]) {
        let Some(api) = M::NAME.strip_suffix("Request") else { return };
        // An API that is not in the list is newer than 2.8.
        if let Some((_, oldest, newest)) = apis.iter().find(|(name, ..)| *name == api) {
            let versions = M::VERSIONS;
            let common = versions.start() <= newest && oldest <= versions.end();
            assert!(common, "{api}: {versions:?} here, {oldest} to {newest} there");
        }
    }
    let apis: Vec<_> = include_str!("testdata/versions-2.8.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[0], words[1].parse().unwrap(), words[2].parse().unwrap())
        })
        .collect();
    assert!(apis.len() > 50);
    on_every_message!(check, &apis);
}

#[test]
fn large_byte_strings_are_passed_through_without_a_copy() {
    let records = Bytes::from(vec![7; 4096]);
    let partition = |index| PartitionProduceData { index, records: Some(records.clone()) };
    let topic = TopicProduceData {
        name: "t".to_owned(),
        partition_data: vec![partition(0), partition(1)],
        ..Default::default()
    };
    let request = ProduceRequest { topic_data: vec![topic], ..Default::default() };
    let mut encoder = Encoder::new();
    request.write_versioned(&mut encoder, ApiVersion(Int16(9))).unwrap();
    let segments = encoder.finish();
    assert_eq!(segments.iter().filter(|segment| segment.as_ptr() == records.as_ptr()).count(), 2);

    let frame = Bytes::from(segments.concat());
    let range = frame.as_ptr_range();
    let read = ProduceRequest::read_versioned(&mut Decoder::new(frame), ApiVersion(Int16(9))).unwrap();
    assert_eq!(read, request);
    let records = read.topic_data[0].partition_data[1].records.as_ref().unwrap();
    assert!(range.contains(&records.as_ptr()));
}
