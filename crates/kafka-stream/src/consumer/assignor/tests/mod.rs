//! The assignors against what Java's gave for the same members and partitions, and against their promises.

mod properties;
mod racks;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::consumer::AssignmentStrategy;

/// Made by Java's assignors of Kafka 4.3.1 from random members and topics. A line is
/// `strategy|topic:partitions,..|member/instance=topic,..;..|member=topic-partition,..;..`; instances are optional,
/// and `sticky` starts from nothing with equal subscriptions, where its answer is determined.
const JAVA: &str = include_str!("java_vectors.txt");

fn split(list: &str, by: char) -> impl Iterator<Item = &str> {
    list.split(by).filter(|item| !item.is_empty())
}

#[test]
fn assigns_as_java_does() {
    let mut checked = 0;
    for line in JAVA.lines() {
        let [strategy, topics, members, expected]: [&str; 4] =
            line.split('|').collect::<Vec<_>>().try_into().unwrap();
        let assignor = match strategy {
            "range" => built_in(AssignmentStrategy::Range),
            "roundrobin" => built_in(AssignmentStrategy::RoundRobin),
            _ => built_in(AssignmentStrategy::Sticky),
        };
        let counts: TopicPartitionCounts = split(topics, ',')
            .map(|topic| topic.split_once(':').unwrap())
            .map(|(topic, count)| (Arc::from(topic), count.parse().unwrap()))
            .collect();
        let member = |text: &str| {
            let (who, topics) = text.split_once('=').unwrap();
            let (id, instance) = who.split_once('/').map_or((who, None), |(id, i)| (id, Some(i)));
            let mut member = GroupMember::new(id, split(topics, ',').map(Arc::from));
            member.instance_id = instance.map(Arc::from);
            member
        };
        let members: Vec<_> = split(members, ';').map(member).collect();
        let expected: BTreeMap<&str, String> = split(expected, ';')
            .map(|text| text.split_once('=').unwrap())
            .map(|(id, partitions)| (id, partitions.to_owned()))
            .collect();
        let mut actual: BTreeMap<&str, String> =
            members.iter().map(|m| (&*m.member_id, String::new())).collect();
        let assignment = assignor.assign(&counts, &members);
        for (id, partitions) in &assignment {
            let mut partitions = partitions.clone();
            partitions.sort();
            let list: Vec<_> = partitions.iter().map(ToString::to_string).collect();
            actual.insert(id, list.join(","));
        }
        assert_eq!(actual, expected, "{line}");
        checked += 1;
    }
    assert_eq!(checked, 450);
}

#[test]
fn a_held_partition_is_withheld_from_others_and_kept_by_its_holder() {
    let mut holder = GroupMember::new("a", []);
    holder.owned = vec![("t", 0).into(), ("t", 1).into()];
    let mut stale = GroupMember::new("b", []);
    stale.owned = vec![("t", 1).into()];
    let mut assignment = GroupAssignment::from([
        ("a".into(), vec![("t", 1).into()]),
        ("b".into(), vec![("t", 0).into(), ("t", 2).into()]),
    ]);
    withhold(&mut assignment, &[holder, stale]);
    let expected =
        GroupAssignment::from([("a".into(), vec![("t", 1).into()]), ("b".into(), vec![("t", 2).into()])]);
    assert_eq!(assignment, expected);
}

#[test]
fn sticky_user_data_is_what_java_writes() {
    let previous = PreviousAssignment::new(vec![("t", 0).into(), ("t", 5).into()], 3);
    let data = user_data::encode_sticky(&previous);
    assert_eq!(&data[..], b"\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x05\0\0\0\x03");
    assert_eq!(user_data::decode_sticky(data.clone()), Some(previous.clone()));
    // As written before generations were added.
    let old = PreviousAssignment::new(previous.partitions, -1);
    assert_eq!(user_data::decode_sticky(data.slice(..data.len() - 4)), Some(old));
    assert_eq!(user_data::decode_sticky(data.slice(..9)), None);
    assert_eq!(user_data::decode_generation(user_data::encode_generation(9)), Some(9));
}
