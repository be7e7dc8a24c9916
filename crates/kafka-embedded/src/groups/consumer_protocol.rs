//! What members of the classic protocol and their leader tell each other, which the coordinator reads only where members of
//! both protocols meet.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use kafka_core::protocol::messages::consumer_protocol_assignment::{
    ConsumerProtocolAssignment, TopicPartition,
};
use kafka_core::protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use kafka_core::protocol::{
    ApiVersion, Decoder, Encoder, Int16, Message, ReadType, ReadVersionedType, WriteType, WriteVersionedType,
};

use super::{Place, TopicTable};

/// What clients call the protocol of groups that read topics.
pub(crate) const CONSUMER: &str = "consumer";

/// What a member wants to read; `None` if its words are not understood.
pub(super) fn read_subscription(metadata: &Bytes) -> Option<ConsumerProtocolSubscription> {
    read(metadata)
}

/// What a leader gave to a member; an empty text is an empty assignment.
pub(super) fn read_assignment(assignment: &Bytes, topics: &dyn TopicTable) -> Option<BTreeSet<Place>> {
    if assignment.is_empty() {
        return Some(BTreeSet::new());
    }
    let assignment: ConsumerProtocolAssignment = read(assignment)?;
    let mut places = BTreeSet::new();
    for topic in assignment.assigned_partitions {
        let Some(shape) = topics.shape(&topic.topic) else { continue };
        places.extend(topic.partitions.into_iter().map(|partition| (shape.id, partition)));
    }
    Some(places)
}

/// An assignment in the version in which the member wrote its subscription.
pub(super) fn write_assignment(
    places: impl Iterator<Item = Place>,
    subscription: &Bytes,
    topics: &dyn TopicTable,
) -> Bytes {
    let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in places {
        if let Some(name) = topics.name(topic) {
            by_topic.entry(name).or_default().push(partition);
        }
    }
    let assigned = by_topic
        .into_iter()
        .map(|(topic, partitions)| TopicPartition { topic: topic.to_owned(), partitions });
    let assignment = ConsumerProtocolAssignment { assigned_partitions: assigned.collect(), user_data: None };
    let versions = ConsumerProtocolAssignment::VERSIONS;
    let version = version(&mut Decoder::new(subscription.clone())).unwrap_or_default();
    let version = version.clamp(*versions.start(), *versions.end());
    let mut encoder = Encoder::new();
    let written = Int16(version)
        .write(&mut encoder)
        .map_err(drop)
        .and_then(|()| assignment.write_versioned(&mut encoder, ApiVersion(Int16(version))).map_err(drop));
    if written.is_err() {
        return Bytes::new();
    }
    let mut bytes = BytesMut::new();
    for segment in encoder.finish() {
        bytes.extend_from_slice(&segment);
    }
    bytes.freeze()
}

fn version(decoder: &mut Decoder) -> Option<i16> {
    Int16::read(decoder).ok().map(|version| version.0)
}

fn read<T: Message + ReadVersionedType<Decoder>>(bytes: &Bytes) -> Option<T> {
    let mut decoder = Decoder::new(bytes.clone());
    let version = version(&mut decoder)?.min(*T::VERSIONS.end());
    T::read_versioned(&mut decoder, ApiVersion(Int16(version))).ok()
}
