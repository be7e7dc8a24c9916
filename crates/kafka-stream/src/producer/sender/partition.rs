//! One partition as the sender sees it: what it waits for, and its next batch.

use std::sync::Arc;

use bytes::Bytes;
use kafka_core::records::ProducerStamp;
use tokio::time::Instant;

use super::answers::Leader;
use super::plan::Terms;
use crate::producer::ProduceError;
use crate::producer::accumulator::{Accumulator, PartitionQueue};
use crate::producer::batch::Batch;
use crate::producer::codec::Codec;
use crate::producer::hooks::{Hooks, count};
use crate::producer::sequence::{InOrder, Stamp};

/// A partition that anything may be sent to.
pub(super) struct Partition {
    pub(super) queue: Arc<PartitionQueue>,
    pub(super) order: InOrder<Batch>,
    pub(super) leader: Option<Leader>,
    /// A leader that denied being it, and until when it is not asked again.
    pub(super) doubted: Option<(Leader, Instant)>,
    /// The broker in whose list of `ready` it waits.
    pub(super) listed: Option<i32>,
    /// The earliest of its timers.
    pub(super) timer: Option<Instant>,
    /// It is among those that linger, or did when it was last looked at.
    pub(super) lingers: bool,
}

/// What a partition waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    Time(Instant),
    /// More records, until then.
    Linger(Instant),
    Identity,
    Leader,
    /// The broker to acknowledge what it has.
    Answer(i32),
    Turn(i32),
}

/// One batch in a request.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) id: usize,
    pub(super) number: u64,
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) leader: Leader,
    pub(super) records: Bytes,
}

impl Partition {
    pub(super) fn next(
        &self,
        terms: &Terms,
        shared: &Accumulator,
        now: Instant,
        next_expiry: &mut Option<Instant>,
    ) -> Next {
        let head = self.queue.head(shared.limits().batch_size);
        let oldest = self.order.batches().next().map(|batch| batch.created).or(head.map(|head| head.created));
        let Some(oldest) = oldest else { return Next::Nothing };
        let expiry = oldest.checked_add(terms.delivery_timeout);
        *next_expiry = (*next_expiry).into_iter().chain(expiry).min();

        let retry = self.order.retry();
        match (retry, head) {
            (Some(batch), _) => {
                if let Some(at) = batch.retry_at.filter(|at| *at > now) {
                    return Next::Time(at);
                }
            }
            // It is announced again when it is back.
            (None, Some(head)) if head.lent => return Next::Nothing,
            (None, Some(head)) => {
                let due = head.due || terms.linger.is_zero() || shared.memory.is_exhausted();
                if let Some(at) = head.created.checked_add(terms.linger).filter(|at| !due && *at > now) {
                    return Next::Linger(at);
                }
            }
            (None, None) => {
                let identity = self.order.needs_identity();
                return if identity { Next::Identity } else { Next::Nothing };
            }
        }
        if self.order.needs_identity() {
            return Next::Identity;
        }
        let Some(leader) = self.leader else { return Next::Leader };
        if let Some((doubted, until)) = self.doubted
            && doubted == leader
            && until > now
        {
            return Next::Time(until);
        }
        if retry.is_some() || self.order.may_send_new(leader.broker) {
            Next::Turn(leader.broker)
        } else {
            Next::Answer(leader.broker)
        }
    }

    /// Whether something waits to be sent, for the first time or again.
    pub(super) fn has_unsent(&self) -> bool {
        self.queue.len() > 0 || self.order.retry().is_some()
    }

    /// The bytes of its next batch, or more.
    pub(super) fn next_size(&self, shared: &Accumulator) -> usize {
        match self.order.retry() {
            Some(batch) => batch.size(),
            None => self.queue.head(shared.limits().batch_size).map_or(0, |head| head.size),
        }
    }

    /// Moves its next batch onto the wire.
    pub(super) fn send(
        &mut self,
        broker: i32,
        codec: Codec,
        hooks: &Hooks,
    ) -> Option<Result<Part, (u64, ProduceError)>> {
        let leader = self.leader?;
        let (number, stamp) = if self.order.retry().is_some() {
            count(&hooks.counters.retries, 1);
            let (number, _, stamp) = self.order.send_retry(broker)?;
            (number, stamp)
        } else {
            let batch = self.queue.take_to_send()?;
            let records = batch.count();
            count(&hooks.counters.on_wire, u64::from(records.unsigned_abs()));
            self.order.send_new(broker, batch, records)
        };
        let batch = self.order.batch_mut(number)?;
        Some(match batch.encode(codec, producer_stamp(stamp)) {
            Ok(encoded) => Ok(Part {
                id: self.queue.id(),
                number,
                topic: self.queue.topic().clone(),
                partition: self.queue.partition(),
                leader,
                records: encoded.bytes(),
            }),
            Err(error) => Err((number, error)),
        })
    }
}

fn producer_stamp(stamp: Option<Stamp>) -> ProducerStamp {
    stamp.map_or(ProducerStamp::NONE, |Stamp { identity, sequence }| ProducerStamp {
        producer_id: identity.producer_id,
        epoch: identity.epoch,
        base_sequence: sequence,
        transactional: false,
    })
}
