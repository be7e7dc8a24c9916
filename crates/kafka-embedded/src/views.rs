use std::collections::BTreeMap;

use kafka_core::TopicPartition;
use kafka_core::protocol::Uuid;
use kafka_core::records::{Batches, Decompressor, Record};

use crate::groups::Group;
use crate::topics::{Partition, Topic};

/// A topic as it was when it was looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicView {
    /// Its id.
    pub id: Uuid,
    /// What was set for it.
    pub configs: BTreeMap<String, String>,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionView>,
}

/// A partition as it was when it was looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PartitionView {
    /// The broker that leads it, -1 if none does.
    pub leader: i32,
    /// How often the leader was chosen anew.
    pub leader_epoch: i32,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub isr: Vec<i32>,
    /// The first offset that can be read.
    pub start_offset: i64,
    /// The offset that the next record gets.
    pub end_offset: i64,
    /// Its records, control records left out.
    pub records: Vec<Record>,
}

/// A group as it was when it was looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupView {
    /// `classic`, `consumer` of a group that the coordinator assigns (KIP-848), or `share` (KIP-932).
    pub kind: &'static str,
    /// `Empty`, `PreparingRebalance`, `CompletingRebalance` or `Stable`; of kind `consumer` `Empty`, `Assigning`,
    /// `Reconciling` or `Stable`; of kind `share` `Empty` or `Stable`.
    pub state: &'static str,
    /// The number of the last rebalance that was completed, or the group's epoch.
    pub generation: i32,
    /// The ids of its members.
    pub members: Vec<String>,
    /// What it has committed.
    pub offsets: BTreeMap<TopicPartition, i64>,
}

impl TopicView {
    pub(crate) fn of(topic: &Topic) -> Self {
        Self {
            id: topic.id,
            configs: topic.configs.clone(),
            partitions: topic.partitions.iter().map(PartitionView::of).collect(),
        }
    }
}

impl PartitionView {
    fn of(partition: &Partition) -> Self {
        let log = &partition.log;
        let (start, end) = (log.start_offset(), log.end_offset());
        let mut decompressor = Decompressor::default();
        let batches = Batches::new(log.read(start, end, usize::MAX, true)).map_while(Result::ok);
        let records = batches
            .filter(|batch| !batch.is_control())
            .filter_map(|batch| batch.records(&mut decompressor).ok())
            .flat_map(|records| records.map_while(Result::ok))
            .filter(|record| record.offset >= start)
            .collect();
        Self {
            leader: partition.leader,
            leader_epoch: partition.leader_epoch,
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
            start_offset: start,
            end_offset: end,
            records,
        }
    }
}

impl GroupView {
    pub(crate) fn of(group: &Group) -> Self {
        let offsets = group.offsets.iter();
        Self {
            kind: group.kind_name(),
            state: group.state(),
            generation: group.generation(),
            members: group.member_ids(),
            offsets: offsets
                .map(|(topic, partition, committed)| {
                    (TopicPartition::new(topic, partition), committed.offset)
                })
                .collect(),
        }
    }
}
