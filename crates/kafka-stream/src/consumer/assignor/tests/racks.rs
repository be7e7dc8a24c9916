//! Range with racks (KIP-881), against what Java's assignor of Kafka 4.3.1 gave for random racks.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_core::TopicPartition;

use super::super::*;
use super::split;

/// A line is `topic:partitions=racks of partition 0,racks of partition 1,..;..|member/instance@rack=topic,..;..|
/// member=topic-partition,..;..`; a rack is one letter, instances and racks may be missing.
const JAVA: &str = include_str!("java_rack_vectors.txt");

fn racks_of(letters: &str) -> impl Iterator<Item = Arc<str>> {
    letters.chars().map(|rack| rack.to_string().into())
}

#[test]
fn range_gives_what_is_near_as_java_does() {
    let (mut checked, mut differing) = (0, 0);
    for line in JAVA.lines() {
        let [topics, members, expected]: [&str; 3] = line.split('|').collect::<Vec<_>>().try_into().unwrap();
        let mut counts = TopicPartitionCounts::new();
        let mut racks = PartitionRacks::new();
        for topic in split(topics, ';') {
            let (name, places) = topic.split_once('=').unwrap();
            let (name, count) = name.split_once(':').unwrap();
            counts.insert(name.into(), count.parse().unwrap());
            for (partition, letters) in (0..).zip(places.split(',')) {
                racks.insert(TopicPartition::new(name, partition), racks_of(letters).collect());
            }
        }
        let member = |text: &str| {
            let (who, topics) = text.split_once('=').unwrap();
            let (who, rack) = who.split_once('@').unwrap();
            let (id, instance) = who.split_once('/').map_or((who, None), |(id, i)| (id, Some(i)));
            let mut member = GroupMember::new(id, split(topics, ',').map(Arc::from));
            member.instance_id = instance.map(Arc::from);
            member.rack = Some(rack.to_owned()).filter(|rack| !rack.is_empty());
            member
        };
        let members: Vec<_> = split(members, ';').map(member).collect();
        let expected: BTreeMap<&str, String> = split(expected, ';')
            .map(|text| text.split_once('=').unwrap())
            .map(|(id, partitions)| (id, partitions.to_owned()))
            .collect();
        let text = |assignment: &GroupAssignment| {
            let mut all: BTreeMap<String, String> =
                members.iter().map(|m| (m.member_id.to_string(), String::new())).collect();
            for (id, partitions) in assignment {
                let list: Vec<_> = partitions.iter().map(ToString::to_string).collect();
                all.insert(id.to_string(), list.join(","));
            }
            all
        };
        let near = text(&RangeAssignor.assign_near(&counts, &racks, &members));
        assert!(
            near.iter().map(|(id, list)| (&**id, list)).eq(expected.iter().map(|(id, l)| (*id, l))),
            "{line}\n{near:?}"
        );
        differing += usize::from(near != text(&RangeAssignor.assign(&counts, &members)));
        checked += 1;
    }
    assert_eq!(checked, 400);
    assert!(differing > 100, "racks made a difference only {differing} times");
}
