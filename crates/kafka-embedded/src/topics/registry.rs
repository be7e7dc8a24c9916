use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kafka_core::protocol::{ErrorCode, Uuid};

use super::{Partition, Topic, TopicSettings};
use crate::log::Log;
use crate::storage::{LogPlace, Outbox, Tracked};

/// All topics, by name and by id.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    by_name: Tracked<Topic>,
    names: HashMap<Uuid, String>,
    /// The bytes of all records of the cluster; each log keeps it up to date.
    stored: Arc<AtomicU64>,
    /// Where logs say what is to be written, if there is a disk.
    outbox: Outbox,
}

impl Topics {
    pub(crate) fn get(&self, name: &str) -> Option<&Topic> {
        self.by_name.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Topic> {
        self.by_name.get_mut(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.by_name.values()
    }

    pub(crate) fn name_of(&self, id: Uuid) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    pub(crate) fn partition(&self, topic: &str, index: i32) -> Option<&Partition> {
        self.get(topic)?.partition(index)
    }

    /// A partition whose log is written to, or that is waited for; its replicas and leader stay as they are.
    pub(crate) fn partition_to_write(&mut self, topic: &str, index: i32) -> Option<&mut Partition> {
        self.by_name.get_untouched(topic)?.partition_mut(index)
    }

    pub(crate) fn partition_mut(&mut self, topic: &str, index: i32) -> Option<&mut Partition> {
        self.get_mut(topic)?.partition_mut(index)
    }

    pub(crate) fn partitions_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.by_name.values_mut().flat_map(|topic| &mut topic.partitions)
    }

    /// The name that a request means, which names a topic by id in newer versions and by name in older ones.
    pub(crate) fn resolve(&self, by_id: bool, id: Uuid, name: &str) -> Result<String, ErrorCode> {
        if !by_id {
            return Ok(name.to_owned());
        }
        self.name_of(id).map(str::to_owned).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)
    }

    pub(crate) fn insert(&mut self, topic: Topic) {
        self.names.insert(topic.id, topic.name.clone());
        self.by_name.insert(topic.name.clone(), topic);
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Topic> {
        let topic = self.by_name.remove(name)?;
        self.names.remove(&topic.id);
        for partition in &topic.partitions {
            partition.log.discard();
        }
        Some(topic)
    }

    /// The counter that a new log adds its bytes to.
    pub(crate) fn byte_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.stored)
    }

    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Does to all logs what `act` does; it says whether their starts moved.
    pub(crate) fn tend_logs(&mut self, mut act: impl FnMut(&mut Log, &TopicSettings) -> bool) {
        self.by_name.tend(|topic| {
            let Topic { settings, partitions, .. } = topic;
            partitions.iter_mut().fold(false, |moved, partition| act(&mut partition.log, settings) | moved)
        });
    }

    /// Remembers what changes, for a disk.
    pub(crate) fn track(&mut self, outbox: Outbox) {
        self.outbox = outbox;
        self.by_name.track();
    }

    /// Keeps a log on disk, from what it holds on.
    pub(crate) fn keep(&self, log: &mut Log, place: LogPlace) {
        log.keep_at(self.outbox.clone(), place);
    }

    /// The topics that changed since the last time. Logs of new partitions are kept from now on.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<String> {
        let touched = self.by_name.take_touched();
        for name in &touched {
            let Some(topic) = self.by_name.get_untouched(name) else { continue };
            for partition in topic.partitions.iter_mut().filter(|partition| !partition.log.is_kept()) {
                let folder = format!("{name}-{}", partition.index);
                partition.log.keep_at(self.outbox.clone(), LogPlace { folder, topic: topic.id });
            }
        }
        touched
    }
}
