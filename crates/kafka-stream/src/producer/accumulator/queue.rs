use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafka_core::records::{BATCH_OVERHEAD, BatchBuilder, EncodedBatch, RecordSize, record_size_upper_bound};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Accumulator;
use super::loads::Load;
use crate::producer::batch::Batch;
use crate::producer::delivery::Completion;
use crate::producer::flush::FlushToken;
use crate::producer::memory::Reservation;
use crate::producer::{Delivery, ProduceError, ProducerRecord};

/// What a batch starts with where memory is scarce; it doubles up to `batch_size`.
const SMALL_BATCH: usize = 4_096;

/// The batches of one partition that were never sent, oldest first; only the last may be open.
#[derive(Debug)]
pub(crate) struct PartitionQueue {
    id: usize,
    topic: Arc<str>,
    partition: i32,
    state: Mutex<State>,
    /// How many batches wait, and whether the partition has a leader that takes records; read without the lock.
    load: Load,
    counts: Arc<Counts>,
}

/// How many batches wait in all queues of a producer.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Those that records may be appended to.
    pub(super) open: AtomicUsize,
    /// Those that are complete.
    pub(super) complete: AtomicUsize,
}

#[derive(Debug)]
struct State {
    batches: VecDeque<Batch>,
    /// So many of the first ones were lent, whether they came back or not; with a long queue it is not searched for the next.
    lent: usize,
    announced: Announced,
    /// What came since it was this partition's turn to take the records that may go anywhere.
    sticky_bytes: usize,
    closed: bool,
}

/// What the sender knows of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Announced {
    Nothing,
    /// That there is a batch, which lingers.
    Lingering,
    /// That there is a batch to be sent at once.
    Due,
}

/// Why a record comes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placing {
    /// By its key or by its sender's choice: it opens a batch if it has to.
    Chosen,
    /// It may go anywhere (KIP-794). It opens a batch only where none has just become full, and where fewer bytes of its
    /// kind than a batch holds came since it was this partition's turn: else the next partition is due.
    Sticky,
    /// The same, after one partition did not take it; with few partitions, or many senders, there may be no better one.
    StickyAgain,
}

/// What an append came to.
#[derive(Debug)]
pub(crate) enum Appended {
    /// `filled`: it completed the batch before.
    Done {
        delivery: Delivery,
        announce: bool,
        filled: bool,
    },
    Elsewhere {
        announce: bool,
        filled: bool,
    },
    NoMemory(usize),
    Refused(ProduceError),
}

/// The first batch of a queue, as the sender sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) created: Instant,
    /// It is complete: there is no reason to linger.
    pub(crate) due: bool,
    /// Its bytes so far.
    pub(crate) size: usize,
    /// It is being compressed elsewhere.
    pub(crate) lent: bool,
}

impl PartitionQueue {
    pub(super) fn new(
        id: usize,
        (topic, partition): (Arc<str>, i32),
        load: Load,
        counts: Arc<Counts>,
        closed: bool,
    ) -> Self {
        let state = State {
            batches: VecDeque::new(),
            lent: 0,
            announced: Announced::Nothing,
            sticky_bytes: 0,
            closed,
        };
        Self { id, topic, partition, state: Mutex::new(state), load, counts }
    }

    /// Its place among all queues of the producer.
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub(crate) fn partition(&self) -> i32 {
        self.partition
    }

    /// How many batches wait.
    pub(crate) fn len(&self) -> u32 {
        self.load.len()
    }

    /// How many records wait.
    pub(crate) fn records(&self) -> u64 {
        self.state.lock().batches.iter().map(|batch| u64::from(batch.count().unsigned_abs())).sum()
    }

    #[cfg(test)]
    pub(crate) fn is_available(&self) -> bool {
        self.load.is_available()
    }

    pub(crate) fn set_available(&self, available: bool) {
        self.load.set_available(available);
    }

    pub(super) fn append(
        &self,
        shared: &Accumulator,
        record: &ProducerRecord<'_>,
        timestamp: i64,
        placing: Placing,
        mut grant: Option<&mut Reservation>,
    ) -> Appended {
        let mut state = self.state.lock();
        if state.closed {
            return Appended::Refused(ProduceError::closed());
        }
        let limits = shared.limits();
        let mut filled = false;
        if let Some(batch) = state.batches.back_mut()
            && let Some(builder) = batch.builder()
        {
            let size =
                builder.size_of_next(timestamp, record.key_bytes(), record.value_bytes(), &record.headers);
            let total = builder.size() + size.bytes();
            if total > limits.batch_size {
                self.complete(batch);
                filled = true;
            } else if total <= batch.reserved.bytes()
                || grow(batch, total, limits.batch_size, grant.as_deref_mut())
            {
                return self.append_to_last(&mut state, shared, record, timestamp, (size, placing), false);
            } else {
                return Appended::NoMemory(total.next_power_of_two().min(limits.batch_size));
            }
        }
        if placing == Placing::Sticky && (filled || state.sticky_bytes >= limits.batch_size) {
            state.sticky_bytes = 0;
            return Appended::Elsewhere { announce: filled && state.announce(Announced::Due), filled };
        }
        let needed = BATCH_OVERHEAD
            + record_size_upper_bound(record.key_bytes(), record.value_bytes(), &record.headers);
        let first = if shared.is_scarce() { SMALL_BATCH.min(limits.batch_size) } else { limits.batch_size };
        let capacity = first.max(needed);
        let mut reserved = shared.memory.empty();
        if let Some(grant) = grant {
            reserved.take_from(grant, capacity);
        }
        let missing = needed.saturating_sub(reserved.bytes());
        if reserved.bytes() < needed
            && !reserved.try_extend(capacity.saturating_sub(reserved.bytes()))
            && !reserved.try_extend(missing)
        {
            return Appended::NoMemory(capacity);
        }
        let builder = shared.buffers.builder(capacity);
        let size = builder.size_of_next(timestamp, record.key_bytes(), record.value_bytes(), &record.headers);
        let completion = Completion::new(self.topic.clone(), self.partition);
        state.batches.push_back(Batch::new(completion, Instant::now(), builder, reserved));
        self.load.add();
        self.counts.open.fetch_add(1, Ordering::Relaxed);
        self.append_to_last(&mut state, shared, record, timestamp, (size, placing), filled)
    }

    #[inline]
    fn append_to_last(
        &self,
        state: &mut State,
        shared: &Accumulator,
        record: &ProducerRecord<'_>,
        timestamp: i64,
        (size, placing): (RecordSize, Placing),
        filled: bool,
    ) -> Appended {
        let several = state.batches.len() > 1;
        let Some(batch) = state.batches.back_mut() else {
            return Appended::Elsewhere { announce: false, filled };
        };
        match batch.append(record, timestamp, size) {
            Ok(delivery) => {
                if placing != Placing::Chosen {
                    state.sticky_bytes = state.sticky_bytes.saturating_add(size.bytes());
                }
                let due = several || shared.is_eager() || batch.size() >= shared.limits().batch_size;
                let level = if due { Announced::Due } else { Announced::Lingering };
                Appended::Done { delivery, announce: state.announce(level), filled }
            }
            Err(error) => Appended::Refused(ProduceError::from_client(Arc::new(error))),
        }
    }

    /// Looks at the first batch, and notes what the sender now knows.
    pub(crate) fn head(&self, batch_size: usize) -> Option<Head> {
        let mut state = self.state.lock();
        let several = state.batches.len() > 1;
        let head = state.batches.front().map(|batch| Head {
            created: batch.created,
            due: several || batch.closed || batch.size() >= batch_size,
            size: batch.size(),
            lent: batch.is_lent(),
        });
        state.announced = match head {
            None => Announced::Nothing,
            Some(Head { due: false, .. }) => Announced::Lingering,
            Some(_) => Announced::Due,
        };
        head
    }

    /// Takes the first batch; nothing more is appended to it.
    pub(crate) fn take(&self) -> Option<Batch> {
        self.take_from(&mut self.state.lock())
    }

    /// Takes the first batch unless it is being compressed elsewhere.
    pub(crate) fn take_to_send(&self) -> Option<Batch> {
        let mut state = self.state.lock();
        if state.batches.front().is_some_and(Batch::is_lent) { None } else { self.take_from(&mut state) }
    }

    fn take_from(&self, state: &mut State) -> Option<Batch> {
        let batch = state.batches.pop_front();
        state.lent = state.lent.saturating_sub(1);
        if state.batches.is_empty() {
            state.announced = Announced::Nothing;
        }
        batch.map(|mut batch| {
            self.load.subtract();
            self.complete(&mut batch);
            self.counts.complete.fetch_sub(1, Ordering::Relaxed);
            batch
        })
    }

    /// Takes the first batch if it was created before `instant`.
    pub(crate) fn take_older_than(&self, instant: Instant) -> Option<Batch> {
        let older = self.state.lock().batches.front().is_some_and(|batch| batch.created <= instant);
        // Only the sender takes batches away, so the first is still the same.
        if older { self.take() } else { None }
    }

    /// Makes every batch due, and holds `token` in each until its outcome.
    pub(crate) fn flush(&self, token: &FlushToken) {
        for batch in &mut self.state.lock().batches {
            self.complete(batch);
            batch.flushes.push(token.clone());
        }
    }

    /// Accepts nothing more.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.batches.iter_mut().for_each(|batch| self.complete(batch));
    }

    /// Lets nothing more be appended to `batch`.
    fn complete(&self, batch: &mut Batch) {
        if !batch.closed {
            batch.closed = true;
            self.counts.open.fetch_sub(1, Ordering::Relaxed);
            self.counts.complete.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lends the first batch that was not lent yet, if it is complete.
    pub(super) fn lend(&self) -> Option<(Arc<Completion>, BatchBuilder)> {
        let state = &mut *self.state.lock();
        let batch = state.batches.get_mut(state.lent)?;
        let builder = batch.lend()?;
        state.lent += 1;
        Some((batch.completion.clone(), builder))
    }

    /// Puts what was lent back into its place, unless its batch was given up meanwhile. Returns whether it is the first of
    /// the queue: the sender waits for that one alone.
    pub(super) fn give_back(
        &self,
        completion: &Arc<Completion>,
        encoded: kafka_core::Result<EncodedBatch>,
    ) -> bool {
        let state = &mut *self.state.lock();
        // Those that are lent are the last of these, or nearly so.
        let mut lent = state.batches.iter_mut().take(state.lent).enumerate().rev();
        let place = lent.find(|(_, batch)| Arc::ptr_eq(&batch.completion, completion));
        place.is_some_and(|(index, batch)| {
            batch.give_back(encoded);
            index == 0
        })
    }
}

impl State {
    /// Raises what the sender knows; returns whether it has to be told.
    fn announce(&mut self, level: Announced) -> bool {
        let news = level > self.announced;
        self.announced = self.announced.max(level);
        news
    }
}

/// Reserves what the batch needs to hold `total` bytes, from `grant` first.
fn grow(batch: &mut Batch, total: usize, batch_size: usize, grant: Option<&mut Reservation>) -> bool {
    let target = total.next_power_of_two().min(batch_size);
    let reserved = &mut batch.reserved;
    if let Some(grant) = grant {
        reserved.take_from(grant, target.saturating_sub(reserved.bytes()));
    }
    reserved.bytes() >= total
        || reserved.try_extend(target - reserved.bytes())
        || reserved.try_extend(total - reserved.bytes())
}
