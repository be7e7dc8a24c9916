use std::collections::{HashMap, VecDeque};

use kafka_core::protocol::ErrorCode;

use super::Arrival;
use crate::producer::sequence::advance;

/// One partition: who leads it, its log, and what is remembered of producers (Kafka's `ProducerStateEntry`).
pub(super) struct Partition {
    pub(super) leader: i32,
    pub(super) leader_epoch: i32,
    values: Vec<String>,
    producers: HashMap<i64, Known>,
}

#[derive(Default)]
struct Known {
    epoch: i16,
    /// First and last sequence, and the offset, of the last five batches.
    batches: VecDeque<(i32, i32, i64)>,
}

impl Partition {
    pub(super) fn led_by(broker: i32) -> Self {
        Self { leader: broker, leader_epoch: 1, values: Vec::new(), producers: HashMap::new() }
    }

    pub(super) fn lead(&mut self, broker: i32) {
        self.leader = broker;
        self.leader_epoch += 1;
    }

    pub(super) fn values(&self) -> Vec<String> {
        self.values.clone()
    }

    /// Appends the batch, or says why not; its base offset.
    pub(super) fn append(&mut self, batch: &Arrival) -> Result<i64, ErrorCode> {
        let offset = i64::try_from(self.values.len()).unwrap();
        if batch.producer_id >= 0 {
            let count = i32::try_from(batch.values.len()).unwrap();
            let last = advance(batch.sequence, count - 1);
            if let Some(known) = self.producers.get(&batch.producer_id) {
                if let Some(repeated) = known.repeated(batch.epoch, batch.sequence, last) {
                    return Ok(repeated);
                }
                known.check(batch.epoch, batch.sequence)?;
            }
            let known = self.producers.entry(batch.producer_id).or_default();
            if known.epoch != batch.epoch {
                *known = Known { epoch: batch.epoch, batches: VecDeque::new() };
            }
            known.batches.push_back((batch.sequence, last, offset));
            if known.batches.len() > 5 {
                known.batches.pop_front();
            }
        }
        self.values.extend(batch.values.iter().cloned());
        Ok(offset)
    }
}

impl Known {
    fn repeated(&self, epoch: i16, first: i32, last: i32) -> Option<i64> {
        let same = |(f, l, _): &&(i32, i32, i64)| (epoch, first, last) == (self.epoch, *f, *l);
        self.batches.iter().find(same).map(|(.., offset)| *offset)
    }

    fn check(&self, epoch: i16, first: i32) -> Result<(), ErrorCode> {
        let expected = if epoch == self.epoch {
            self.batches.back().map(|(_, last, _)| advance(*last, 1))
        } else {
            Some(0)
        };
        if epoch < self.epoch {
            Err(ErrorCode::INVALID_PRODUCER_EPOCH)
        } else if expected.is_some_and(|expected| expected != first) {
            Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)
        } else {
            Ok(())
        }
    }
}
