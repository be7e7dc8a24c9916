use std::sync::Arc;

use kafka_core::TopicPartition;

use super::{Assignor, GroupAssignment, GroupMember, TopicPartitionCounts};

/// `roundrobin`: all partitions of all topics in order are dealt to the members in turn, passing over those that do not
/// want the topic.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobinAssignor;

impl Assignor for RoundRobinAssignor {
    fn name(&self) -> &str {
        "roundrobin"
    }

    fn assign(&self, partitions: &TopicPartitionCounts, members: &[GroupMember]) -> GroupAssignment {
        let mut members: Vec<_> = members.iter().collect();
        members.sort_by_key(|member| member.order());
        let mut assignment = GroupAssignment::new();
        let mut turn = 0;
        for (topic, &count) in partitions {
            for partition in 0..count {
                let mut from_turn = (0..members.len()).map(|step| (turn + step) % members.len());
                let next = from_turn
                    .find_map(|at| members.get(at).filter(|m| m.topics.contains(topic)).map(|m| (at, m)));
                // Nobody wants this topic.
                let Some((at, member)) = next else { break };
                turn = (at + 1) % members.len();
                let given = assignment.entry(Arc::clone(&member.member_id)).or_default();
                given.push(TopicPartition::new(Arc::clone(topic), partition));
            }
        }
        assignment
    }
}
