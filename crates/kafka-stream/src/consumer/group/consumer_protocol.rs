//! What members and leader tell each other through the coordinator, which passes it on unread: subscriptions and
//! assignments (`ConsumerProtocolSubscription`, `ConsumerProtocolAssignment`).
//!
//! Written in version 3; read in any, newer ones by the fields that are known, as all clients do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_core::TopicPartition;

use crate::consumer::assignor::GroupMember;

const VERSION: i16 = 3;

/// A member's subscription, without its member id and instance id, which come beside it.
pub(super) fn encode_subscription(member: &GroupMember) -> Bytes {
    let mut buf = BytesMut::new();
    buf.put_i16(VERSION);
    put_len(&mut buf, member.topics.len());
    for topic in &member.topics {
        put_string(&mut buf, topic);
    }
    put_bytes(&mut buf, member.user_data.as_ref());
    put_partitions(&mut buf, &member.owned);
    buf.put_i32(member.generation);
    match &member.rack {
        Some(rack) => put_string(&mut buf, rack),
        None => buf.put_i16(-1),
    }
    buf.freeze()
}

/// Reads a subscription into a member of this name; `None` if it is malformed.
pub(super) fn decode_subscription(
    member_id: &str,
    instance_id: Option<&str>,
    mut data: Bytes,
) -> Option<GroupMember> {
    let version = data.try_get_i16().ok().filter(|version| *version >= 0)?;
    let mut topics = BTreeSet::new();
    for _ in 0..data.try_get_i32().ok()? {
        topics.insert(get_string(&mut data)??);
    }
    let mut member = GroupMember::new(member_id, topics);
    member.instance_id = instance_id.map(Into::into);
    member.user_data = get_bytes(&mut data)?;
    if version >= 1 {
        member.owned = get_partitions(&mut data)?;
    }
    if version >= 2 {
        member.generation = data.try_get_i32().ok()?;
    }
    if version >= 3 {
        member.rack = get_string(&mut data)?.map(|rack| rack.to_string());
    }
    Some(member)
}

/// The partitions that the leader gives to one member.
pub(super) fn encode_assignment(partitions: &[TopicPartition]) -> Bytes {
    let mut buf = BytesMut::new();
    buf.put_i16(VERSION);
    put_partitions(&mut buf, partitions);
    put_bytes(&mut buf, None);
    buf.freeze()
}

/// Reads an assignment; an empty one has no bytes at all. `None` if it is malformed.
pub(super) fn decode_assignment(mut data: Bytes) -> Option<BTreeSet<TopicPartition>> {
    if data.is_empty() {
        return Some(BTreeSet::new());
    }
    data.try_get_i16().ok().filter(|version| *version >= 0)?;
    Some(get_partitions(&mut data)?.into_iter().collect())
}

fn put_len(buf: &mut BytesMut, len: usize) {
    buf.put_i32(i32::try_from(len).unwrap_or(i32::MAX));
}

fn put_string(buf: &mut BytesMut, text: &str) {
    buf.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
    buf.put_slice(text.as_bytes());
}

fn put_bytes(buf: &mut BytesMut, bytes: Option<&Bytes>) {
    match bytes {
        Some(bytes) => {
            put_len(buf, bytes.len());
            buf.put_slice(bytes);
        }
        None => buf.put_i32(-1),
    }
}

fn put_partitions(buf: &mut BytesMut, partitions: &[TopicPartition]) {
    let mut by_topic: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for tp in partitions {
        by_topic.entry(&tp.topic).or_default().insert(tp.partition);
    }
    put_len(buf, by_topic.len());
    for (topic, partitions) in by_topic {
        put_string(buf, topic);
        put_len(buf, partitions.len());
        for partition in partitions {
            buf.put_i32(partition);
        }
    }
}

fn get_string(data: &mut Bytes) -> Option<Option<Arc<str>>> {
    let Ok(len) = usize::try_from(data.try_get_i16().ok()?) else { return Some(None) };
    let text = (data.remaining() >= len).then(|| data.split_to(len))?;
    Some(Some(std::str::from_utf8(&text).ok()?.into()))
}

fn get_bytes(data: &mut Bytes) -> Option<Option<Bytes>> {
    let Ok(len) = usize::try_from(data.try_get_i32().ok()?) else { return Some(None) };
    (data.remaining() >= len).then(|| Some(data.split_to(len)))
}

fn get_partitions(data: &mut Bytes) -> Option<Vec<TopicPartition>> {
    let mut partitions = Vec::new();
    for _ in 0..data.try_get_i32().ok()? {
        let topic = get_string(data)??;
        for _ in 0..data.try_get_i32().ok()? {
            partitions.push(TopicPartition::new(Arc::clone(&topic), data.try_get_i32().ok()?));
        }
    }
    Some(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let encoded = encode_subscription(&member());
        assert_eq!(decode_subscription("m", Some("i"), encoded), Some(member()));
        let bare = GroupMember::new("m", []);
        assert_eq!(decode_subscription("m", None, encode_subscription(&bare)), Some(bare));
    }

    #[test]
    fn a_subscription_of_version_0_holds_topics_alone() {
        let data = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";
        let expected = GroupMember::new("m", ["t".into()]);
        assert_eq!(decode_subscription("m", None, Bytes::from_static(data)), Some(expected));
    }

    #[test]
    fn what_newer_versions_add_is_passed_over() {
        let mut newer = BytesMut::from(&encode_subscription(&member())[..]);
        newer[1] = 9;
        newer.put_slice(b"more");
        assert_eq!(decode_subscription("m", Some("i"), newer.freeze()), Some(member()));
        let mut newer = BytesMut::from(&encode_assignment(&member().owned)[..]);
        newer[1] = 9;
        newer.put_slice(b"more");
        assert_eq!(decode_assignment(newer.freeze()), Some(member().owned.into_iter().collect()));
    }

    #[test]
    fn an_assignment_comes_back_and_no_bytes_are_no_partitions() {
        let owned = member().owned;
        assert_eq!(decode_assignment(encode_assignment(&owned)), Some(owned.into_iter().collect()));
        assert_eq!(decode_assignment(Bytes::new()), Some(BTreeSet::new()));
    }

    #[test]
    fn anything_cut_short_is_refused() {
        let encoded = encode_subscription(&member());
        for len in 0..encoded.len() {
            assert_eq!(decode_subscription("m", None, encoded.slice(..len)), None, "{len} bytes");
        }
        let encoded = encode_assignment(&member().owned);
        // The user data after the partitions may be missing.
        for len in 1..encoded.len() - 4 {
            assert_eq!(decode_assignment(encoded.slice(..len)), None, "{len} bytes");
        }
        assert_eq!(decode_assignment(Bytes::from_static(b"\0\x01\x7f\xff\xff\xff")), None);
    }
}
