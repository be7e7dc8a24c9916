use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};

use super::state::Ticket;
use super::{ConsumerGroupMetadata, GroupEvent, Subscription};

/// What the consumer asks of the group's task.
#[derive(Debug)]
pub(crate) enum Command {
    /// Read this from now on; the first one joins the group.
    Subscribe(Subscription),
    /// The partitions of the `Revoke` with this ticket are given up.
    RevokeDone(Ticket),
    /// Leave the group (a static member just falls silent) and own nothing; the sender hears when it is done.
    Leave { reason: String, done: oneshot::Sender<()> },
    /// A commit was refused in a way that tells of lost membership; `generation` is the one it was sent with.
    CommitRefused { code: kafka_core::protocol::ErrorCode, generation: i32 },
}

/// An event and, for a `Revoke`, the ticket of its answer: an answer that comes late must not count for a later one.
pub(super) type Told = (Ticket, GroupEvent);

/// What the group's task and all handles see.
#[derive(Debug)]
pub(super) struct Shared {
    metadata: Mutex<ConsumerGroupMetadata>,
    started: Instant,
    /// Microseconds from `started` to the last poll.
    last_poll: AtomicU64,
    /// Polls that wait at this moment.
    polling: AtomicUsize,
    /// Whether the task waits for a poll.
    poll_awaited: AtomicBool,
    polled: Notify,
}

impl Shared {
    pub(super) fn new(metadata: ConsumerGroupMetadata) -> Self {
        Self {
            metadata: Mutex::new(metadata),
            started: Instant::now(),
            last_poll: AtomicU64::new(0),
            polling: AtomicUsize::new(0),
            poll_awaited: AtomicBool::new(false),
            polled: Notify::new(),
        }
    }

    pub(super) fn set_metadata(&self, metadata: ConsumerGroupMetadata) {
        *self.metadata.lock() = metadata;
    }

    /// When the user last polled; now, while a poll waits.
    pub(super) fn last_poll(&self, now: Instant) -> Instant {
        if self.polling.load(Ordering::Acquire) > 0 {
            return now;
        }
        self.started + Duration::from_micros(self.last_poll.load(Ordering::Acquire))
    }

    /// Says whether the task must be woken by the next poll.
    pub(super) fn await_poll(&self, awaited: bool) {
        self.poll_awaited.store(awaited, Ordering::Release);
    }

    pub(super) async fn polled(&self) {
        self.polled.notified().await;
    }

    fn tick(&self) {
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_poll.fetch_max(micros, Ordering::AcqRel);
        if self.poll_awaited.load(Ordering::Acquire) {
            self.polled.notify_one();
        }
    }
}

/// A consumer's side of its group membership. Dropping it ends the task without leaving the group; see
/// [`leave`](Self::leave).
#[derive(Debug)]
pub(crate) struct GroupHandle {
    commands: mpsc::UnboundedSender<Command>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Told>>,
    shared: Arc<Shared>,
    /// Of the last `Revoke` that the consumer has seen.
    revoke: AtomicU64,
}

impl GroupHandle {
    pub(super) fn new(
        commands: mpsc::UnboundedSender<Command>,
        events: mpsc::UnboundedReceiver<Told>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { commands, events: tokio::sync::Mutex::new(events), shared, revoke: AtomicU64::new(0) }
    }

    /// Reads these topics from now on; joins the group, or rebalances it if the topics differ from before. Also the way
    /// out of [`GroupEvent::Failed`].
    pub(crate) fn subscribe(&self, subscription: Subscription) {
        self.send(Command::Subscribe(subscription));
    }

    /// Says that the user polled. Costs two atomic operations; call it at every `poll`.
    pub(crate) fn poll_tick(&self) {
        self.shared.tick();
    }

    /// Says that a poll waits, until the guard is dropped: time spent waiting in `poll` never counts against
    /// `max.poll.interval.ms`.
    pub(crate) fn polling(&self) -> PollGuard {
        self.shared.polling.fetch_add(1, Ordering::AcqRel);
        self.shared.tick();
        PollGuard { shared: Arc::clone(&self.shared) }
    }

    /// The next event; `None` once the task has ended. Cancel safe.
    pub(crate) async fn next_event(&self) -> Option<GroupEvent> {
        let told = self.events.lock().await.recv().await?;
        Some(self.seen(told))
    }

    /// The next event, if there is one already.
    pub(crate) fn try_next_event(&self) -> Option<GroupEvent> {
        let told = self.events.try_lock().ok()?.try_recv().ok()?;
        Some(self.seen(told))
    }

    fn seen(&self, (ticket, event): Told) -> GroupEvent {
        if matches!(event, GroupEvent::Revoke { .. }) {
            self.revoke.store(ticket, Ordering::Release);
        }
        event
    }

    /// Answers the last [`GroupEvent::Revoke`] that was returned.
    pub(crate) fn revoke_done(&self) {
        self.send(Command::RevokeDone(self.revoke.load(Ordering::Acquire)));
    }

    /// Leaves the group with this reason (KIP-800); a static member just falls silent (KIP-345). The caller has run its
    /// listener and its last commit before. Waits until the coordinator answered, at most `request.timeout.ms`. If
    /// dropped, the group is left all the same.
    pub(crate) async fn leave(&self, reason: impl Into<String>) {
        let (done, left) = oneshot::channel();
        self.send(Command::Leave { reason: reason.into(), done });
        // An error means that the task is gone, and membership with it.
        let _ = left.await;
    }

    /// Who the member is at this moment.
    pub(crate) fn metadata(&self) -> ConsumerGroupMetadata {
        self.shared.metadata.lock().clone()
    }

    fn send(&self, command: Command) {
        // Fails only when the task has ended; `next_event` says so.
        let _ = self.commands.send(command);
    }
}

/// A `poll` that waits; see [`GroupHandle::polling`].
#[derive(Debug)]
pub(crate) struct PollGuard {
    shared: Arc<Shared>,
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        self.shared.tick();
        self.shared.polling.fetch_sub(1, Ordering::AcqRel);
    }
}
