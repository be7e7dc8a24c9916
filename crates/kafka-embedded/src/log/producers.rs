use std::collections::{BTreeMap, VecDeque};

use kafka_core::protocol::ErrorCode;
use kafka_core::records::{Batch, ControlRecord, Decompressor};
use serde::{Deserialize, Serialize};

use super::markers::Aborted;

/// How many batches of each producer are remembered, to know them again when they are sent twice.
const REMEMBERED: usize = 5;

/// What a batch of an idempotent producer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Sequence {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) first: i32,
    pub(crate) last: i32,
}

impl Sequence {
    /// The sequence of a batch of `count` records; numbers wrap around at 2^31.
    pub(crate) fn new(producer_id: i64, epoch: i16, first: i32, count: i32) -> Self {
        let last = (i64::from(first) + i64::from(count.max(1)) - 1) % (1 << 31);
        Self { producer_id, epoch, first, last: i32::try_from(last).unwrap_or(0) }
    }

    fn follows(&self, last: i32) -> bool {
        self.first == if last == i32::MAX { 0 } else { last.saturating_add(1) }
    }
}

/// A batch that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Written {
    pub(crate) sequence: Sequence,
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    /// Of its latest record.
    #[serde(alias = "append_time")]
    pub(crate) max_timestamp: i64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Producer {
    epoch: i16,
    batches: VecDeque<Written>,
    /// Where its open transaction began.
    transaction: Option<i64>,
    last_timestamp: i64,
    /// Of the last marker; -1 before the first.
    #[serde(default = "no_epoch")]
    coordinator_epoch: i32,
}

fn no_epoch() -> i32 {
    -1
}

/// A producer as it is described to who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ActiveProducer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    /// -1 if none is known of this epoch.
    pub(crate) last_sequence: i32,
    pub(crate) last_timestamp: i64,
    pub(crate) coordinator_epoch: i32,
    pub(crate) transaction_start: Option<i64>,
}

/// What a partition remembers of the producers that wrote to it (KIP-98).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Producers(BTreeMap<i64, Producer>);

impl Producers {
    /// All that are remembered.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ActiveProducer> {
        self.0.iter().map(|(&id, producer)| ActiveProducer {
            id,
            epoch: producer.epoch,
            last_sequence: producer.batches.back().map_or(-1, |written| written.sequence.last),
            last_timestamp: producer.last_timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            transaction_start: producer.transaction,
        })
    }

    /// The batch in the log that is this one, if it has been sent before.
    pub(crate) fn duplicate(&self, sequence: &Sequence) -> Option<Written> {
        let producer = self.0.get(&sequence.producer_id)?;
        producer.batches.iter().find(|written| written.sequence == *sequence).copied()
    }

    /// Whether the batch may come next.
    ///
    /// A partition that knows nothing of a producer takes any first sequence (KIP-360).
    pub(crate) fn check(&self, sequence: &Sequence) -> Result<(), ErrorCode> {
        let Some(producer) = self.0.get(&sequence.producer_id) else { return Ok(()) };
        if sequence.epoch < producer.epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        let right = if sequence.epoch > producer.epoch {
            sequence.first == 0
        } else {
            match producer.batches.back() {
                Some(last) => sequence.follows(last.sequence.last),
                // Only an epoch is known, from a marker: its numbers start anew.
                None => sequence.first == 0,
            }
        };
        if right { Ok(()) } else { Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER) }
    }

    pub(crate) fn append(&mut self, written: Written, transactional: bool, timestamp: i64) {
        let producer = self.0.entry(written.sequence.producer_id).or_insert_with(|| Producer {
            epoch: written.sequence.epoch,
            batches: VecDeque::with_capacity(REMEMBERED),
            transaction: None,
            last_timestamp: timestamp,
            coordinator_epoch: no_epoch(),
        });
        if producer.epoch != written.sequence.epoch {
            producer.epoch = written.sequence.epoch;
            producer.batches.clear();
        }
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(written);
        producer.last_timestamp = timestamp;
        if transactional && producer.transaction.is_none() {
            producer.transaction = Some(written.base_offset);
        }
    }

    /// A marker ends the producer's transaction; where that had begun, if it had written anything.
    pub(crate) fn end_transaction(
        &mut self,
        producer_id: i64,
        epoch: i16,
        coordinator_epoch: i32,
        timestamp: i64,
    ) -> Option<i64> {
        let producer = self.0.entry(producer_id).or_insert_with(|| Producer {
            epoch,
            batches: VecDeque::new(),
            transaction: None,
            last_timestamp: timestamp,
            coordinator_epoch,
        });
        producer.coordinator_epoch = coordinator_epoch;
        if epoch > producer.epoch {
            producer.epoch = epoch;
            producer.batches.clear();
        }
        producer.last_timestamp = timestamp;
        producer.transaction.take()
    }

    /// Where the oldest open transaction begins.
    pub(crate) fn first_open_transaction(&self) -> Option<i64> {
        self.0.values().filter_map(|producer| producer.transaction).min()
    }

    pub(crate) fn has_open_transaction(&self, producer_id: i64) -> bool {
        self.0.get(&producer_id).is_some_and(|producer| producer.transaction.is_some())
    }

    /// Learns from a batch that is in the log already; the transaction that it aborts, if it does.
    pub(crate) fn replay(&mut self, batch: &Batch) -> Option<Aborted> {
        let (producer_id, epoch) = (batch.producer_id(), batch.producer_epoch());
        if producer_id < 0 {
            return None;
        }
        let (base_offset, last_offset) = (batch.base_offset(), batch.last_offset());
        if batch.is_control() {
            let kind = marker(batch)?;
            let first_offset = self.end_transaction(producer_id, epoch, 0, batch.max_timestamp())?;
            return (kind == ControlRecord::Abort).then_some(Aborted {
                producer_id,
                first_offset,
                last_offset,
            });
        }
        let count = i32::try_from(last_offset - base_offset + 1).unwrap_or(i32::MAX);
        let sequence = Sequence::new(producer_id, epoch, batch.base_sequence(), count);
        let written = Written { sequence, base_offset, last_offset, max_timestamp: batch.max_timestamp() };
        self.append(written, batch.is_transactional(), batch.max_timestamp());
        None
    }

    /// Forgets producers that wrote nothing since `before` and have no transaction open (`producer.id.expiration.ms`).
    pub(crate) fn expire(&mut self, before: i64) {
        self.0.retain(|_, producer| producer.transaction.is_some() || producer.last_timestamp >= before);
    }

    /// For each producer its epoch, and where its last batch ends if that is known.
    pub(crate) fn last_batches(&self) -> impl Iterator<Item = (i64, i16, Option<i64>)> {
        self.0.iter().map(|(id, producer)| {
            (*id, producer.epoch, producer.batches.back().map(|written| written.last_offset))
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a control batch says; `None` if it cannot be read.
pub(super) fn marker(batch: &Batch) -> Option<ControlRecord> {
    let records = batch.records(&mut Decompressor::default()).ok()?;
    ControlRecord::read(&records.views().next()?.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(producers: &mut Producers, sequence: Sequence, base_offset: i64) {
        let last_offset = base_offset + i64::from(sequence.last - sequence.first);
        producers.append(Written { sequence, base_offset, last_offset, max_timestamp: -1 }, false, 0);
    }

    #[test]
    fn a_batch_must_follow_the_one_before() {
        let mut producers = Producers::default();
        assert_eq!(
            producers.check(&Sequence::new(1, 0, 7, 1)),
            Ok(()),
            "an unknown producer may start anywhere"
        );
        write(&mut producers, Sequence::new(1, 0, 0, 10), 0);
        assert_eq!(producers.check(&Sequence::new(1, 0, 10, 1)), Ok(()));
        let gap = ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER;
        assert_eq!(producers.check(&Sequence::new(1, 0, 11, 1)), Err(gap));
        assert_eq!(producers.check(&Sequence::new(1, 0, 9, 1)), Err(gap));
        assert_eq!(producers.check(&Sequence::new(1, 1, 10, 1)), Err(gap), "a new epoch starts at 0");
        assert_eq!(producers.check(&Sequence::new(1, 1, 0, 1)), Ok(()));
        write(&mut producers, Sequence::new(1, 1, 0, 1), 10);
        assert_eq!(producers.check(&Sequence::new(1, 0, 10, 1)), Err(ErrorCode::INVALID_PRODUCER_EPOCH));
    }

    #[test]
    fn the_last_five_batches_are_known_again() {
        let mut producers = Producers::default();
        for batch in 0..6 {
            write(&mut producers, Sequence::new(1, 0, batch * 2, 2), i64::from(batch) * 2);
        }
        assert_eq!(producers.duplicate(&Sequence::new(1, 0, 0, 2)), None);
        let known = producers.duplicate(&Sequence::new(1, 0, 2, 2)).unwrap();
        assert_eq!((known.base_offset, known.last_offset), (2, 3));
        assert_eq!(producers.duplicate(&Sequence::new(1, 0, 2, 3)), None, "another length is another batch");
    }

    #[test]
    fn who_has_been_silent_for_long_is_forgotten_unless_a_transaction_is_open() {
        let mut producers = Producers::default();
        for (producer_id, transactional, timestamp) in [(1, false, 99), (2, false, 100), (3, true, 5)] {
            let sequence = Sequence::new(producer_id, 0, 0, 1);
            let written = Written { sequence, base_offset: 0, last_offset: 0, max_timestamp: -1 };
            producers.append(written, transactional, timestamp);
        }
        producers.expire(100);
        assert_eq!(producers.last_batches().map(|(id, ..)| id).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn sequences_wrap_around() {
        let last = Sequence::new(1, 0, i32::MAX - 1, 2);
        assert_eq!(last.last, i32::MAX);
        assert_eq!(Sequence::new(1, 0, i32::MAX, 3).last, 1);
        assert!(Sequence::new(1, 0, 0, 1).follows(i32::MAX));
    }
}
