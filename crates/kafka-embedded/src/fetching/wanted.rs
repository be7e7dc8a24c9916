use kafka_core::protocol::Uuid;
use kafka_core::protocol::messages::fetch_request::{FetchPartition, FetchTopic};

/// A partition that a fetch asks for, and from where on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WantedPartition {
    /// Empty where topics are named by id.
    pub(crate) name: String,
    /// Zero where topics are named by name.
    pub(crate) id: Uuid,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) last_fetched_epoch: i32,
    pub(crate) max_bytes: usize,
}

impl WantedPartition {
    pub(crate) fn new(topic: &FetchTopic, partition: &FetchPartition) -> Self {
        Self {
            name: topic.topic.clone(),
            id: topic.topic_id,
            partition: partition.partition,
            offset: partition.fetch_offset,
            leader_epoch: partition.current_leader_epoch,
            last_fetched_epoch: partition.last_fetched_epoch,
            max_bytes: usize::try_from(partition.partition_max_bytes).unwrap_or_default(),
        }
    }

    pub(crate) fn is_same_partition(&self, name: &str, id: Uuid, partition: i32) -> bool {
        self.partition == partition && self.id == id && self.name == name
    }
}
