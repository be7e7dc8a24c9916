use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use super::entries::{ClusterEntry, Key, PartitionEntry, TopicEntry, to_text};
use crate::core::Cluster;
use crate::groups::Touched;
use crate::storage::{Change, Outbox};

/// Below this the journal is not written anew.
const SMALL: usize = 1 << 20;
/// Producer ids are set aside in blocks of so many, as Kafka's controllers do.
const BLOCK: i64 = 1000;

/// What the journal holds, and what is to follow.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    pub(super) outbox: Outbox,
    written: BTreeMap<String, Bytes>,
    /// The size of what counts in the journal, and of what was added to it since it was begun.
    size: usize,
    added: usize,
    changes: Vec<(String, Option<Bytes>)>,
    pub(super) starts: u64,
}

impl Durable {
    pub(super) fn new(state: &BTreeMap<String, Bytes>) -> Self {
        let size = state.iter().map(|(key, value)| key.len() + value.len()).sum();
        Self { written: state.clone(), size, ..Self::default() }
    }

    fn put(&mut self, key: &Key, value: &impl Serialize) {
        let (key, value) = (key.text(), Bytes::from(to_text(value)));
        let known = self.written.get(&key);
        if known == Some(&value) {
            return;
        }
        self.size -= known.map_or(0, |known| key.len() + known.len());
        self.size += key.len() + value.len();
        self.added += key.len() + value.len();
        self.changes.push((key.clone(), Some(value.clone())));
        self.written.insert(key, value);
    }

    fn remove(&mut self, key: String) {
        if let Some(known) = self.written.remove(&key) {
            self.size -= key.len() + known.len();
            self.added += key.len();
            self.changes.push((key, None));
        }
    }

    fn put_or_remove(&mut self, key: &Key, value: Option<&impl Serialize>) {
        match value {
            Some(value) => self.put(key, value),
            None => self.remove(key.text()),
        }
    }

    fn remove_all(&mut self, prefix: &str) {
        let after = self.written.range(prefix.to_owned()..);
        let keys: Vec<String> =
            after.map(|(key, _)| key.clone()).take_while(|key| key.starts_with(prefix)).collect();
        for key in keys {
            self.remove(key);
        }
    }
}

impl Cluster {
    /// What is to be on disk before any answer leaves that may tell of it: all that changed since the last time.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let Some(mut durable) = self.durable.take() else { return Vec::new() };
        durable.put(
            &Key::Cluster,
            &ClusterEntry { id: self.id.clone(), brokers: self.brokers.len(), starts: durable.starts },
        );
        let blocks = self.producer_ids_given().saturating_add(BLOCK) / BLOCK;
        durable.put(&Key::ProducerIds, &blocks.saturating_mul(BLOCK));
        for name in self.topics.take_touched() {
            self.collect_topic(&name, &mut durable);
        }
        for id in self.transactions.take_touched() {
            durable.put_or_remove(&Key::Transaction(id.clone()), self.transactions.get(&id));
        }
        for id in self.groups.take_touched() {
            self.collect_group(&id, &mut durable);
        }
        let mut changes = Vec::new();
        let state = std::mem::take(&mut durable.changes);
        if durable.added > SMALL.max(4 * durable.size) {
            let all = durable.written.iter().map(|(key, value)| (key.clone(), value.clone()));
            changes.push(Change::Snapshot(all.collect()));
            durable.added = 0;
        } else if !state.is_empty() {
            changes.push(Change::State(state));
        }
        changes.extend(durable.outbox.take());
        self.durable = Some(durable);
        changes
    }

    fn collect_topic(&self, name: &str, durable: &mut Durable) {
        let Some(topic) = self.topics.get(name) else {
            durable.remove(Key::Topic(name.to_owned()).text());
            return durable.remove_all(&Key::partitions_of(name));
        };
        let entry = TopicEntry { id: topic.id.to_string(), configs: topic.configs.clone() };
        durable.put(&Key::Topic(name.to_owned()), &entry);
        for partition in &topic.partitions {
            let entry = PartitionEntry {
                replicas: partition.replicas.clone(),
                leader: partition.leader,
                leader_epoch: partition.leader_epoch,
                partition_epoch: partition.partition_epoch,
                start: partition.log.start_offset(),
                producers: partition.log.former_producers().clone(),
            };
            durable.put(&Key::Partition(name.to_owned(), partition.index), &entry);
        }
    }

    fn collect_group(&mut self, id: &str, durable: &mut Durable) {
        let Some(group) = self.groups.get_untouched(id) else {
            durable.remove(Key::Group(id.to_owned()).text());
            durable.remove_all(&Key::of_group("Offset", id));
            return durable.remove_all(&Key::of_group("Pending", id));
        };
        durable.put(&Key::Group(id.to_owned()), &());
        let Touched { committed, pending } = group.offsets.take_touched();
        for (topic, partition) in committed {
            let key = Key::Offset(id.to_owned(), topic.clone(), partition);
            durable.put_or_remove(&key, group.offsets.get(&topic, partition));
        }
        for producer_id in pending {
            let pending: Vec<_> = group.offsets.pending_of(producer_id).collect();
            let key = Key::Pending(id.to_owned(), producer_id);
            durable.put_or_remove(&key, Some(&pending).filter(|pending| !pending.is_empty()));
        }
    }
}
