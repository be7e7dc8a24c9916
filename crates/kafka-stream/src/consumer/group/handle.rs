use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::Client;
use kafka_core::protocol::ErrorCode;
use kafka_core::{Error, ErrorKind, Result};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::driver::Driver;
use super::offsets::Offsets;
use super::standing::Snapshot;
use super::state::{Settings, Ticket};
use super::{ConsumerGroupMetadata, GroupEvent, Subscription};
use crate::consumer::assignor::Assignor;
use crate::consumer::{ConsumerConfig, GroupProtocol};

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
    CommitRefused { code: ErrorCode, generation: i32 },
}

/// An event and, for a `Revoke`, the ticket of its answer: an answer that comes late must not count for a later one.
pub(super) type Told = (Ticket, GroupEvent);

/// When the user polled, as the handle tells the task.
#[derive(Debug)]
pub(super) struct Polls {
    started: Instant,
    /// Microseconds from `started` to the last poll.
    last: AtomicU64,
    /// Polls that wait at this moment.
    waiting: AtomicUsize,
    /// Whether the task waits for a poll.
    awaited: AtomicBool,
    polled: Notify,
}

impl Polls {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            last: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            awaited: AtomicBool::new(false),
            polled: Notify::new(),
        }
    }

    /// When the user last polled; now, while a poll waits.
    pub(super) fn last(&self, now: Instant) -> Instant {
        if self.waiting.load(Ordering::Acquire) > 0 {
            return now;
        }
        self.started + Duration::from_micros(self.last.load(Ordering::Acquire))
    }

    /// Says whether the task must be woken by the next poll.
    pub(super) fn expect(&self, awaited: bool) {
        self.awaited.store(awaited, Ordering::SeqCst);
        if awaited && self.waiting.load(Ordering::SeqCst) > 0 {
            self.polled.notify_one();
        }
    }

    pub(super) async fn polled(&self) {
        self.polled.notified().await;
    }

    fn tick(&self) {
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.fetch_max(micros, Ordering::AcqRel);
        if self.awaited.load(Ordering::SeqCst) {
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
    polls: Arc<Polls>,
    snapshot: watch::Receiver<Snapshot>,
    offsets: Offsets,
    /// Of the last `Revoke` that the consumer has seen.
    revoke: AtomicU64,
}

impl GroupHandle {
    /// Starts the group's task, which does nothing until the first [`subscribe`](Self::subscribe). The assignors are
    /// those of `config.partition_assignment_strategy`, then `assignors`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) without a `group.id` or an assignor. Must be called within a runtime.
    pub(crate) fn spawn(
        client: Client,
        config: &ConsumerConfig,
        assignors: Vec<Arc<dyn Assignor>>,
    ) -> Result<Self> {
        let settings = Settings::new(&client, config, assignors)?;
        let outside = Snapshot::outside(&settings.group_id, settings.instance_id.as_deref());
        let (commands, to_task) = mpsc::unbounded_channel();
        let (to_consumer, events) = mpsc::unbounded_channel();
        let (publish, snapshot) = watch::channel(outside);
        let polls = Arc::new(Polls::new());
        let offsets = Offsets::new(client.clone(), &settings, snapshot.clone(), commands.downgrade());
        let driver = Driver::new(client, config, settings, to_consumer, publish, Arc::clone(&polls));
        tokio::spawn(driver.run(to_task));
        Ok(Self {
            commands,
            events: tokio::sync::Mutex::new(events),
            polls,
            snapshot,
            offsets,
            revoke: AtomicU64::new(0),
        })
    }

    /// Reads these topics from now on; joins the group, or rebalances it if the topics differ from before. Also the way
    /// out of [`GroupEvent::Failed`].
    pub(crate) fn subscribe(&self, subscription: Subscription) {
        self.send(Command::Subscribe(subscription));
    }

    /// Says that a poll waits, until the guard is dropped: time spent waiting in `poll` never counts against
    /// `max.poll.interval.ms`.
    pub(crate) fn polling(&self) -> PollGuard {
        self.polls.waiting.fetch_add(1, Ordering::SeqCst);
        self.polls.tick();
        PollGuard { polls: Arc::clone(&self.polls) }
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
        self.snapshot.borrow().member.clone()
    }

    /// Commits and what was committed.
    pub(crate) fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    fn send(&self, command: Command) {
        // Fails only when the task has ended; `next_event` says so.
        let _ = self.commands.send(command);
    }
}

impl Settings {
    fn new(client: &Client, config: &ConsumerConfig, own: Vec<Arc<dyn Assignor>>) -> Result<Self> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidInput, message));
        let Some(group_id) = config.group_id.clone().filter(|id| !id.is_empty()) else {
            return invalid("group.id is not set; a consumer needs it to subscribe or commit");
        };
        let built_in =
            config.partition_assignment_strategy.iter().map(|&s| crate::consumer::assignor::built_in(s));
        let assignors: Vec<_> = built_in.chain(own).collect();
        if assignors.is_empty() && config.group_protocol == GroupProtocol::Classic {
            return invalid("partition.assignment.strategy is empty; name at least one");
        }
        Ok(Self {
            protocol: config.group_protocol,
            remote_assignor: config.group_remote_assignor.clone(),
            group_id,
            instance_id: config.group_instance_id.clone(),
            rack: config.client_rack.clone(),
            session_timeout: config.session_timeout,
            heartbeat_interval: config.heartbeat_interval,
            max_poll_interval: config.max_poll_interval,
            request_timeout: config.request_timeout,
            backoff: ExponentialBackoff::new(
                client.config().retry_backoff,
                client.config().retry_backoff_max,
            ),
            assignors,
        })
    }
}

/// A `poll` that waits; see [`GroupHandle::polling`].
#[derive(Debug)]
pub(crate) struct PollGuard {
    polls: Arc<Polls>,
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        self.polls.tick();
        self.polls.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
