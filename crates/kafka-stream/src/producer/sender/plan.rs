//! What is to be sent next, and to whom. Knows no socket and no task; time is handed in.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kafka_core::backoff::ExponentialBackoff;
use tokio::time::Instant;

use super::answers::Leader;
use super::availability::Availability;
use super::partition::{Next, Part, Partition};
use crate::producer::ProducerConfig;
use crate::producer::accumulator::{Accumulator, PartitionQueue};
use crate::producer::codec::Codec;
use crate::producer::flush::FlushToken;
use crate::producer::hooks::Hooks;
use crate::producer::sequence::{Identity, InOrder};

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
    /// The partitions whose records wait for more.
    lingering: Vec<usize>,
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
            codec: Codec::new(config),
            backoff,
            availability_timeout: config.partitioner_availability_timeout,
        }
    }
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
            lingering: Vec::new(),
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
                lingers: false,
            });
        }
        self.consider(id, now);
    }

    /// Takes in that a topic was deleted, and that another has its name.
    pub(super) fn on_created_anew(&mut self, topic: &str) {
        let partitions = self.partitions.iter_mut().flatten();
        let of_topic = partitions.filter(|partition| &**partition.queue.topic() == topic);
        of_topic.for_each(|partition| partition.order.log_replaced());
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
        let next = partition.next(&self.terms, &self.shared, now, &mut self.next_expiry);
        if matches!(next, Next::Linger(_)) && !partition.lingers {
            partition.lingers = true;
            self.lingering.push(id);
        }
        match next {
            Next::Nothing => {}
            Next::Identity => self.wants_identity = true,
            Next::Leader => self.wants_metadata = true,
            Next::Answer(broker) => self.availability.stalled(broker, now),
            Next::Linger(at) | Next::Time(at) => {
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
            for id in std::mem::take(&mut self.lingering) {
                if let Some(Some(partition)) = self.partitions.get_mut(id) {
                    partition.lingers = false;
                }
                self.consider(id, now);
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
