//! Where records wait for the sender: a queue of batches for each partition.
//!
//! Appending takes one short lock, that of the partition, and allocates nothing for a record. A queue tells the sender
//! only what changes its plans: that a first batch was opened, or that one is complete. Knows no broker and no socket.

mod buffers;
mod helpers;
mod loads;
mod queue;
#[cfg(test)]
mod tests;
mod topic;
mod topics;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kafka_core::records::record_size_upper_bound;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) use buffers::Buffers;
pub(crate) use queue::{Appended, PartitionQueue, Placing};
pub(crate) use topic::Topic;

use helpers::Helpers;
use loads::Loads;
use queue::Counts;
use topics::Topics;

use super::memory::{BufferMemory, Reservation};
use super::partitioner::Partitioner;
use super::{Delivery, ProduceError, ProduceErrorKind, ProducerConfig, ProducerRecord, SizeLimit, Timestamp};

/// What bounds batches and records, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) batch_size: usize,
    pub(crate) max_request_size: usize,
}

/// All queues, and what they share.
#[derive(Debug)]
pub(crate) struct Accumulator {
    pub(crate) memory: Arc<BufferMemory>,
    pub(crate) buffers: Buffers,
    limits: Limits,
    ignore_keys: bool,
    adaptive: bool,
    linger_is_zero: bool,
    pub(crate) helpers: Helpers,
    counts: Arc<Counts>,
    topics: Topics,
    /// The queues by their id, and whether the producer is closed.
    queues: Mutex<(Vec<Arc<PartitionQueue>>, bool)>,
    changed: Mutex<Vec<Arc<PartitionQueue>>>,
    /// Wakes the sender.
    pub(crate) wake: Notify,
}

/// What an attempt to append a record came to.
#[derive(Debug)]
pub(crate) enum Attempt {
    Done(Delivery),
    /// The topic's partitions are not known.
    UnknownTopic,
    /// The topic has fewer partitions than the record asks for.
    UnknownPartition {
        known: u32,
    },
    /// So many bytes have to be reserved first.
    NoMemory(usize),
    Refused(ProduceError),
}

impl Accumulator {
    pub(crate) fn new(config: &ProducerConfig) -> Self {
        let limits = Limits {
            batch_size: config.batch_size.min(config.max_request_size),
            max_request_size: config.max_request_size,
        };
        Self {
            memory: BufferMemory::new(config.buffer_memory),
            buffers: Buffers::new(limits.batch_size),
            limits,
            ignore_keys: config.partitioner_ignore_keys,
            adaptive: config.partitioner_adaptive_partitioning,
            linger_is_zero: config.linger.is_zero(),
            helpers: Helpers::new(config),
            counts: Arc::default(),
            topics: Topics::new(),
            queues: Mutex::default(),
            changed: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Appends `record` if everything it needs is there. `grant` is memory that was waited for.
    pub(crate) fn append(
        &self,
        record: &ProducerRecord<'_>,
        partitioner: &dyn Partitioner,
        mut grant: Option<Reservation>,
    ) -> Attempt {
        if let Err(error) = self.check_size(record) {
            return Attempt::Refused(error);
        }
        let Some(topic) = self.topics.get(record.topic()) else { return Attempt::UnknownTopic };
        let known = topic.partition_count();
        let chosen = match record.chosen_partition() {
            Some(partition) => Some(u32::try_from(partition).unwrap_or(u32::MAX)),
            None if self.ignore_keys => None,
            None => partitioner.partition(record, known),
        };
        let timestamp = record.chosen_timestamp().unwrap_or_else(Timestamp::now).0;
        if timestamp < 0 {
            let message = format!("timestamp {timestamp} is before 1970: Kafka stores none below 0");
            return Attempt::Refused(ProduceError::new(ProduceErrorKind::InvalidRecord, message));
        }
        let mut placing = if chosen.is_some() { Placing::Chosen } else { Placing::Sticky };
        loop {
            let partition = chosen.unwrap_or_else(|| topic.sticky.current());
            let Some(queue) = topic.queue(partition) else { return Attempt::UnknownPartition { known } };
            match queue.append(self, record, timestamp, placing, grant.as_mut()) {
                Appended::Done { delivery, announce, filled } => {
                    if filled && self.compress_ahead(queue) || announce {
                        self.announce(queue);
                    }
                    return Attempt::Done(delivery);
                }
                Appended::Elsewhere { announce, filled } => {
                    if filled && self.compress_ahead(queue) || announce {
                        self.announce(queue);
                    }
                    topic.sticky.switch(partition, || topic.next_partition(self.adaptive));
                    placing = Placing::StickyAgain;
                }
                Appended::NoMemory(bytes) => {
                    // Whoever waits for memory makes all batches due.
                    self.announce(queue);
                    return Attempt::NoMemory(bytes);
                }
                Appended::Refused(error) => return Attempt::Refused(error),
            }
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether so many batches are open that they would fill a quarter of the memory if each was given its whole size,
    /// and half of it is used.
    pub(crate) fn is_scarce(&self) -> bool {
        let whole = self.counts.open.load(Ordering::Relaxed).saturating_mul(self.limits.batch_size);
        whole > self.memory.limit() / 4 && self.memory.available() <= self.memory.limit() / 2
    }

    /// Whether every batch is due as soon as it holds a record.
    pub(crate) fn is_eager(&self) -> bool {
        self.linger_is_zero
    }

    fn check_size(&self, record: &ProducerRecord<'_>) -> Result<(), ProduceError> {
        let size = record_size_upper_bound(record.key_bytes(), record.value_bytes(), &record.headers)
            .saturating_add(kafka_core::records::BATCH_OVERHEAD);
        let (limit, which, setting) = if size > self.limits.max_request_size {
            (self.limits.max_request_size, SizeLimit::MaxRequestSize, "max_request_size")
        } else if size > self.memory.limit() {
            (self.memory.limit(), SizeLimit::BufferMemory, "buffer_memory")
        } else {
            return Ok(());
        };
        let kind = ProduceErrorKind::RecordTooLarge { size, limit: Some(limit), which };
        let message = format!(
            "record of {size} bytes exceeds `{setting}` of {limit} bytes: raise it, or send less in one record"
        );
        Err(ProduceError::new(kind, message).with_topic(record.topic()))
    }

    /// The queues of a topic, as far as they are known.
    pub(crate) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.get(name).cloned()
    }

    /// Learns how many partitions a topic has; their number never falls here.
    ///
    /// The sender hears of each, so that none without a leader is chosen; that need not wake it.
    pub(crate) fn set_partitions(&self, name: &str, count: u32) {
        if self.topics.get(name).is_some_and(|topic| topic.partition_count() >= count) {
            return;
        }
        let mut queues = self.queues.lock();
        let (all, closed) = &mut *queues;
        let known = self.topics.get(name).cloned();
        let name: Arc<str> = known.as_ref().map_or_else(|| name.into(), |topic| topic.name().clone());
        let mut loads = known.as_ref().map(|topic| topic.loads().to_vec()).unwrap_or_default();
        let mut of_topic = known.map(|topic| topic.queues().to_vec()).unwrap_or_default();
        let first = of_topic.len();
        let added = Loads::new((count as usize).saturating_sub(first));
        for partition in first..count as usize {
            let Ok(index) = i32::try_from(partition) else { break };
            let (load, counts) = (added.at(partition - first), self.counts.clone());
            let queue =
                Arc::new(PartitionQueue::new(all.len(), (name.clone(), index), load, counts, *closed));
            all.push(queue.clone());
            self.changed.lock().push(queue.clone());
            of_topic.push(queue);
        }
        loads.push(added);
        self.topics.add(Arc::new(Topic::new(name, of_topic, loads)));
    }

    /// Tells the sender to look at a queue.
    pub(crate) fn announce(&self, queue: &Arc<PartitionQueue>) {
        self.changed.lock().push(queue.clone());
        self.wake.notify_one();
    }

    /// The queues that were announced since the last call; `into` is emptied first.
    pub(crate) fn take_announced(&self, into: &mut Vec<Arc<PartitionQueue>>) {
        into.clear();
        std::mem::swap(&mut *self.changed.lock(), into);
    }

    /// All queues.
    pub(crate) fn queues(&self) -> Vec<Arc<PartitionQueue>> {
        self.queues.lock().0.clone()
    }

    /// Whether nothing is accepted any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.queues.lock().1
    }

    /// Accepts nothing more, in any queue.
    pub(crate) fn close(&self) {
        let mut queues = self.queues.lock();
        queues.1 = true;
        queues.0.iter().for_each(|queue| queue.close());
        drop(queues);
        self.memory.close();
    }
}
