use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::Uuid;

use super::Subscriber;
use crate::groups::Place;

/// For groups whose members share records: each partition has a reader and each subscriber a partition, and so where there
/// are fewer partitions than members some have several readers.
pub(crate) fn simple(
    members: &BTreeMap<String, Subscriber>,
    topics: &BTreeMap<Uuid, i32>,
) -> BTreeMap<String, BTreeSet<Place>> {
    let mut assigned: BTreeMap<String, BTreeSet<Place>> =
        members.keys().map(|id| (id.clone(), BTreeSet::new())).collect();
    let mut by_topics: BTreeMap<&BTreeSet<Uuid>, Vec<&String>> = BTreeMap::new();
    for (id, member) in members {
        by_topics.entry(&member.topics).or_default().push(id);
    }
    // Members with the same subscription share all of its partitions among themselves.
    for (subscription, readers) in by_topics {
        let partitions: Vec<Place> = subscription
            .iter()
            .filter_map(|topic| Some((*topic, *topics.get(topic)?)))
            .flat_map(|(topic, count)| (0..count).map(move |partition| (topic, partition)))
            .collect();
        if partitions.is_empty() {
            continue;
        }
        let rounds = partitions.len().max(readers.len());
        for (place, id) in partitions.iter().cycle().zip(readers.iter().cycle()).take(rounds) {
            if let Some(places) = assigned.get_mut(*id) {
                places.insert(*place);
            }
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shared_where_there_are_more_members() {
        let a = Uuid([1; 16]);
        let member = || Subscriber { topics: BTreeSet::from([a]), ..Subscriber::default() };
        let group = |count: usize| (0..count).map(|index| (format!("m{index}"), member())).collect();
        let assigned = simple(&group(5), &BTreeMap::from([(a, 3)]));
        assert!(assigned.values().all(|places| places.len() == 1));
        assert_eq!(assigned.values().flatten().collect::<BTreeSet<_>>().len(), 3);
        let assigned = simple(&group(2), &BTreeMap::from([(a, 3)]));
        assert_eq!(assigned.values().map(BTreeSet::len).collect::<Vec<_>>(), [2, 1]);
    }
}
