use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_core::TopicPartition;

use super::{Assignor, GroupAssignment, GroupMember, TopicPartitionCounts};

/// `range`: of each topic by itself, every member gets a run of partitions next to each other; the first members get
/// one more if it does not come out even.
///
/// Partitions with the same number of topics that are partitioned alike come to the same member. With many topics of
/// few partitions the first members carry most.
#[derive(Clone, Copy, Debug, Default)]
pub struct RangeAssignor;

impl Assignor for RangeAssignor {
    fn name(&self) -> &str {
        "range"
    }

    fn assign(&self, partitions: &TopicPartitionCounts, members: &[GroupMember]) -> GroupAssignment {
        let mut wanting: BTreeMap<&Arc<str>, Vec<&GroupMember>> = BTreeMap::new();
        for member in members {
            for topic in &member.topics {
                wanting.entry(topic).or_default().push(member);
            }
        }
        let mut assignment = GroupAssignment::new();
        for (topic, mut members) in wanting {
            let Some(&count) = partitions.get(topic) else { continue };
            members.sort_by_key(|member| member.order());
            let share = (count.max(0) as usize) / members.len();
            let extra = (count.max(0) as usize) % members.len();
            let mut rest = 0..count;
            for (place, member) in members.iter().enumerate() {
                let take = share + usize::from(place < extra);
                let range = rest.by_ref().take(take);
                let given = assignment.entry(Arc::clone(&member.member_id)).or_default();
                given.extend(range.map(|partition| TopicPartition::new(Arc::clone(topic), partition)));
            }
        }
        assignment
    }
}
