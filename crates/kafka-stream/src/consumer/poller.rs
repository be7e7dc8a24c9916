//! What `poll` does: rebalances first, then errors, then records.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kafka_core::TopicPartition;
use kafka_core::records::Decompressor;
use tokio::time::Instant;
use tracing::{info, warn};

use super::fetch::Decoding;
use super::group::{GroupEvent, GroupHandle, ListenGuard, LossReason};
use super::shared::Shared;
use super::stats::Counters;
use super::{
    ConsumerError, ConsumerErrorKind, ConsumerHandle, ConsumerRecords, PendingCommit, RebalanceListener,
};

/// The most that one batch may decompress to. Brokers limit batches before compression only by `max.message.bytes` of
/// what is on the wire; this stops a bomb.
const MAX_BATCH: usize = 1 << 30;
/// How long the coordinator has to hear of the end, whatever time is left.
const LEAVE_AT_LEAST: Duration = Duration::from_millis(200);

/// What only one `poll` at a time may touch.
pub(super) struct Poller {
    handle: ConsumerHandle,
    group: Option<Arc<GroupHandle>>,
    decoding: Decoding,
    /// A rebalance step whose listener is still at work.
    step: Option<Step>,
    next_auto_commit: Instant,
    auto_commit: Option<PendingCommit>,
}

/// One event of the group, being worked off.
struct Step {
    work: Work,
    end: StepEnd,
    /// Its time counts against `max_poll_interval`.
    _listening: Option<ListenGuard>,
}

/// A step's work: auto commit and the user's listener.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

enum StepEnd {
    Revoked(Vec<TopicPartition>),
    Assigned,
    Lost(Vec<TopicPartition>, LossReason),
}

impl Poller {
    pub(super) fn new(handle: ConsumerHandle, group: Option<Arc<GroupHandle>>) -> Self {
        let config = &handle.shared.config;
        let decoding = Decoding { decompressor: Decompressor::new(MAX_BATCH), check_crcs: config.check_crcs };
        let next_auto_commit = Instant::now() + config.auto_commit_interval;
        Self { handle, group, decoding, step: None, next_auto_commit, auto_commit: None }
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    fn listener(&self) -> Option<Arc<dyn RebalanceListener>> {
        self.handle.shared.listener.lock().clone()
    }

    /// Waits until there is something to hand out, at most until `deadline`. Nothing is taken out before the last
    /// await, so a dropped call loses nothing.
    pub(super) async fn poll(
        &mut self,
        max: usize,
        deadline: Instant,
    ) -> Result<ConsumerRecords, ConsumerError> {
        let group = self.group.clone();
        let _polling = group.as_ref().map(|group| group.polling());
        self.shared().counters.polls.fetch_add(1, Ordering::Relaxed);
        self.auto_commit();
        loop {
            if self.shared().is_closed() {
                return Err(ConsumerError::closed());
            }
            if let Some(group) = &group
                && !self.rebalance(group, deadline).await
            {
                return Ok(ConsumerRecords::default());
            }
            if let Some(error) = self.next_error() {
                return Err(error);
            }
            let records = self.take(max);
            if !records.is_empty() {
                return Ok(records);
            }
            if Instant::now() >= deadline || self.shared().is_interrupted() {
                return Ok(records);
            }
            let shared = Arc::clone(&self.handle.shared);
            tokio::select! {
                biased;
                event = next_event(group.as_deref()) => match event {
                    Some(event) => self.begin(event),
                    None => return Err(ConsumerError::closed()),
                },
                () = shared.for_poll.notified() => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }

    /// Works off what the group has decided; false if the time was up before a listener was done.
    async fn rebalance(&mut self, group: &GroupHandle, deadline: Instant) -> bool {
        loop {
            if tokio::time::timeout_at(deadline, self.finish_step(group)).await.is_err() {
                return false;
            }
            match group.try_next_event() {
                Some(event) => self.begin(event),
                None if group.losses_are_heard() => return true,
                // It is lost already, and the event that says so is on its way: nothing of it is handed out.
                None => match tokio::time::timeout_at(deadline, group.next_event()).await {
                    Ok(Some(event)) => self.begin(event),
                    Ok(None) => return true,
                    Err(_) => return false,
                },
            }
        }
    }

    /// Waits for the listener at work, if one is. Where membership is lost meanwhile it is dropped where it stands: what it
    /// gives up may belong to others already, and it hears of that next.
    async fn finish_step(&mut self, group: &GroupHandle) {
        let Some(step) = &mut self.step else { return };
        let is_loss = matches!(step.end, StepEnd::Lost(..));
        tokio::select! {
            biased;
            () = &mut step.work => self.end_step(group),
            () = group.lost(), if !is_loss => {
                warn!("membership of the group was lost while a rebalance listener was at work, which is dropped");
                self.step = None;
            }
        }
    }

    /// As [`finish_step`](Self::finish_step), if there is a group.
    pub(super) async fn finish_listener(&mut self) {
        if let Some(group) = self.group.clone() {
            self.finish_step(&group).await;
        }
    }

    fn begin(&mut self, event: GroupEvent) {
        let handle = self.handle.clone();
        let listener = self.listener();
        let step: Option<(Work, StepEnd)> = match event {
            // They are gone, as the event behind this one says: nobody waits for them to be given up.
            GroupEvent::Revoke { .. }
                if self.group.as_ref().is_some_and(|group| !group.losses_are_heard()) =>
            {
                None
            }
            GroupEvent::Revoke { partitions } => {
                info!(?partitions, "partitions are being revoked");
                let given_up = partitions.clone();
                let commit = handle.shared.config.enable_auto_commit;
                let work = Box::pin(async move {
                    if commit && let Err(error) = handle.commit_sync().await {
                        warn!(%error, "auto commit before giving up partitions failed");
                    }
                    if let Some(listener) = listener {
                        listener.on_partitions_revoked(&handle, &partitions).await;
                    }
                });
                Some((work, StepEnd::Revoked(given_up)))
            }
            GroupEvent::Assign { added, owned, topic_ids } => {
                info!(?added, owned = owned.len(), "partitions were assigned");
                {
                    let mut positions = handle.shared.positions.lock();
                    for tp in &added {
                        positions.add_by_group(tp, topic_ids.get(&tp.topic).map(|id| id.0));
                    }
                }
                *handle.shared.failed.lock() = None;
                handle.shared.counters.rebalances.fetch_add(1, Ordering::Relaxed);
                let work = Box::pin(async move {
                    if let Some(listener) = listener {
                        listener.on_partitions_assigned(&handle, &added).await;
                    }
                });
                Some((work, StepEnd::Assigned))
            }
            GroupEvent::Lost { partitions, reason } => {
                warn!(?partitions, %reason, "membership of the group was lost");
                let lost = partitions.clone();
                let work = Box::pin(async move {
                    if let Some(listener) = listener.filter(|_| !partitions.is_empty()) {
                        listener.on_partitions_lost(&handle, &partitions).await;
                    }
                });
                Some((work, StepEnd::Lost(lost, reason)))
            }
            GroupEvent::Refused(error) => {
                warn!(%error, "the group refused this consumer; trying again");
                handle.shared.report(error);
                None
            }
            GroupEvent::Failed(error) => {
                *handle.shared.failed.lock() = Some(error);
                None
            }
        };
        self.step = step.map(|(work, end)| Step {
            work,
            end,
            _listening: self.group.as_ref().map(|group| group.listening()),
        });
    }

    fn end_step(&mut self, group: &GroupHandle) {
        let Some(step) = self.step.take() else { return };
        match step.end {
            StepEnd::Revoked(partitions) => {
                self.shared().positions.lock().revoke(&partitions);
                group.revoke_done();
            }
            StepEnd::Assigned => {}
            StepEnd::Lost(partitions, reason) => {
                self.shared().positions.lock().revoke(&partitions);
                group.loss_heard();
                if let LossReason::PollIntervalExceeded(_) = reason {
                    let error =
                        ConsumerError::new(ConsumerErrorKind::MaxPollIntervalExceeded, reason.to_string());
                    self.shared().problems.lock().report_always(error);
                }
            }
        }
        self.shared().wake_all();
    }

    fn next_error(&mut self) -> Option<ConsumerError> {
        if let Some(error) = self.shared().problems.lock().next() {
            return Some(error);
        }
        if let Some(error) = &*self.shared().failed.lock() {
            return Some(ConsumerError::from(error.clone()).for_good());
        }
        let (tp, halt) = self.shared().positions.lock().halted_to_say(Instant::now())?;
        let error = ConsumerError::new(halt.kind, halt.message)
            .with_partition(&tp)
            .with_next_offset(halt.next_offset);
        Some(match halt.offset {
            Some(offset) => error.with_offset(offset),
            None => error,
        })
    }

    /// Takes up to `max` records out of the buffers; no await in here.
    fn take(&mut self, max: usize) -> ConsumerRecords {
        let shared = Arc::clone(&self.handle.shared);
        let limit = shared.fetch_limits();
        let mut records = ConsumerRecords::default();
        let mut room_made = false;
        while records.len() < max {
            let Some(mut in_hand) = shared.positions.lock().take_chunk() else { break };
            let mut slices = Vec::new();
            let taken =
                in_hand.chunk.take(max - records.len(), in_hand.position, &mut self.decoding, &mut slices);
            let mut positions = shared.positions.lock();
            match taken {
                Ok(taken) => {
                    let (tp, stamp) = (in_hand.tp.clone(), in_hand.stamp);
                    let Some(room) = positions.put_back(in_hand, taken.position, taken.epoch, limit) else {
                        continue;
                    };
                    room_made |= room;
                    if taken.records > 0 {
                        records.push(tp, slices, taken.bytes, (taken.position, stamp));
                    }
                }
                Err(damage) => {
                    let retry_at = Instant::now() + shared.client.config().retry_backoff;
                    positions.damaged(&in_hand, &damage, retry_at);
                    room_made = true;
                    drop(positions);
                    shared.wake_all();
                }
            }
        }
        if room_made {
            shared.for_fetchers.notify_waiters();
        }
        Counters::add(&shared.counters.records, records.len());
        Counters::add(&shared.counters.bytes, records.bytes());
        records
    }

    /// Commits what was handed out by earlier polls, if it is time.
    fn auto_commit(&mut self) {
        let config = &self.handle.shared.config;
        let now = Instant::now();
        if !config.enable_auto_commit || now < self.next_auto_commit {
            return;
        }
        self.next_auto_commit = now + config.auto_commit_interval;
        // One at a time, so that an older one that is repeated cannot overtake a newer one.
        if self.auto_commit.as_ref().is_none_or(PendingCommit::is_finished) {
            self.auto_commit = Some(self.handle.commit_async());
        }
    }

    /// The end: what was handed out is committed if that is automatic, the listener hears of it, the group is left.
    pub(super) async fn close(&mut self, timeout: Duration) -> Result<(), ConsumerError> {
        let deadline = Instant::now() + timeout;
        let committed = tokio::time::timeout_at(deadline, self.give_up_all()).await;
        if let Some(group) = &self.group {
            // Even without time left, the request goes out.
            let last = deadline.max(Instant::now() + LEAVE_AT_LEAST);
            let _ = tokio::time::timeout_at(last, group.leave("the consumer is being closed")).await;
        }
        committed.unwrap_or_else(|_| Err(ConsumerError::timeout("closing the consumer", timeout)))
    }

    /// Leaves the group; the consumer may subscribe again.
    pub(super) async fn leave(&mut self, reason: &str) {
        if let Err(error) = self.give_up_all().await {
            warn!(%error, "auto commit before leaving the group failed");
        }
        if let Some(group) = self.group.clone() {
            group.leave(reason).await;
            // What it said of partitions before it was left is of the past.
            while let Some(event) = group.try_next_event() {
                if matches!(event, GroupEvent::Lost { .. }) {
                    group.loss_heard();
                }
            }
        }
        *self.shared().failed.lock() = None;
    }

    async fn give_up_all(&mut self) -> Result<(), ConsumerError> {
        let handle = self.handle.clone();
        self.finish_listener().await;
        let result =
            if handle.shared.config.enable_auto_commit { handle.commit_sync().await } else { Ok(()) };
        let owned = handle.assignment();
        if let Some(listener) = self.listener().filter(|_| handle.group.is_some() && !owned.is_empty()) {
            listener.on_partitions_revoked(&handle, &owned).await;
        }
        handle.shared.positions.lock().clear();
        result
    }
}

async fn next_event(group: Option<&GroupHandle>) -> Option<GroupEvent> {
    match group {
        Some(group) => group.next_event().await,
        None => std::future::pending().await,
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").field("in_step", &self.step.is_some()).finish_non_exhaustive()
    }
}
