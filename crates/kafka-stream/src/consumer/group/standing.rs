use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_core::TopicPartition;

use super::ConsumerGroupMetadata;

/// How a member stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Never subscribed, or left: commits are made outside of any generation.
    Outside,
    /// On the way into a generation; what is held through it stays the member's if the assignment says so.
    Rebalancing,
    /// In a generation; the consumer gives up partitions at this moment.
    Revoking,
    /// In a generation.
    Stable,
    /// Thrown out; what was held belongs to others.
    Lost,
}

/// What those who commit need to know of the membership.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) member: ConsumerGroupMetadata,
    pub(super) standing: Standing,
    pub(super) owned: Arc<BTreeSet<TopicPartition>>,
}

impl Snapshot {
    /// Outside of any generation.
    pub(super) fn outside(group_id: &str, instance_id: Option<&str>) -> Self {
        let member = ConsumerGroupMetadata {
            group_id: group_id.to_owned(),
            generation_id: -1,
            member_id: String::new(),
            group_instance_id: instance_id.map(str::to_owned),
        };
        Self { member, standing: Standing::Outside, owned: Arc::default() }
    }
}
