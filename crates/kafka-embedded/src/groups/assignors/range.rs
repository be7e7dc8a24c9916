use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::Uuid;

use super::Subscriber;
use crate::groups::Place;

/// Each topic's partitions in order, a run of them for each of its subscribers: static members first, by their instance
/// ids, then the others by theirs. So topics with equally many partitions and the same subscribers are dealt out alike.
pub(crate) fn range(
    members: &BTreeMap<String, Subscriber>,
    topics: &BTreeMap<Uuid, i32>,
) -> BTreeMap<String, BTreeSet<Place>> {
    let mut assigned: BTreeMap<String, BTreeSet<Place>> =
        members.keys().map(|id| (id.clone(), BTreeSet::new())).collect();
    let mut order: Vec<(&String, &Subscriber)> = members.iter().collect();
    order.sort_by_key(|(id, member)| (member.instance.is_none(), member.instance.as_ref(), *id));
    for (&topic, &partitions) in topics {
        let subscribers: Vec<&String> =
            order.iter().filter(|(_, member)| member.topics.contains(&topic)).map(|(id, _)| *id).collect();
        let Ok(count) = i32::try_from(subscribers.len()) else { continue };
        let (Some(least), Some(more)) = (partitions.checked_div(count), partitions.checked_rem(count)) else {
            continue;
        };
        let mut next = 0;
        for (index, id) in (0..).zip(subscribers) {
            let end = next + least + i32::from(index < more);
            if let Some(places) = assigned.get_mut(id) {
                places.extend((next..end).map(|partition| (topic, partition)));
            }
            next = end;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(topics: &[Uuid], instance: Option<&str>) -> Subscriber {
        Subscriber {
            instance: instance.map(str::to_owned),
            topics: topics.iter().copied().collect(),
            current: BTreeSet::new(),
        }
    }

    #[test]
    fn the_first_members_get_one_more_of_each_topic() {
        let (a, b) = (Uuid([1; 16]), Uuid([2; 16]));
        let members =
            ["m1", "m2", "m3"].map(|id| (id.to_owned(), member(&[a, b], None))).into_iter().collect();
        let assigned = range(&members, &BTreeMap::from([(a, 5), (b, 2)]));
        assert_eq!(assigned["m1"], BTreeSet::from([(a, 0), (a, 1), (b, 0)]));
        assert_eq!(assigned["m2"], BTreeSet::from([(a, 2), (a, 3), (b, 1)]));
        assert_eq!(assigned["m3"], BTreeSet::from([(a, 4)]));
    }

    #[test]
    fn static_members_come_first_and_only_subscribers_get_a_topic() {
        let (a, b) = (Uuid([1; 16]), Uuid([2; 16]));
        let members = BTreeMap::from([
            ("m1".to_owned(), member(&[a], None)),
            ("m2".to_owned(), member(&[a, b], Some("i"))),
        ]);
        let assigned = range(&members, &BTreeMap::from([(a, 3), (b, 2)]));
        assert_eq!(assigned["m1"], BTreeSet::from([(a, 2)]));
        assert_eq!(assigned["m2"], BTreeSet::from([(a, 0), (a, 1), (b, 0), (b, 1)]));
    }
}
