//! The partitions whose records are being handled, and what each of them needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kafka_core::TopicPartition;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::stats::{Counters, count};
use super::tracker::OffsetTracker;
use super::valve::Valve;
use crate::consumer::{ConsumerHandle, ConsumerRecord};

/// One partition: what lanes and the poll loop share of it.
pub(crate) struct Partition {
    pub(crate) tp: TopicPartition,
    pub(crate) tracker: Mutex<OffsetTracker>,
    /// No new record is begun.
    pub(crate) draining: AtomicBool,
    /// Wakes those who wait to begin one, again or at its time.
    pub(crate) drain: CancellationToken,
    /// What runs is dropped where it stands.
    pub(crate) abandoned: CancellationToken,
    valve: Valve,
    limit: usize,
}

impl Partition {
    pub(crate) fn new(tp: TopicPartition, limit: usize) -> Self {
        Self {
            tp,
            tracker: Mutex::default(),
            draining: AtomicBool::new(false),
            drain: CancellationToken::new(),
            abandoned: CancellationToken::new(),
            valve: Valve::new(),
            limit: limit.max(1),
        }
    }

    /// Counts records as handed out, and pauses the partition if it has too many. Returns their
    /// [round](OffsetTracker::hand_out).
    pub(crate) fn hand_out(
        &self,
        records: &[ConsumerRecord],
        (next, stamp): (i64, u64),
        consumer: &ConsumerHandle,
        counters: &Counters,
    ) -> u32 {
        let (round, outstanding) = {
            let mut tracker = self.tracker.lock();
            let round =
                records.iter().fold(0, |_, record| tracker.hand_out(record.offset, record.leader_epoch));
            tracker.advance_to(next, stamp);
            (round, tracker.outstanding())
        };
        if outstanding >= self.limit {
            // A partition that is gone needs no pause.
            let pause = || drop(consumer.pause(std::slice::from_ref(&self.tp)));
            if self.valve.shut(pause) {
                count(&counters.pauses);
            }
            self.resume_if_room(consumer);
        }
        round
    }

    /// Counts a record as finished, and resumes the partition once half of its room is free.
    pub(crate) fn finish(&self, offset: i64, round: u32, consumer: &ConsumerHandle) {
        self.tracker.lock().finish(offset, round);
        self.resume_if_room(consumer);
    }

    fn resume_if_room(&self, consumer: &ConsumerHandle) {
        let has_room = || self.tracker.lock().outstanding() <= self.limit / 2;
        self.valve.open_if(has_room, || drop(consumer.resume(std::slice::from_ref(&self.tp))));
    }
}

/// Records for a lane, and the round in which they were handed out.
pub(crate) type Share = (u32, Vec<ConsumerRecord>);

/// A partition with its lanes running.
pub(crate) struct Running {
    pub(crate) partition: Arc<Partition>,
    pub(crate) lanes: Vec<mpsc::UnboundedSender<Share>>,
    pub(crate) tasks: JoinSet<()>,
    /// Whose turn it is among the lanes, for records without a key.
    pub(crate) turn: usize,
}

impl Running {
    fn end(&mut self) {
        self.partition.draining.store(true, Ordering::Release);
        self.partition.drain.cancel();
        self.lanes.clear();
    }

    /// Lets the records that are being handled end within `limit`, then drops them. None is begun any more.
    /// Cancel safe: may be called again, with less time.
    pub(crate) async fn drain(&mut self, limit: Duration) {
        self.end();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            self.partition.abandoned.cancel();
            while self.tasks.join_next().await.is_some() {}
        }
    }
}

/// All partitions at hand.
#[derive(Default)]
pub(crate) struct Partitions(Mutex<BTreeMap<TopicPartition, Running>>);

impl Partitions {
    /// Does something with a partition, which is begun first if it is new.
    pub(crate) fn with<T>(
        &self,
        tp: &TopicPartition,
        begin: impl FnOnce() -> Running,
        f: impl FnOnce(&mut Running) -> T,
    ) -> T {
        let mut partitions = self.0.lock();
        match partitions.get_mut(tp) {
            Some(running) => f(running),
            None => f(partitions.entry(tp.clone()).or_insert_with(begin)),
        }
    }

    /// Takes these partitions out.
    pub(crate) fn take(&self, tps: &[TopicPartition]) -> Leaving<'_> {
        let mut partitions = self.0.lock();
        Leaving { from: self, running: tps.iter().filter_map(|tp| partitions.remove(tp)).collect() }
    }

    /// Takes all partitions out.
    pub(crate) fn take_all(&self) -> Leaving<'_> {
        Leaving { from: self, running: std::mem::take(&mut *self.0.lock()).into_values().collect() }
    }

    /// All partitions, to read their trackers.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.0.lock().values().map(|running| Arc::clone(&running.partition)).collect()
    }
}

/// Partitions that were taken out, to be drained. If that is dropped half-way they are back, for whoever drains them next.
pub(crate) struct Leaving<'a> {
    from: &'a Partitions,
    running: Vec<Running>,
}

impl Leaving<'_> {
    /// Drains them side by side.
    pub(crate) async fn drain(mut self, limit: Duration) -> Vec<Arc<Partition>> {
        futures_util::future::join_all(self.running.iter_mut().map(|running| running.drain(limit))).await;
        std::mem::take(&mut self.running).into_iter().map(|running| Arc::clone(&running.partition)).collect()
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let running = std::mem::take(&mut self.running).into_iter();
        self.from.0.lock().extend(running.map(|running| (running.partition.tp.clone(), running)));
    }
}
