use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_core::TopicPartition;

use super::{GroupAssignment, GroupMember};

/// Takes out of a cooperative assignment what another member still holds. Its holder finds it missing from its own
/// assignment, gives it up and joins again; then it is free.
///
/// A member that holds a partition itself keeps it, whoever else claims it too.
pub(crate) fn withhold(assignment: &mut GroupAssignment, members: &[GroupMember]) {
    let mut holders: BTreeMap<&TopicPartition, BTreeSet<&Arc<str>>> = BTreeMap::new();
    for member in members {
        for tp in &member.owned {
            holders.entry(tp).or_default().insert(&member.member_id);
        }
    }
    for (member_id, partitions) in assignment {
        partitions.retain(|tp| holders.get(tp).is_none_or(|holders| holders.contains(member_id)));
    }
}
