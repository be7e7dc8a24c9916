use std::collections::BTreeMap;

use kafka_core::protocol::Uuid;

use super::{Partition, TopicSettings};
use crate::core::{GROUP_OFFSETS, TRANSACTIONS};

/// A topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) partitions: Vec<Partition>,
    /// What was set for the topic itself.
    pub(crate) configs: BTreeMap<String, String>,
    /// The same, understood.
    pub(crate) settings: TopicSettings,
}

impl Topic {
    pub(crate) fn new(
        name: &str,
        id: Uuid,
        partitions: Vec<Partition>,
        configs: BTreeMap<String, String>,
    ) -> Self {
        let settings = TopicSettings::of(&configs);
        Self { name: name.to_owned(), id, partitions, configs, settings }
    }

    pub(crate) fn set_configs(&mut self, configs: BTreeMap<String, String>) {
        self.settings = TopicSettings::of(&configs);
        self.configs = configs;
    }

    pub(crate) fn is_internal(&self) -> bool {
        self.name == GROUP_OFFSETS || self.name == TRANSACTIONS
    }

    pub(crate) fn partition(&self, index: i32) -> Option<&Partition> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    pub(crate) fn partition_mut(&mut self, index: i32) -> Option<&mut Partition> {
        self.partitions.get_mut(usize::try_from(index).ok()?)
    }

    pub(crate) fn replication_factor(&self) -> i16 {
        let factor = self.partitions.first().map_or(0, |partition| partition.replicas.len());
        i16::try_from(factor).unwrap_or(i16::MAX)
    }
}
