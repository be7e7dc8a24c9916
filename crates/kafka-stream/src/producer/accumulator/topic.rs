use std::sync::Arc;

use super::PartitionQueue;
use super::loads::Loads;
use crate::producer::partitioner::{Sticky, pick};

/// The queues of one topic. Does not change: when partitions are added, another takes its place.
#[derive(Debug)]
pub(crate) struct Topic {
    name: Arc<str>,
    queues: Box<[Arc<PartitionQueue>]>,
    /// The loads of all queues, in their order, as they were learnt.
    loads: Vec<Arc<Loads>>,
    pub(crate) sticky: Sticky,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, queues: Vec<Arc<PartitionQueue>>, loads: Vec<Arc<Loads>>) -> Self {
        let mut topic = Self { name, queues: queues.into(), loads, sticky: Sticky::new(0) };
        topic.sticky = Sticky::new(topic.next_partition(false));
        topic
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn queues(&self) -> &[Arc<PartitionQueue>] {
        &self.queues
    }

    pub(super) fn loads(&self) -> &[Arc<Loads>] {
        &self.loads
    }

    pub(crate) fn partition_count(&self) -> u32 {
        u32::try_from(self.queues.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn queue(&self, partition: u32) -> Option<&Arc<PartitionQueue>> {
        self.queues.get(partition as usize)
    }

    /// Where the sticky partitioner goes next: anywhere with a leader, rather where little waits (KIP-794).
    pub(crate) fn next_partition(&self, adaptive: bool) -> u32 {
        let random = fastrand::u32(..);
        let lengths = self.loads.iter().flat_map(|loads| loads.lengths());
        pick(lengths, adaptive, random).or_else(|| random.checked_rem(self.partition_count())).unwrap_or(0)
    }
}
