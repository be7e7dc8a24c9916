use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_core::TopicPartition;

use super::{Assignor, GroupAssignment, GroupMember, PartitionRacks, TopicPartitionCounts};

/// `range`: of each topic by itself, every member gets a run of partitions next to each other; the first members get
/// one more if it does not come out even.
///
/// Partitions with the same number of topics that are partitioned alike come to the same member. With many topics of
/// few partitions the first members carry most.
///
/// Where members say their rack and not every rack has a replica of every partition, each first gets of its share what is
/// near it, topics that are partitioned alike together (KIP-881).
#[derive(Clone, Copy, Debug, Default)]
pub struct RangeAssignor;

/// A topic that is being divided.
struct Topic<'a> {
    name: &'a Arc<str>,
    count: i32,
    /// Those that want it, in order.
    members: Vec<&'a GroupMember>,
    free: BTreeSet<i32>,
    given: Vec<usize>,
    share: usize,
    /// How many members may still get one above the share.
    extra: usize,
    racks: &'a PartitionRacks,
}

impl Assignor for RangeAssignor {
    fn name(&self) -> &str {
        "range"
    }

    fn assign(&self, partitions: &TopicPartitionCounts, members: &[GroupMember]) -> GroupAssignment {
        self.assign_near(partitions, &PartitionRacks::new(), members)
    }

    fn assign_near(
        &self,
        partitions: &TopicPartitionCounts,
        racks: &PartitionRacks,
        members: &[GroupMember],
    ) -> GroupAssignment {
        let mut wanting: BTreeMap<&Arc<str>, Vec<&GroupMember>> = BTreeMap::new();
        for member in members {
            for topic in &member.topics {
                wanting.entry(topic).or_default().push(member);
            }
        }
        let mut topics: Vec<_> = wanting
            .into_iter()
            .filter_map(|(name, members)| Topic::new(name, *partitions.get(name)?, members, racks))
            .collect();
        let mut assignment = GroupAssignment::new();
        if topics.iter().any(Topic::has_near_and_far) {
            near_first(&mut topics, &mut assignment);
        }
        for topic in &mut topics {
            topic.divide(&mut assignment, |_, _, _| true);
        }
        for given in assignment.values_mut() {
            given.sort_unstable();
        }
        assignment
    }
}

/// Gives members what is near them, as far as their shares go.
fn near_first(topics: &mut [Topic<'_>], assignment: &mut GroupAssignment) {
    let mut alike: BTreeMap<(Vec<Arc<str>>, i32), Vec<&mut Topic<'_>>> = BTreeMap::new();
    for topic in topics {
        let members = topic.members.iter().map(|member| Arc::clone(&member.member_id)).collect();
        alike.entry((members, topic.count)).or_default().push(topic);
    }
    for ((_, count), mut topics) in alike {
        match &mut topics[..] {
            [topic] if topic.has_near_and_far() => topic.divide(assignment, Topic::is_near),
            [_] => {}
            together => together_first(together, count, assignment),
        }
    }
}

/// Gives the partitions of one number in all these topics to the same member, if all are near it.
fn together_first(topics: &mut [&mut Topic<'_>], count: i32, assignment: &mut GroupAssignment) {
    let members = topics.first().map_or(0, |topic| topic.members.len());
    for partition in 0..count {
        let fits = |member: &usize| {
            topics.iter().all(|topic| topic.is_near(*member, partition) && topic.room(*member) > 0)
        };
        let Some(member) = (0..members).find(fits) else { continue };
        for topic in topics.iter_mut() {
            topic.give(member, &[partition], assignment);
        }
    }
}

impl<'a> Topic<'a> {
    fn new(
        name: &'a Arc<str>,
        count: i32,
        mut members: Vec<&'a GroupMember>,
        racks: &'a PartitionRacks,
    ) -> Option<Self> {
        members.sort_by_key(|member| member.order());
        let partitions = usize::try_from(count).ok()?;
        let share = partitions.checked_div(members.len())?;
        let extra = partitions.checked_rem(members.len())?;
        let given = vec![0; members.len()];
        Some(Self { name, count, members, free: (0..count).collect(), given, share, extra, racks })
    }

    /// Whether racks make a difference: some member's has replicas, and not every rack has one of every partition.
    fn has_near_and_far(&self) -> bool {
        let none = BTreeSet::new();
        let replicas: Vec<_> = (0..self.count).map(|p| self.racks_of(p).unwrap_or(&none)).collect();
        let all: BTreeSet<&Arc<str>> = replicas.iter().flat_map(|racks| racks.iter()).collect();
        let meets = self
            .members
            .iter()
            .filter_map(|member| member.rack.as_deref())
            .any(|rack| all.iter().any(|known| ***known == *rack));
        meets && replicas.iter().any(|racks| racks.len() != all.len())
    }

    fn racks_of(&self, partition: i32) -> Option<&BTreeSet<Arc<str>>> {
        self.racks.get(&TopicPartition::new(Arc::clone(self.name), partition))
    }

    /// Whether a partition has a replica in the member's rack. To a member without one everything is near.
    fn is_near(&self, member: usize, partition: i32) -> bool {
        let rack = self.members.get(member).and_then(|member| member.rack.as_deref());
        rack.is_none_or(|rack| self.racks_of(partition).is_some_and(|racks| racks.contains(rack)))
    }

    /// How many more the member may get.
    fn room(&self, member: usize) -> usize {
        let most = self.share + usize::from(self.extra > 0);
        most.saturating_sub(self.given.get(member).copied().unwrap_or(most))
    }

    fn divide(&mut self, assignment: &mut GroupAssignment, may_have: impl Fn(&Self, usize, i32) -> bool) {
        for member in 0..self.members.len() {
            let fitting = self.free.iter().copied().filter(|partition| may_have(self, member, *partition));
            let partitions: Vec<i32> = fitting.take(self.room(member)).collect();
            self.give(member, &partitions, assignment);
        }
    }

    fn give(&mut self, member: usize, partitions: &[i32], assignment: &mut GroupAssignment) {
        let (Some(who), Some(given)) = (self.members.get(member), self.given.get_mut(member)) else { return };
        *given += partitions.len();
        if *given > self.share && !partitions.is_empty() {
            self.extra = self.extra.saturating_sub(1);
        }
        let list = assignment.entry(Arc::clone(&who.member_id)).or_default();
        for partition in partitions {
            self.free.remove(partition);
            list.push(TopicPartition::new(Arc::clone(self.name), *partition));
        }
    }
}
