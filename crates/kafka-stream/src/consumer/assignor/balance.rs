//! The sticky assignors' algorithm.
//!
//! Starts from who had what, gives what is free to the members with least, and then, as long as some member has at
//! least two more than another, moves a partition from the first to the second: directly, or along a chain of members
//! that each take one partition and pass on another. When no such chain is left, no assignment is more even. Every move
//! makes the assignment more even, so it ends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use kafka_core::TopicPartition;

use super::{GroupAssignment, GroupMember, TopicPartitionCounts};

/// Who had a partition before.
pub(super) type Claims = BTreeMap<TopicPartition, Arc<str>>;

/// An index into `Balance::members`, in the members' order.
type MemberIndex = usize;

struct MemberLoad<'a> {
    member: &'a GroupMember,
    held: BTreeMap<&'a Arc<str>, BTreeSet<i32>>,
    load: usize,
    /// Nothing can move away from it to one with two less.
    settled: bool,
}

struct Balance<'a> {
    members: Vec<MemberLoad<'a>>,
    wanting: BTreeMap<&'a Arc<str>, Vec<MemberIndex>>,
    by_load: BTreeSet<(usize, MemberIndex)>,
    claims: &'a Claims,
}

/// Divides the partitions as evenly as the members' topics allow, and moves as few from where they were as that needs.
pub(super) fn balance(
    partitions: &TopicPartitionCounts,
    members: &[GroupMember],
    claims: &Claims,
) -> GroupAssignment {
    let mut balance = Balance::new(partitions, members, claims);
    balance.take_over_and_fill(partitions);
    balance.even_out();
    balance.into_assignment()
}

impl<'a> Balance<'a> {
    fn new(partitions: &'a TopicPartitionCounts, members: &'a [GroupMember], claims: &'a Claims) -> Self {
        let mut members: Vec<_> = members
            .iter()
            .map(|member| MemberLoad { member, held: BTreeMap::new(), load: 0, settled: false })
            .collect();
        members.sort_by_key(|m| m.member.order());
        let mut wanting: BTreeMap<&Arc<str>, Vec<MemberIndex>> = BTreeMap::new();
        for topic in partitions.keys() {
            let who = members.iter().enumerate().filter(|(_, m)| m.member.topics.contains(topic));
            let who: Vec<_> = who.map(|(index, _)| index).collect();
            if !who.is_empty() {
                wanting.insert(topic, who);
            }
        }
        let by_load = (0..members.len()).map(|index| (0, index)).collect();
        Self { members, wanting, by_load, claims }
    }

    fn take_over_and_fill(&mut self, partitions: &'a TopicPartitionCounts) {
        let index_of: BTreeMap<Arc<str>, MemberIndex> =
            self.members.iter().enumerate().map(|(i, m)| (Arc::clone(&m.member.member_id), i)).collect();
        let mut free = Vec::new();
        for (topic, &count) in partitions {
            let Some(wanting) = self.wanting.get(topic) else { continue };
            let choice = wanting.len();
            for partition in 0..count {
                let claim = self.claims.get(&TopicPartition::new(Arc::clone(topic), partition));
                let owner = claim.and_then(|owner| index_of.get(owner)).copied();
                let still_wants = |&owner: &MemberIndex| {
                    self.members.get(owner).is_some_and(|m| m.member.topics.contains(topic))
                };
                match owner.filter(still_wants) {
                    Some(owner) => self.give(owner, topic, partition),
                    None => free.push((choice, topic, partition)),
                }
            }
        }
        // What fewest members can take is placed first.
        free.sort();
        for (_, topic, partition) in free {
            let wants = |index: &MemberIndex| {
                self.members.get(*index).is_some_and(|m| m.member.topics.contains(topic))
            };
            let least = self.by_load.iter().map(|&(_, index)| index).find(wants);
            if let Some(least) = least {
                self.give(least, topic, partition);
            }
        }
    }

    fn even_out(&mut self) {
        let mut heavy: BTreeSet<(usize, MemberIndex)> = self.by_load.clone();
        while let Some((load, from)) = heavy.pop_last() {
            let Some(chain) = self.chain_from(from, load) else {
                if let Some(member) = self.members.get_mut(from) {
                    member.settled = true;
                }
                continue;
            };
            let to = chain.last().map_or(from, |&(_, to)| to);
            heavy.remove(&self.key(to));
            let mut giver = from;
            for (topic, taker) in chain {
                if let Some(partition) = self.pick(giver, taker, topic) {
                    self.take(giver, topic, partition);
                    self.give(taker, topic, partition);
                }
                giver = taker;
            }
            for changed in [from, to] {
                if self.members.get(changed).is_some_and(|m| !m.settled) {
                    heavy.insert(self.key(changed));
                }
            }
        }
    }

    /// The steps (topic, next member) by which a partition's worth of load gets from `from` to the member with the
    /// least, at least two below `load`.
    fn chain_from(&self, from: MemberIndex, load: usize) -> Option<Vec<(&'a Arc<str>, MemberIndex)>> {
        let &(least_load, least) = self.by_load.first()?;
        if least_load + 2 > load {
            return None;
        }
        if let Some(topic) = self.direct(from, least) {
            return Some(vec![(topic, least)]);
        }
        let mut reached: BTreeMap<MemberIndex, (MemberIndex, &'a Arc<str>)> = BTreeMap::new();
        let mut topics_done: BTreeSet<&Arc<str>> = BTreeSet::new();
        let mut queue = VecDeque::from([from]);
        let mut best: Option<(usize, MemberIndex)> = None;
        while let Some(at) = queue.pop_front() {
            let Some(member) = self.members.get(at) else { continue };
            for (&topic, _) in member.held.iter().filter(|(_, held)| !held.is_empty()) {
                if !topics_done.insert(topic) {
                    continue;
                }
                for &next in self.wanting.get(topic).into_iter().flatten() {
                    if next == from || reached.contains_key(&next) {
                        continue;
                    }
                    reached.insert(next, (at, topic));
                    queue.push_back(next);
                    let next_load = self.key(next).0;
                    if next_load + 2 <= load && best.is_none_or(|(best, _)| next_load < best) {
                        best = Some((next_load, next));
                    }
                }
            }
        }
        let (_, mut at) = best?;
        let mut chain = Vec::new();
        while at != from {
            let &(giver, topic) = reached.get(&at)?;
            chain.push((topic, at));
            at = giver;
        }
        chain.reverse();
        Some(chain)
    }

    /// The topic of which `from` has most that `to` also wants.
    fn direct(&self, from: MemberIndex, to: MemberIndex) -> Option<&'a Arc<str>> {
        let to = self.members.get(to)?;
        let held = &self.members.get(from)?.held;
        let shared =
            held.iter().filter(|(topic, held)| !held.is_empty() && to.member.topics.contains(**topic));
        shared.max_by_key(|(_, held)| held.len()).map(|(&topic, _)| topic)
    }

    /// Which of `giver`'s partitions moves: one that `taker` had, else one that `giver` did not have, else the last.
    fn pick(&self, giver: MemberIndex, taker: MemberIndex, topic: &Arc<str>) -> Option<i32> {
        let giver = self.members.get(giver)?;
        let taker = self.members.get(taker)?;
        let claim = |partition: i32| self.claims.get(&TopicPartition::new(Arc::clone(topic), partition));
        let rank = |partition: &&i32| {
            let claim = claim(**partition);
            (claim == Some(&taker.member.member_id), claim != Some(&giver.member.member_id), **partition)
        };
        giver.held.get(topic)?.iter().max_by_key(rank).copied()
    }

    fn key(&self, index: MemberIndex) -> (usize, MemberIndex) {
        (self.members.get(index).map_or(0, |m| m.load), index)
    }

    fn give(&mut self, index: MemberIndex, topic: &'a Arc<str>, partition: i32) {
        self.by_load.remove(&self.key(index));
        if let Some(member) = self.members.get_mut(index) {
            member.held.entry(topic).or_default().insert(partition);
            member.load += 1;
        }
        self.by_load.insert(self.key(index));
    }

    fn take(&mut self, index: MemberIndex, topic: &Arc<str>, partition: i32) {
        self.by_load.remove(&self.key(index));
        if let Some(member) = self.members.get_mut(index)
            && member.held.get_mut(topic).is_some_and(|held| held.remove(&partition))
        {
            member.load -= 1;
        }
        self.by_load.insert(self.key(index));
    }

    fn into_assignment(self) -> GroupAssignment {
        let partitions = |held: BTreeMap<&Arc<str>, BTreeSet<i32>>| {
            let of_topic = |(topic, partitions): (&Arc<str>, BTreeSet<i32>)| {
                let topic = Arc::clone(topic);
                partitions.into_iter().map(move |p| TopicPartition::new(Arc::clone(&topic), p))
            };
            held.into_iter().flat_map(of_topic).collect()
        };
        self.members.into_iter().map(|m| (Arc::clone(&m.member.member_id), partitions(m.held))).collect()
    }
}
