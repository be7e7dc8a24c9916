//! What the sticky assignors send along with a subscription, in the form that Java's read and write.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_core::TopicPartition;

use super::PreviousAssignment;

/// `sticky`: the partitions by topic, and the generation.
pub(super) fn encode_sticky(previous: &PreviousAssignment) -> Bytes {
    let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for tp in &previous.partitions {
        by_topic.entry(&tp.topic).or_default().push(tp.partition);
    }
    let mut buf = BytesMut::new();
    put_len(&mut buf, by_topic.len());
    for (topic, partitions) in by_topic {
        // A topic's name has at most 249 bytes.
        buf.put_i16(i16::try_from(topic.len()).unwrap_or(i16::MAX));
        buf.put_slice(topic.as_bytes());
        put_len(&mut buf, partitions.len());
        for partition in partitions {
            buf.put_i32(partition);
        }
    }
    buf.put_i32(previous.generation);
    buf.freeze()
}

/// Reads what [`encode_sticky`] and Java write; the old form without a generation has -1. `None` if it is neither.
pub(super) fn decode_sticky(mut data: Bytes) -> Option<PreviousAssignment> {
    let mut partitions = Vec::new();
    for _ in 0..data.try_get_i32().ok()? {
        let name_len = usize::try_from(data.try_get_i16().ok()?).ok()?;
        if data.remaining() < name_len {
            return None;
        }
        let name = data.split_to(name_len);
        let topic: std::sync::Arc<str> = std::str::from_utf8(&name).ok()?.into();
        for _ in 0..data.try_get_i32().ok()? {
            partitions.push(TopicPartition::new(topic.clone(), data.try_get_i32().ok()?));
        }
    }
    let generation = data.try_get_i32().unwrap_or(-1);
    Some(PreviousAssignment { partitions, generation })
}

/// `cooperative-sticky`: the generation; the partitions are in the subscription itself.
pub(super) fn encode_generation(generation: i32) -> Bytes {
    Bytes::copy_from_slice(&generation.to_be_bytes())
}

/// Reads what [`encode_generation`] and Java write.
pub(super) fn decode_generation(mut data: Bytes) -> Option<i32> {
    data.try_get_i32().ok()
}

fn put_len(buf: &mut BytesMut, len: usize) {
    buf.put_i32(i32::try_from(len).unwrap_or(i32::MAX));
}
