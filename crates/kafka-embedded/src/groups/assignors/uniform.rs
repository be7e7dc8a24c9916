use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::Uuid;

use super::Subscriber;
use crate::groups::Place;

/// As even as the subscriptions allow; beyond that, everybody keeps what it has.
pub(crate) fn uniform(
    members: &BTreeMap<String, Subscriber>,
    topics: &BTreeMap<Uuid, i32>,
) -> BTreeMap<String, BTreeSet<Place>> {
    let mut deal = Deal::of(members, topics);
    deal.keep();
    deal.give_out();
    deal.even_out();
    deal.assigned.into_iter().map(|(id, places)| (id.clone(), places)).collect()
}

struct Deal<'a> {
    members: &'a BTreeMap<String, Subscriber>,
    topics: &'a BTreeMap<Uuid, i32>,
    subscribers: BTreeMap<Uuid, Vec<&'a String>>,
    assigned: BTreeMap<&'a String, BTreeSet<Place>>,
    owned: BTreeSet<Place>,
}

impl<'a> Deal<'a> {
    fn of(members: &'a BTreeMap<String, Subscriber>, topics: &'a BTreeMap<Uuid, i32>) -> Self {
        let mut subscribers: BTreeMap<Uuid, Vec<&String>> = BTreeMap::new();
        for (id, member) in members {
            for topic in &member.topics {
                subscribers.entry(*topic).or_default().push(id);
            }
        }
        let assigned = members.keys().map(|id| (id, BTreeSet::new())).collect();
        Self { members, topics, subscribers, assigned, owned: BTreeSet::new() }
    }

    /// Each member keeps what it may still have.
    fn keep(&mut self) {
        for (id, member) in self.members {
            for &(topic, partition) in &member.current {
                let exists = self.topics.get(&topic).is_some_and(|&partitions| partition < partitions);
                if exists && member.topics.contains(&topic) && self.owned.insert((topic, partition)) {
                    self.assigned.entry(id).or_default().insert((topic, partition));
                }
            }
        }
    }

    /// What nobody has goes to whoever has least. Topics with few subscribers for their partitions come first, since
    /// those leave the least choice.
    fn give_out(&mut self) {
        let mut order: Vec<(Uuid, i32)> = self.topics.iter().map(|(id, count)| (*id, *count)).collect();
        let share = |(id, count): &(Uuid, i32)| {
            let subscribers = self.subscribers.get(id).map_or(1, Vec::len).max(1);
            f64::from(*count) / f64::from(u32::try_from(subscribers).unwrap_or(u32::MAX))
        };
        order.sort_by(|a, b| share(b).total_cmp(&share(a)).then(a.0.cmp(&b.0)));
        for (topic, count) in order {
            for partition in 0..count {
                if self.owned.contains(&(topic, partition)) {
                    continue;
                }
                let Some(least) = self.least_loaded(topic) else { break };
                self.owned.insert((topic, partition));
                self.assigned.entry(least).or_default().insert((topic, partition));
            }
        }
    }

    /// Partitions go from those who have most to those who have at least two fewer, until there are none such.
    fn even_out(&mut self) {
        while let Some((from, to, place)) = self.uneven() {
            if let Some(places) = self.assigned.get_mut(from) {
                places.remove(&place);
            }
            self.assigned.entry(to).or_default().insert(place);
        }
    }

    fn uneven(&self) -> Option<(&'a String, &'a String, Place)> {
        let least: BTreeMap<Uuid, (&String, usize)> = self
            .topics
            .keys()
            .filter_map(|&topic| {
                let id = self.least_loaded(topic)?;
                Some((topic, (id, self.load(id))))
            })
            .collect();
        let mut heaviest: Vec<&String> = self.members.keys().collect();
        heaviest.sort_by_key(|id| std::cmp::Reverse(self.load(id)));
        heaviest.into_iter().find_map(|from| {
            let load = self.load(from);
            let places = self.assigned.get(from)?;
            // The last ones, so that what a member has had for longest stays.
            places.iter().rev().find_map(|&place| {
                let &(to, light) = least.get(&place.0)?;
                (light + 1 < load).then_some((from, to, place))
            })
        })
    }

    fn least_loaded(&self, topic: Uuid) -> Option<&'a String> {
        self.subscribers.get(&topic)?.iter().copied().min_by_key(|id| self.load(id))
    }

    fn load(&self, id: &String) -> usize {
        self.assigned.get(id).map_or(0, BTreeSet::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid([1; 16]);
    const B: Uuid = Uuid([2; 16]);

    fn member(topics: &[Uuid], current: &[Place]) -> Subscriber {
        Subscriber {
            instance: None,
            topics: topics.iter().copied().collect(),
            current: current.iter().copied().collect(),
        }
    }

    fn group<const N: usize>(members: [Subscriber; N]) -> BTreeMap<String, Subscriber> {
        (0..).zip(members).map(|(index, member)| (format!("m{index}"), member)).collect()
    }

    fn sizes(assigned: &BTreeMap<String, BTreeSet<Place>>) -> Vec<usize> {
        assigned.values().map(BTreeSet::len).collect()
    }

    #[test]
    fn partitions_are_dealt_out_evenly() {
        let members = group([member(&[A, B], &[]), member(&[A, B], &[]), member(&[A, B], &[])]);
        let assigned = uniform(&members, &BTreeMap::from([(A, 5), (B, 3)]));
        let mut sizes = sizes(&assigned);
        sizes.sort_unstable();
        assert_eq!(sizes, [2, 3, 3]);
        let all: BTreeSet<Place> = assigned.into_values().flatten().collect();
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn a_newcomer_takes_its_share_and_the_others_keep_the_rest() {
        let six: Vec<Place> = (0..6).map(|partition| (A, partition)).collect();
        let members = group([member(&[A], &six[..3]), member(&[A], &six[3..]), member(&[A], &[])]);
        let assigned = uniform(&members, &BTreeMap::from([(A, 6)]));
        assert_eq!(sizes(&assigned), [2, 2, 2]);
        assert!(assigned["m0"].is_subset(&members["m0"].current));
        assert!(assigned["m1"].is_subset(&members["m1"].current));
    }

    #[test]
    fn who_has_one_more_keeps_it() {
        let seven: Vec<Place> = (0..7).map(|partition| (A, partition)).collect();
        let members = group([member(&[A], &seven[..3]), member(&[A], &seven[3..])]);
        let assigned = uniform(&members, &BTreeMap::from([(A, 7)]));
        assert_eq!((&assigned["m0"], &assigned["m1"]), (&members["m0"].current, &members["m1"].current));
    }

    #[test]
    fn a_topic_goes_only_to_its_subscribers_and_they_get_less_of_the_others() {
        let members = group([member(&[A, B], &[]), member(&[A], &[])]);
        let assigned = uniform(&members, &BTreeMap::from([(A, 4), (B, 2)]));
        assert_eq!(sizes(&assigned), [3, 3]);
        assert!(assigned["m1"].iter().all(|(topic, _)| *topic == A));
    }

    #[test]
    fn what_is_gone_or_not_wanted_any_more_is_given_up() {
        let members = group([member(&[A], &[(A, 0), (A, 5), (B, 0)]), member(&[B], &[])]);
        let assigned = uniform(&members, &BTreeMap::from([(A, 2), (B, 1)]));
        assert_eq!(assigned["m0"], BTreeSet::from([(A, 0), (A, 1)]));
        assert_eq!(assigned["m1"], BTreeSet::from([(B, 0)]));
    }
}
