use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_core::protocol::Uuid;

use super::Durable;
use super::entries::{ClusterEntry, Key, PartitionEntry, PendingEntry, TopicEntry, read};
use crate::core::{Cluster, Timer};
use crate::groups::Committed;
use crate::log::Marker;
use crate::log::{FoundSegment, Log};
use crate::storage::{LogPlace, Outbox};
use crate::topics::{Partition, Topic};
use crate::transactions::{State, Transaction};

type Logs = BTreeMap<String, (LogPlace, Vec<FoundSegment>)>;

impl Cluster {
    /// Remembers all that changes from now on, and begins with what was known when the cluster ended; the folders of logs
    /// that belong to nobody come back.
    ///
    /// # Errors
    /// What cannot be understood of it.
    pub(crate) fn restore(
        &mut self,
        state: &BTreeMap<String, Bytes>,
        mut logs: Logs,
    ) -> Result<Vec<String>, String> {
        let outbox = Outbox::default();
        let mut durable = Durable::new(state);
        durable.outbox = outbox.clone();
        self.topics.track(outbox.clone());
        self.groups.track();
        self.transactions.track();
        let mut entries = Vec::with_capacity(state.len());
        for (key, value) in state {
            entries.push((read::<Key>(key.as_bytes())?, value));
        }
        for (key, value) in &entries {
            match key {
                Key::Cluster => {
                    let known: ClusterEntry = read(value)?;
                    if known.brokers > self.brokers.len() {
                        return Err(format!(
                            "it is that of {} brokers, and {} are to run; start as many",
                            known.brokers,
                            self.brokers.len()
                        ));
                    }
                    self.id = known.id;
                    durable.starts = known.starts;
                }
                Key::ProducerIds => self.give_producer_ids_from(read(value)?),
                Key::Topic(name) => self.restore_topic(name, &read(value)?, state, &mut logs)?,
                _ => {}
            }
        }
        for (key, value) in entries {
            match key {
                Key::Transaction(id) => self.restore_transaction(id, read(value)?),
                Key::Group(id) => drop(self.groups.get_or_create(&id)),
                Key::Offset(group, topic, partition) => {
                    let committed: Committed = read(value)?;
                    self.groups.get_or_create(&group).offsets.commit(&topic, partition, committed);
                }
                Key::Pending(group, producer_id) => {
                    for (topic, partition, committed) in read::<PendingEntry>(value)? {
                        let offsets = &mut self.groups.get_or_create(&group).offsets;
                        offsets.commit_later(producer_id, &topic, partition, committed);
                    }
                }
                _ => {}
            }
        }
        durable.starts += 1;
        self.random = fastrand::Rng::with_seed(self.settings.seed ^ durable.starts.rotate_right(16));
        self.durable = Some(durable);
        self.end_what_is_over();
        Ok(logs.into_keys().collect())
    }

    fn restore_topic(
        &mut self,
        name: &str,
        entry: &TopicEntry,
        state: &BTreeMap<String, Bytes>,
        logs: &mut Logs,
    ) -> Result<(), String> {
        let id: Uuid = entry.id.parse().map_err(|error| format!("the id of {name}: {error}"))?;
        let now = self.wall_clock();
        let alive: Vec<i32> = self.live_brokers().map(|broker| broker.id).collect();
        let mut partitions = BTreeMap::new();
        let prefix = Key::partitions_of(name);
        for (key, value) in state.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix)) {
            let Key::Partition(_, index) = read(key.as_bytes())? else { continue };
            let known: PartitionEntry = read(value)?;
            let folder = format!("{name}-{index}");
            let found = match logs.remove(&folder) {
                Some((place, segments)) if place.topic == id => segments,
                Some(other) => {
                    logs.insert(folder.clone(), other);
                    Vec::new()
                }
                None => Vec::new(),
            };
            let counter = self.topics.byte_counter();
            let mut log = Log::restore(found, known.start, known.producers, counter, now);
            self.topics.keep(&mut log, LogPlace { folder, topic: id });
            let mut partition = Partition::new(index, known.replicas, &alive, log);
            let leader = if partition.isr.contains(&known.leader) { known.leader } else { partition.leader };
            (partition.leader_epoch, partition.partition_epoch) = (known.leader_epoch, known.partition_epoch);
            // Clients must not take the new leader for the one that they knew.
            partition.become_led_by(leader);
            partitions.insert(index, partition);
        }
        let partitions = partitions.into_values().collect();
        self.topics.insert(Topic::new(name, id, partitions, entry.configs.clone()));
        Ok(())
    }

    fn restore_transaction(&mut self, id: String, mut transaction: Transaction) {
        if transaction.state == State::Ongoing {
            let deadline = self.now + transaction.timeout;
            transaction.deadline = Some(deadline);
            self.timers.set(deadline, Timer::Transaction(id.clone()));
        }
        self.transactions.insert(id, transaction);
    }

    /// Transactions that are over by what the journal says, and open by what a log says, get the marker that was not
    /// written before the end; so do those whose offsets wait.
    fn end_what_is_over(&mut self) {
        let now = self.wall_clock();
        let over: Vec<(i64, i16, bool)> = self
            .transactions
            .values()
            .filter(|transaction| transaction.state != State::Ongoing)
            .map(|one| (one.producer_id, one.epoch, one.state == State::CompleteCommit))
            .collect();
        for partition in self.topics.partitions_mut() {
            let epoch = partition.leader_epoch;
            for &(producer_id, producer_epoch, commit) in &over {
                if partition.log.has_open_transaction(producer_id) {
                    let marker = Marker { producer_id, epoch: producer_epoch, commit, coordinator_epoch: 0 };
                    partition.log.end_transaction(marker, epoch, now);
                }
            }
        }
    }
}
