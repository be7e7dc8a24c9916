//! What is to be sent next, and to whom. Knows no socket and no task; time is handed in.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_core::backoff::ExponentialBackoff;
use kafka_core::records::ProducerStamp;
use tokio::time::Instant;

use super::answers::Leader;
use super::availability::Availability;
use crate::producer::accumulator::{Accumulator, PartitionQueue};
use crate::producer::batch::Batch;
use crate::producer::codec::Codec;
use crate::producer::flush::FlushToken;
use crate::producer::hooks::{Hooks, count};
use crate::producer::sequence::{Identity, InOrder, Stamp};
use crate::producer::{ProduceError, ProducerConfig};

/// The state of all partitions that anything was ever sent to.
pub(crate) struct Plan {
    pub(super) terms: Terms,
    pub(super) shared: Arc<Accumulator>,
    pub(super) hooks: Arc<Hooks>,
    /// By the id of their queue.
    pub(super) partitions: Vec<Option<Partition>>,
    /// The partitions that have something for a broker, in the order of their turns.
    ready: BTreeMap<i32, VecDeque<usize>>,
    /// When a partition has to be looked at again.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    identity: Option<Identity>,
    /// Asked for, because a partition has none or cannot use the present one any more.
    pub(super) wants_identity: bool,
    /// Asked for, because a leader is missing or has changed.
    pub(super) wants_metadata: bool,
    /// No batch's deadline is before this.
    pub(super) next_expiry: Option<Instant>,
    pub(super) availability: Availability,
}

/// The settings that matter here.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(super) linger: Duration,
    pub(super) delivery_timeout: Duration,
    pub(super) retries: u32,
    pub(super) max_in_flight: usize,
    pub(super) idempotent: bool,
    pub(super) codec: Codec,
    pub(super) backoff: ExponentialBackoff,
    availability_timeout: Duration,
}

impl Terms {
    pub(crate) fn new(config: &ProducerConfig, backoff: ExponentialBackoff) -> Self {
        Self {
            linger: config.linger,
            delivery_timeout: config.delivery_timeout,
            retries: config.retries,
            max_in_flight: config.max_in_flight,
            idempotent: config.enable_idempotence,
            codec: Codec { compression: config.compression_type, levels: config.compression_levels },
            backoff,
            availability_timeout: config.partitioner_availability_timeout,
        }
    }
}

/// One partition as the sender sees it.
pub(super) struct Partition {
    pub(super) queue: Arc<PartitionQueue>,
    pub(super) order: InOrder<Batch>,
    pub(super) leader: Option<Leader>,
    /// A leader that denied being it, and until when it is not asked again.
    pub(super) doubted: Option<(Leader, Instant)>,
    /// The broker in whose list of `ready` it waits.
    listed: Option<i32>,
    /// The earliest of its timers.
    timer: Option<Instant>,
}

/// What a partition waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    Time(Instant),
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

impl Plan {
    pub(crate) fn new(terms: Terms, shared: Arc<Accumulator>, hooks: Arc<Hooks>) -> Self {
        Self {
            availability: Availability::new(terms.availability_timeout),
            terms,
            shared,
            hooks,
            partitions: Vec::new(),
            ready: BTreeMap::new(),
            timers: BinaryHeap::new(),
            identity: None,
            wants_identity: false,
            wants_metadata: false,
            next_expiry: None,
        }
    }

    /// Looks at a queue that something has changed in; `leader` finds who leads a partition seen for the first time.
    pub(super) fn announced(
        &mut self,
        queue: &Arc<PartitionQueue>,
        leader: impl FnOnce(&str, i32) -> Option<Leader>,
        now: Instant,
    ) {
        let id = queue.id();
        if self.partitions.len() <= id {
            self.partitions.resize_with(id + 1, || None);
        }
        if let Some(slot) = self.partitions.get_mut(id)
            && slot.is_none()
        {
            let leader = leader(queue.topic(), queue.partition());
            queue.set_available(leader.is_some_and(|it| !self.availability.is_left_out(it.broker)));
            *slot = Some(Partition {
                queue: queue.clone(),
                order: InOrder::new(self.terms.idempotent, self.terms.max_in_flight as u64),
                leader,
                doubted: None,
                listed: None,
                timer: None,
            });
        }
        self.consider(id, now);
    }

    /// Takes in who leads what now.
    pub(super) fn on_leaders(&mut self, mut leader: impl FnMut(&str, i32) -> Option<Leader>, now: Instant) {
        for id in 0..self.partitions.len() {
            if let Some(Some(partition)) = self.partitions.get_mut(id) {
                let found = leader(partition.queue.topic(), partition.queue.partition());
                // A broker's own hint may be newer than the metadata.
                let older = |found: &Leader| partition.leader.is_some_and(|known| known.epoch > found.epoch);
                if !found.as_ref().is_some_and(older) {
                    partition.leader = found;
                }
                self.consider(id, now);
            }
        }
        self.review_availability();
    }

    /// Takes in who we are; partitions that need another identity ask again.
    pub(super) fn on_identity(&mut self, identity: Identity, now: Instant) {
        self.identity = Some(identity);
        self.consider_all(now);
    }

    pub(super) fn consider_all(&mut self, now: Instant) {
        (0..self.partitions.len()).for_each(|id| self.consider(id, now));
    }

    /// Works out what a partition waits for, and sees to it.
    pub(super) fn consider(&mut self, id: usize, now: Instant) {
        let Some(Some(partition)) = self.partitions.get_mut(id) else { return };
        if partition.order.needs_identity()
            && let Some(identity) = self.identity
        {
            partition.order.adopt(identity);
        }
        match partition.next(&self.terms, &self.shared, now, &mut self.next_expiry) {
            Next::Nothing => {}
            Next::Identity => self.wants_identity = true,
            Next::Leader => self.wants_metadata = true,
            Next::Answer(broker) => self.availability.stalled(broker, now),
            Next::Time(at) => {
                if partition.timer.is_none_or(|timer| at < timer || timer <= now) {
                    partition.timer = Some(at);
                    self.timers.push(Reverse((at, id)));
                }
            }
            Next::Turn(broker) => {
                if partition.listed != Some(broker) {
                    partition.listed = Some(broker);
                    self.ready.entry(broker).or_default().push_back(id);
                }
            }
        }
    }

    /// Takes all partitions off the list of those that are ready for `broker`.
    pub(super) fn take_ready(&mut self, broker: i32) -> Vec<usize> {
        let ids: Vec<usize> = self.ready.remove(&broker).unwrap_or_default().into();
        for id in &ids {
            if let Some(Some(partition)) = self.partitions.get_mut(*id) {
                partition.listed = None;
            }
        }
        ids
    }

    /// Looks at a partition again at `at`.
    pub(super) fn look_again(&mut self, id: usize, at: Instant) {
        if let Some(Some(partition)) = self.partitions.get_mut(id) {
            partition.timer = Some(partition.timer.map_or(at, |timer| timer.min(at)));
            self.timers.push(Reverse((at, id)));
        }
    }

    /// When something has to happen even if nothing is heard.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        timer.into_iter().chain(self.next_expiry).chain(self.availability.next_timer()).min()
    }

    /// Does what is due at `now`.
    pub(super) fn on_time(&mut self, now: Instant) {
        while let Some(Reverse((at, id))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            if let Some(Some(partition)) = self.partitions.get_mut(id)
                && partition.timer.is_some_and(|timer| timer <= now)
            {
                partition.timer = None;
            }
            self.consider(id, now);
        }
        if self.next_expiry.is_some_and(|expiry| expiry <= now) {
            self.expire(now);
            self.review_availability();
        }
        if !self.availability.on_time(now).is_empty() {
            self.review_availability();
        }
        if self.shared.memory.is_exhausted() {
            // Nothing may linger while somebody waits for memory.
            for id in 0..self.partitions.len() {
                let waits = self.partitions.get(id).and_then(Option::as_ref);
                if waits.is_some_and(|partition| partition.listed.is_none() && partition.queue.len() > 0) {
                    self.consider(id, now);
                }
            }
        }
    }

    /// The brokers that something could be sent to.
    pub(super) fn ready_brokers(&self) -> impl Iterator<Item = i32> {
        self.ready.iter().filter(|(_, queue)| !queue.is_empty()).map(|(broker, _)| *broker)
    }

    /// Takes batches for one request to `broker`, one per partition, up to `max_request_size` bytes.
    pub(super) fn fill(&mut self, broker: i32, now: Instant) -> Vec<Part> {
        let limit = self.shared.limits().max_request_size;
        let (mut size, mut parts, mut taken) = (0, Vec::new(), Vec::new());
        while let Some(id) = self.ready.get_mut(&broker).and_then(VecDeque::pop_front) {
            let Some(Some(partition)) = self.partitions.get_mut(id) else { continue };
            if partition.listed != Some(broker) {
                // Its leader has changed since.
                continue;
            }
            let next = partition.next(&self.terms, &self.shared, now, &mut self.next_expiry);
            if next != Next::Turn(broker) {
                partition.listed = None;
                self.consider(id, now);
                continue;
            }
            size += partition.next_size(&self.shared);
            if size > limit && !parts.is_empty() {
                if let Some(queue) = self.ready.get_mut(&broker) {
                    queue.push_front(id);
                }
                break;
            }
            partition.listed = None;
            taken.push(id);
            match partition.send(broker, self.terms.codec, &self.hooks) {
                Some(Ok(part)) => parts.push(part),
                Some(Err((number, error))) => self.fail(id, number, error),
                None => {}
            }
        }
        if !parts.is_empty() && self.availability.took(broker) {
            self.review_availability();
        }
        for id in taken {
            self.consider(id, now);
        }
        parts
    }

    /// Something is ready for `broker`, which cannot take it now.
    pub(super) fn stalled(&mut self, broker: i32, now: Instant) {
        self.availability.stalled(broker, now);
    }

    /// Ends the stalls of brokers that nothing waits for, and tells all queues whether records should go to them.
    pub(super) fn review_availability(&mut self) {
        for broker in self.availability.stalled_brokers() {
            let led = |partition: &&Partition| partition.leader.is_some_and(|leader| leader.broker == broker);
            if !self.partitions.iter().flatten().filter(led).any(Partition::has_unsent) {
                self.availability.took(broker);
            }
        }
        for partition in self.partitions.iter().flatten() {
            let leader = partition.leader;
            let available = leader.is_some_and(|leader| !self.availability.is_left_out(leader.broker));
            partition.queue.set_available(available);
        }
    }

    /// Gives every batch that is not settled a token, and makes those that linger due.
    pub(super) fn flush(
        &mut self,
        token: &FlushToken,
        leader: impl Fn(&str, i32) -> Option<Leader>,
        now: Instant,
    ) {
        for queue in self.shared.queues() {
            if queue.len() > 0 {
                queue.flush(token);
                self.announced(&queue, &leader, now);
            }
        }
        for partition in self.partitions.iter_mut().flatten() {
            partition.order.batches_mut().for_each(|batch| batch.flushes.push(token.clone()));
        }
    }

    /// Whether every batch has its outcome.
    pub(super) fn is_idle(&self) -> bool {
        self.shared.queues().iter().all(|queue| queue.len() == 0)
            && self.partitions.iter().flatten().all(|partition| partition.order.is_settled())
    }
}

impl Partition {
    fn next(
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
            (None, Some(head)) => {
                let due = head.due || terms.linger.is_zero() || shared.memory.is_exhausted();
                if let Some(at) = head.created.checked_add(terms.linger).filter(|at| !due && *at > now) {
                    return Next::Time(at);
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
    fn has_unsent(&self) -> bool {
        self.queue.len() > 0 || self.order.retry().is_some()
    }

    fn next_size(&self, shared: &Accumulator) -> usize {
        match self.order.retry() {
            Some(batch) => batch.size(),
            None => self.queue.head(shared.limits().batch_size).map_or(0, |head| head.size),
        }
    }

    /// Moves its next batch onto the wire.
    fn send(
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
            let batch = self.queue.take()?;
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
