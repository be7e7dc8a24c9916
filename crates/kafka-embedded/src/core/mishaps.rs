//! What goes wrong, or merely changes, in a cluster while clients use it.

use kafka_core::protocol::Uuid;

use super::election::elect;
use super::{Cluster, CoordinatorKind};

impl Cluster {
    /// Deletes a topic and creates it again, with the same partitions and settings and another id.
    pub(crate) fn recreate_topic(&mut self, name: &str) -> Option<Uuid> {
        let topic = self.topics.get(name)?;
        let assignment = topic.partitions.iter().map(|partition| partition.replicas.clone()).collect();
        let configs = topic.configs.clone();
        self.remove_topic(name);
        self.add_topic(name, assignment, configs);
        self.topics.get(name).map(|topic| topic.id)
    }

    /// Gives a topic more partitions, until it has `count`; false if it has as many, or does not exist.
    pub(crate) fn add_partitions(&mut self, name: &str, count: usize) -> bool {
        let Some(topic) = self.topics.get(name) else { return false };
        let have = topic.partitions.len();
        let factor = usize::try_from(topic.replication_factor()).unwrap_or(1);
        if count <= have {
            return false;
        }
        let assignment = self.place_replicas(count - have, factor, have);
        self.extend_topic(name, assignment);
        true
    }

    /// Makes `broker` coordinate a group or a transactional id; false if it holds no replica in sync of the internal topic's
    /// partition that decides it.
    pub(crate) fn move_coordinator(&mut self, kind: CoordinatorKind, key: &str, broker: i32) -> bool {
        let _present = self.find_coordinator(kind, key);
        let Some(partition) = self.coordinating_partition(kind, key) else { return false };
        self.move_leader(kind.topic(), partition, broker)
    }

    /// A replica cannot keep up: it leaves those in sync, and stays away until it [catches up](Self::catch_up). False if the
    /// broker leads the partition or holds no replica of it.
    pub(crate) fn fall_behind(&mut self, topic: &str, partition: i32, broker: i32) -> bool {
        self.change_replica(topic, partition, broker, |behind| {
            if !behind.contains(&broker) {
                behind.push(broker);
            }
        })
    }

    /// Ends [`fall_behind`](Self::fall_behind).
    pub(crate) fn catch_up(&mut self, topic: &str, partition: i32, broker: i32) -> bool {
        self.change_replica(topic, partition, broker, |behind| behind.retain(|&id| id != broker))
    }

    fn change_replica(
        &mut self,
        topic: &str,
        partition: i32,
        broker: i32,
        change: impl FnOnce(&mut Vec<i32>),
    ) -> bool {
        let alive: Vec<i32> = self.live_brokers().map(|broker| broker.id).collect();
        let Some(partition) = self.topics.partition_mut(topic, partition) else { return false };
        if partition.leader == broker || !partition.replicas.contains(&broker) {
            return false;
        }
        change(&mut partition.behind);
        elect(partition, &alive);
        true
    }
}
