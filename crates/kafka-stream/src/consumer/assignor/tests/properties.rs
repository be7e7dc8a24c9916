use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_core::TopicPartition;

use super::super::*;

type Owners = BTreeMap<TopicPartition, Arc<str>>;

/// A group that goes through one rebalance after the other with the sticky assignor.
struct Group {
    random: fastrand::Rng,
    counts: TopicPartitionCounts,
    members: Vec<GroupMember>,
    generation: i32,
    next_name: u32,
    cooperative: bool,
}

impl Group {
    fn new(seed: u64, cooperative: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let counts = (0..random.i32(1..6)).map(|t| (format!("t{t}").into(), random.i32(0..20))).collect();
        Self { random, counts, members: Vec::new(), generation: 0, next_name: 0, cooperative }
    }

    fn add_member(&mut self, all_topics: bool) {
        let topics: Vec<_> = self.counts.keys().cloned().collect();
        let topics = topics.into_iter().filter(|_| all_topics || self.random.bool()).collect::<Vec<_>>();
        // Names in random order, so that new members are not always the last.
        let name = format!("{:02}-{}", self.random.u8(0..100), self.next_name);
        self.next_name += 1;
        self.members.push(GroupMember::new(name, topics));
    }

    fn remove_member(&mut self) {
        let at = self.random.usize(0..self.members.len());
        self.members.remove(at);
    }

    fn rebalance(&mut self) -> Owners {
        let assignment = match self.cooperative {
            true => CooperativeStickyAssignor.assign(&self.counts, &self.members),
            false => StickyAssignor.assign(&self.counts, &self.members),
        };
        self.generation += 1;
        let mut owners = Owners::new();
        for member in &mut self.members {
            let given = assignment.get(&member.member_id).cloned().unwrap_or_default();
            for tp in &given {
                assert!(member.topics.contains(&tp.topic), "{tp} went to one who does not want it");
                let before = owners.insert(tp.clone(), Arc::clone(&member.member_id));
                assert_eq!(before, None, "{tp} went to two");
            }
            let previous = PreviousAssignment::new(given, self.generation);
            if self.cooperative {
                member.owned = previous.partitions;
                member.generation = previous.generation;
            } else {
                member.user_data = StickyAssignor.user_data(Some(&previous));
            }
        }
        let wanted: BTreeSet<_> = self.members.iter().flat_map(|m| m.topics.iter().cloned()).collect();
        let expected: i32 = self.counts.iter().filter(|(t, _)| wanted.contains(*t)).map(|(_, n)| n).sum();
        assert_eq!(owners.len(), usize::try_from(expected).unwrap(), "a partition went to nobody");
        owners
    }

    fn loads(&self, owners: &Owners) -> BTreeMap<Arc<str>, usize> {
        let mut loads: BTreeMap<_, _> = self.members.iter().map(|m| (Arc::clone(&m.member_id), 0)).collect();
        for owner in owners.values() {
            *loads.get_mut(owner).unwrap() += 1;
        }
        loads
    }
}

fn moved(before: &Owners, after: &Owners) -> usize {
    before.iter().filter(|(tp, owner)| after.get(*tp) != Some(owner)).count()
}

#[test]
fn equal_subscriptions_stay_even_and_no_more_moves_than_must() {
    for seed in 0..400 {
        let mut group = Group::new(seed, seed % 2 == 0);
        group.add_member(true);
        let mut before = group.rebalance();
        for _ in 0..12 {
            let joins = group.members.len() == 1 || group.random.bool();
            if joins {
                group.add_member(true)
            } else {
                group.remove_member()
            }
            let stayed: BTreeSet<_> = group.members.iter().map(|m| Arc::clone(&m.member_id)).collect();
            let after = group.rebalance();
            let loads = group.loads(&after);
            let (least, most) = (loads.values().min().unwrap(), loads.values().max().unwrap());
            assert!(most - least <= 1, "seed {seed}: {loads:?}");
            // Joining: what the new one has. Leaving: what the one that left had.
            let must = match joins {
                true => {
                    loads.iter().filter(|(m, _)| !before.values().any(|o| o == *m)).map(|(_, n)| *n).max()
                }
                false => Some(before.values().filter(|owner| !stayed.contains(*owner)).count()),
            };
            assert!(moved(&before, &after) <= must.unwrap_or(0), "seed {seed}: {before:?} -> {after:?}");
            before = after;
        }
    }
}

#[test]
fn nothing_moves_when_nothing_changed() {
    for seed in 0..200 {
        let mut group = Group::new(seed, seed % 2 == 0);
        for _ in 0..5 {
            group.add_member(seed % 3 == 0);
        }
        let before = group.rebalance();
        assert_eq!(group.rebalance(), before, "seed {seed}");
    }
}

#[test]
fn unequal_subscriptions_are_as_even_as_they_can_be() {
    for seed in 0..400 {
        let mut group = Group::new(seed, seed % 2 == 0);
        for _ in 0..group.random.usize(1..7) {
            group.add_member(false);
        }
        for _ in 0..6 {
            let owners = group.rebalance();
            let loads = group.loads(&owners);
            // No chain of moves from a member to one with two less: then no assignment is more even.
            for start in &group.members {
                let mut reached = vec![start];
                let mut at = 0;
                while let Some(giver) = reached.get(at) {
                    at += 1;
                    let held: BTreeSet<_> = owners
                        .iter()
                        .filter(|(_, owner)| **owner == giver.member_id)
                        .map(|(tp, _)| Arc::clone(&tp.topic))
                        .collect();
                    for taker in &group.members {
                        if !reached.contains(&taker) && !taker.topics.is_disjoint(&held) {
                            reached.push(taker);
                        }
                    }
                }
                for end in reached {
                    assert!(
                        loads[&end.member_id] + 2 > loads[&start.member_id],
                        "seed {seed}: {} could take from {}: {loads:?}",
                        end.member_id,
                        start.member_id
                    );
                }
            }
            if group.members.len() > 1 && group.random.bool() {
                group.remove_member()
            } else {
                group.add_member(false)
            }
        }
    }
}

#[test]
fn of_two_claims_the_later_generation_counts() {
    let counts = TopicPartitionCounts::from([("t".into(), 4)]);
    let member = |id: &str, owned: &[i32], generation| {
        let mut member = GroupMember::new(id, ["t".into()]);
        member.owned = owned.iter().map(|&p| TopicPartition::new("t", p)).collect();
        member.generation = generation;
        member
    };
    let members = [member("a", &[0, 1], 4), member("b", &[0, 1, 2, 3], 3)];
    let assignment = CooperativeStickyAssignor.assign(&counts, &members);
    assert_eq!(assignment["a"], [("t", 0).into(), ("t", 1).into()]);
    assert_eq!(assignment["b"], [("t", 2).into(), ("t", 3).into()]);
}

#[test]
fn nearly_everything_moves_when_a_thousand_members_join_one() {
    let counts = (0..100).map(|t| (format!("t{t:02}").into(), 100)).collect::<TopicPartitionCounts>();
    let topics: Vec<Arc<str>> = counts.keys().cloned().collect();
    let mut members: Vec<_> =
        (0..1000).map(|m| GroupMember::new(format!("m{m:03}"), topics.clone())).collect();
    // All belonged to one member before: nearly every partition moves.
    members[0].owned =
        topics.iter().flat_map(|t| (0..100).map(|p| TopicPartition::new(Arc::clone(t), p))).collect();
    let assignment = CooperativeStickyAssignor.assign(&counts, &members);
    assert!(assignment.values().all(|given| given.len() == 10));
}
