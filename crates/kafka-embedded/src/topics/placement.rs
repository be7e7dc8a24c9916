use std::collections::BTreeMap;

use super::{Partition, Topic};
use crate::core::Cluster;
use crate::log::Log;

impl Cluster {
    /// Which live brokers hold each of `partitions` new partitions, the preferred leader first: spread evenly, as Kafka does,
    /// from a broker drawn by the seed (or, for partitions added later, from where the first ones ended).
    pub(crate) fn place_replicas(
        &mut self,
        partitions: usize,
        factor: usize,
        existing: usize,
    ) -> Vec<Vec<i32>> {
        let alive: Vec<i32> = self.live_brokers().map(|broker| broker.id).collect();
        if alive.is_empty() {
            return Vec::new();
        }
        let start = if existing == 0 { self.random.usize(..alive.len()) } else { existing };
        (0..partitions)
            .map(|partition| {
                let at = start + partition;
                alive.iter().cycle().skip(at % alive.len()).take(factor.min(alive.len())).copied().collect()
            })
            .collect()
    }

    /// Adds a topic whose partitions are held by the given brokers.
    pub(crate) fn add_topic(
        &mut self,
        name: &str,
        assignment: Vec<Vec<i32>>,
        configs: BTreeMap<String, String>,
    ) {
        let id = self.new_uuid();
        let partitions =
            (0..).zip(assignment).map(|(index, replicas)| self.new_partition(index, replicas)).collect();
        self.topics.insert(Topic::new(name, id, partitions, configs));
    }

    /// Adds partitions that are held by the given brokers to a topic.
    pub(crate) fn extend_topic(&mut self, name: &str, assignment: Vec<Vec<i32>>) {
        let have = self.topics.get(name).map_or(0, |topic| topic.partitions.len());
        let first = i32::try_from(have).unwrap_or(i32::MAX);
        let added: Vec<_> =
            (first..).zip(assignment).map(|(index, replicas)| self.new_partition(index, replicas)).collect();
        if let Some(topic) = self.topics.get_mut(name) {
            topic.partitions.extend(added);
        }
    }

    pub(crate) fn new_partition(&self, index: i32, replicas: Vec<i32>) -> Partition {
        let alive: Vec<i32> = self.live_brokers().map(|broker| broker.id).collect();
        Partition::new(index, replicas, &alive, Log::new(self.topics.byte_counter()))
    }

    /// Removes a topic, its records, and what groups committed for it.
    pub(crate) fn remove_topic(&mut self, name: &str) -> bool {
        let Some(topic) = self.topics.remove(name) else { return false };
        let watchers: Vec<_> =
            topic.partitions.into_iter().flat_map(|partition| partition.watchers).collect();
        self.groups.forget_topic(name);
        for ticket in watchers {
            self.recheck_fetch(ticket);
        }
        true
    }
}
