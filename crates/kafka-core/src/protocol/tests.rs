//! What holds for every message at every version.

use std::fmt::Debug;

use bytes::Bytes;
use fastrand::Rng;

use super::fill::Fill;
use super::messages::{self, for_each_message};
use super::{
    ApiVersion, Decoder, Encoder, Int16, Message, ReadVersionedError, ReadVersionedType, WriteVersionedError,
    WriteVersionedType,
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
    ($check:ident) => {{
        macro_rules! run {
            ($name:ident) => {
                <messages::$name as Message>::VERSIONS.for_each($check::<messages::$name>);
            };
        }
        for_each_message!(run);
    }};
}

#[test]
fn what_is_written_reads_back_equal() {
    fn check<M: AnyMessage>(version: i16) {
        for seed in 0..40 {
            let message = M::fill(&mut Rng::with_seed(seed), version);
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
            let bytes = encode(&M::fill(&mut Rng::with_seed(seed), version), version).unwrap();
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
        let bytes = encode(&M::fill(&mut random, version), version).unwrap();
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
            let newest = M::fill(&mut Rng::with_seed(seed), *M::VERSIONS.end());
            match encode(&newest, version) {
                Ok(bytes) => assert!(decode::<M>(&bytes, version).is_ok_and(|(_, left)| left == 0)),
                Err(WriteVersionedError::FieldNotAvailable { .. }) => {}
                Err(other) => panic!("{} version {version} seed {seed}: {other}", M::NAME),
            }
        }
    }
    on_every_message!(check);
}
