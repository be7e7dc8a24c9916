//! What members and leader tell each other through the coordinator, which passes it on unread: a version, then a
//! [`ConsumerProtocolSubscription`] or a [`ConsumerProtocolAssignment`].
//!
//! Written in version 3; read in any, newer ones by the fields that are known, as all clients do. Another member's
//! bytes are not trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_core::protocol::messages::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, consumer_protocol_assignment,
    consumer_protocol_subscription,
};
use kafka_core::protocol::{
    ApiVersion, Decoder, Encoder, Int16, Message, ReadType, ReadVersionedType, WriteType, WriteVersionedType,
};
use kafka_core::{Error, ErrorKind, Result, TopicPartition};

use crate::consumer::assignor::GroupMember;

const VERSION: i16 = 3;

/// A member's subscription, without its member id and instance id, which come beside it.
///
/// # Errors
/// Something in it is too long for the protocol.
pub(super) fn encode_subscription(member: &GroupMember) -> Result<Bytes> {
    let owned = by_topic(&member.owned).into_iter().map(|(topic, partitions)| {
        consumer_protocol_subscription::TopicPartition { topic: topic.to_owned(), partitions }
    });
    write(&ConsumerProtocolSubscription {
        topics: member.topics.iter().map(ToString::to_string).collect(),
        user_data: member.user_data.clone(),
        owned_partitions: owned.collect(),
        generation_id: member.generation,
        rack_id: member.rack.clone(),
    })
}

/// Reads a subscription into a member of this name; `None` if it is malformed.
pub(super) fn decode_subscription(
    member_id: &str,
    instance_id: Option<&str>,
    data: Bytes,
) -> Option<GroupMember> {
    let read: ConsumerProtocolSubscription = read(data)?;
    let mut member = GroupMember::new(member_id, read.topics.into_iter().map(Into::into));
    member.instance_id = instance_id.map(Into::into);
    member.user_data = read.user_data;
    for topic in read.owned_partitions {
        let name: Arc<str> = topic.topic.into();
        member.owned.extend(topic.partitions.into_iter().map(|p| TopicPartition::new(Arc::clone(&name), p)));
    }
    member.generation = read.generation_id;
    member.rack = read.rack_id;
    Some(member)
}

/// The partitions that the leader gives to one member.
///
/// # Errors
/// As [`encode_subscription`].
pub(super) fn encode_assignment(partitions: &[TopicPartition]) -> Result<Bytes> {
    let assigned = by_topic(partitions).into_iter().map(|(topic, partitions)| {
        consumer_protocol_assignment::TopicPartition { topic: topic.to_owned(), partitions }
    });
    write(&ConsumerProtocolAssignment { assigned_partitions: assigned.collect(), user_data: None })
}

/// Reads an assignment; an empty one has no bytes at all. `None` if it is malformed.
pub(super) fn decode_assignment(data: Bytes) -> Option<BTreeSet<TopicPartition>> {
    if data.is_empty() {
        return Some(BTreeSet::new());
    }
    let read: ConsumerProtocolAssignment = read(data)?;
    let mut assigned = BTreeSet::new();
    for topic in read.assigned_partitions {
        let name: Arc<str> = topic.topic.into();
        assigned.extend(topic.partitions.into_iter().map(|p| TopicPartition::new(Arc::clone(&name), p)));
    }
    Some(assigned)
}

fn write<M: Message + WriteVersionedType<Encoder>>(message: &M) -> Result<Bytes> {
    let mut encoder = Encoder::new();
    let written = Int16(VERSION)
        .write(&mut encoder)
        .map_err(|error| error.to_string())
        .and_then(|()| message.write_versioned(&mut encoder, version(VERSION)).map_err(|e| e.to_string()));
    match written {
        Ok(()) => {
            let mut whole = BytesMut::with_capacity(encoder.len());
            encoder.finish().iter().for_each(|segment| whole.extend_from_slice(segment));
            Ok(whole.freeze())
        }
        Err(why) => {
            let message = format!("writing {} failed: {why}; shorten what is in it", M::NAME);
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
    }
}

fn read<M: Message + ReadVersionedType<Decoder>>(data: Bytes) -> Option<M> {
    let mut decoder = Decoder::new(data);
    let written = Int16::read(&mut decoder).ok().filter(|written| written.0 >= 0)?;
    M::read_versioned(&mut decoder, version(written.0.min(*M::VERSIONS.end()))).ok()
}

fn version(version: i16) -> ApiVersion {
    ApiVersion(Int16(version))
}

fn by_topic(partitions: &[TopicPartition]) -> BTreeMap<&str, Vec<i32>> {
    let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for tp in partitions {
        by_topic.entry(&tp.topic).or_default().push(tp.partition);
    }
    by_topic
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut as _;

    fn member() -> GroupMember {
        let mut member = GroupMember::new("m", ["b".into(), "a".into()]);
        member.instance_id = Some("i".into());
        member.user_data = Some(Bytes::from_static(b"data"));
        member.owned = vec![("a", 0).into(), ("a", 3).into(), ("b", 1).into()];
        member.generation = 7;
        member.rack = Some("r1".into());
        member
    }

    #[test]
    fn a_subscription_comes_back_as_it_was_written() {
        let encoded = encode_subscription(&member()).unwrap();
        assert_eq!(decode_subscription("m", Some("i"), encoded), Some(member()));
        let bare = GroupMember::new("m", []);
        assert_eq!(decode_subscription("m", None, encode_subscription(&bare).unwrap()), Some(bare));
    }

    #[test]
    fn a_subscription_of_version_0_holds_topics_alone() {
        let data = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";
        let expected = GroupMember::new("m", ["t".into()]);
        assert_eq!(decode_subscription("m", None, Bytes::from_static(data)), Some(expected));
    }

    #[test]
    fn what_newer_versions_add_is_passed_over() {
        let mut newer = BytesMut::from(&encode_subscription(&member()).unwrap()[..]);
        newer[1] = 9;
        newer.put_slice(b"more");
        assert_eq!(decode_subscription("m", Some("i"), newer.freeze()), Some(member()));
        let mut newer = BytesMut::from(&encode_assignment(&member().owned).unwrap()[..]);
        newer[1] = 9;
        newer.put_slice(b"more");
        assert_eq!(decode_assignment(newer.freeze()), Some(member().owned.into_iter().collect()));
    }

    #[test]
    fn an_assignment_comes_back_and_no_bytes_are_no_partitions() {
        let owned = member().owned;
        assert_eq!(decode_assignment(encode_assignment(&owned).unwrap()), Some(owned.into_iter().collect()));
        assert_eq!(decode_assignment(Bytes::new()), Some(BTreeSet::new()));
    }

    #[test]
    fn anything_cut_short_is_refused() {
        let encoded = encode_subscription(&member()).unwrap();
        for len in 0..encoded.len() {
            assert_eq!(decode_subscription("m", None, encoded.slice(..len)), None, "{len} bytes");
        }
        let encoded = encode_assignment(&member().owned).unwrap();
        for len in 1..encoded.len() {
            assert_eq!(decode_assignment(encoded.slice(..len)), None, "{len} bytes");
        }
        assert_eq!(decode_assignment(Bytes::from_static(b"\0\x01\x7f\xff\xff\xff")), None);
    }

    #[test]
    fn what_is_too_long_to_write_is_an_error() {
        let mut member = member();
        member.rack = Some("r".repeat(40_000));
        let error = encode_subscription(&member).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidInput);
    }

    #[test]
    fn no_bytes_of_another_member_panic() {
        let written = [encode_subscription(&member()).unwrap(), encode_assignment(&member().owned).unwrap()];
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..200_000 {
            let mut bytes = written[round % 2].to_vec();
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            let bytes = Bytes::from(bytes);
            let _ = decode_subscription("m", None, bytes.clone());
            let _ = decode_assignment(bytes);
        }
    }
}
