//! What goes wrong in the cluster itself, by command; faults of requests and of the network are in `faults`.

use bytes::Bytes;
use kafka_core::protocol::Uuid;

use crate::EmbeddedCluster;
use crate::core::CoordinatorKind;

/// What happens to topics, replicas and coordinators.
impl EmbeddedCluster {
    /// Makes `leader` lead a partition; false if it holds no replica of it that is in sync.
    pub fn move_leader(&self, topic: &str, partition: i32, leader: i32) -> bool {
        self.shared().with(|cluster| cluster.move_leader(topic, partition, leader))
    }

    /// Makes `broker` the coordinator of a group, and of all groups that share its partition of `__consumer_offsets`; false
    /// if it holds no replica of that.
    pub fn move_group_coordinator(&self, group: &str, broker: i32) -> bool {
        self.shared().with(|cluster| cluster.move_coordinator(CoordinatorKind::Group, group, broker))
    }

    /// Makes `broker` the coordinator of a transactional id, and of all that share its partition of `__transaction_state`;
    /// false if it holds no replica of that.
    pub fn move_transaction_coordinator(&self, transactional_id: &str, broker: i32) -> bool {
        let kind = CoordinatorKind::Transaction;
        self.shared().with(|cluster| cluster.move_coordinator(kind, transactional_id, broker))
    }

    /// The broker that coordinates a group now, if one does.
    pub fn group_coordinator(&self, group: &str) -> Option<i32> {
        self.shared().with(|cluster| cluster.find_coordinator(CoordinatorKind::Group, group).ok())
    }

    /// Deletes a topic and creates it again under the same name, with as many partitions and the same settings: its records
    /// and what groups had committed are gone. Returns its new id; `None` if there is no such topic.
    pub fn recreate_topic(&self, name: &str) -> Option<Uuid> {
        self.shared().with(|cluster| cluster.recreate_topic(name))
    }

    /// Gives a topic more partitions, so that it has `partitions`; false if it has as many, or does not exist.
    pub fn add_partitions(&self, topic: &str, partitions: usize) -> bool {
        self.shared().with(|cluster| cluster.add_partitions(topic, partitions))
    }

    /// Cuts a partition's log off at `offset`, as if a leader had been chosen that lacked the rest (an unclean election), and
    /// begins a new leader epoch. Returns where the log ends now: a batch is never divided, so it may be before `offset`.
    /// `None` if there is no such partition.
    pub fn truncate(&self, topic: &str, partition: i32, offset: i64) -> Option<i64> {
        self.shared().with(|cluster| cluster.truncate(topic, partition, offset))
    }

    /// Puts other bytes in the place of the batch that holds `offset`, as a damaged disk would. They are handed out as they
    /// are, and nothing of them is checked; in a data folder the batch stays as it was. Returns what was there, `None` if
    /// there is no such batch.
    pub fn replace_batch(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
        bytes: impl FnOnce(&Bytes) -> Bytes,
    ) -> Option<Bytes> {
        self.shared()
            .with(|cluster| cluster.topics.partition_mut(topic, partition)?.log.replace_batch(offset, bytes))
    }

    /// Keeps a broker's replica of a partition from keeping up: it leaves the replicas in sync, so that
    /// `min.insync.replicas` may no longer be reached, and cannot become leader. False if the broker leads the partition or
    /// holds no replica of it.
    pub fn fall_behind(&self, topic: &str, partition: i32, broker: i32) -> bool {
        self.shared().with(|cluster| cluster.fall_behind(topic, partition, broker))
    }

    /// Ends [`fall_behind`](Self::fall_behind); false as there.
    pub fn catch_up(&self, topic: &str, partition: i32, broker: i32) -> bool {
        self.shared().with(|cluster| cluster.catch_up(topic, partition, broker))
    }
}
