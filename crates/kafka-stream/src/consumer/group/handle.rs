use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::Client;
use kafka_core::protocol::ErrorCode;
use kafka_core::watch;
use kafka_core::{Error, ErrorKind, Result};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::driver::Driver;
use super::offsets::Offsets;
use super::polls::{ListenGuard, PollGuard, Polls};
use super::standing::{Losses, Snapshot};
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

/// A consumer's side of its group membership. Dropping it ends the task without leaving the group; see
/// [`leave`](Self::leave).
#[derive(Debug)]
pub(crate) struct GroupHandle {
    commands: mpsc::UnboundedSender<Command>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Told>>,
    polls: Arc<Polls>,
    snapshot: watch::Receiver<Snapshot>,
    losses: Arc<Losses>,
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
        let losses = Arc::<Losses>::default();
        let standing = (snapshot.clone(), Arc::clone(&losses));
        let offsets = Offsets::new(client.clone(), &settings, standing, commands.downgrade());
        let published = (publish, Arc::clone(&losses));
        let driver = Driver::new(client, config, settings, to_consumer, published, Arc::clone(&polls));
        tokio::spawn(driver.run(to_task));
        Ok(Self {
            commands,
            events: tokio::sync::Mutex::new(events),
            polls,
            snapshot,
            losses,
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
        Polls::polling(&self.polls)
    }

    /// Says that a rebalance listener is at work, until the guard is dropped: that does count against it.
    pub(crate) fn listening(&self) -> ListenGuard {
        Polls::listening(&self.polls)
    }

    /// When the user polled last, as far as `max.poll.interval.ms` is concerned.
    pub(crate) fn last_poll(&self, now: Instant) -> Instant {
        self.polls.last(now)
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

    /// A [`GroupEvent::Lost`] was worked off, or will never be: before that nothing is committed.
    pub(crate) fn loss_heard(&self) {
        self.losses.hear();
    }

    /// Whether each [`GroupEvent::Lost`] so far was worked off.
    pub(crate) fn losses_are_heard(&self) -> bool {
        self.losses.all_heard().is_some()
    }

    /// Waits until membership is lost and that is not worked off yet: the event is on its way. Cancel safe.
    pub(crate) async fn lost(&self) {
        self.losses.unheard().await;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_poll_that_waits_is_no_overrun_and_a_listener_at_work_is_one_however_often_is_polled() {
        let polls = Arc::new(Polls::new());
        let begin = Instant::now();
        let pass = || tokio::time::advance(Duration::from_secs(10));
        pass().await;
        assert_eq!(polls.last(Instant::now()), begin);
        let _polling = Polls::polling(&polls);
        pass().await;
        assert_eq!(polls.last(Instant::now()), begin + Duration::from_secs(20));

        let listening = Polls::listening(&polls);
        for _ in 0..3 {
            pass().await;
            drop(Polls::polling(&polls));
            assert_eq!(polls.last(Instant::now()), begin + Duration::from_secs(20));
        }
        // The task is not woken for what only the listener's end changes, and then it is.
        polls.expect(true);
        assert!(tokio::time::timeout(Duration::from_secs(1), polls.polled()).await.is_err());
        drop(listening);
        polls.polled().await;
        assert_eq!(polls.last(Instant::now()), begin + Duration::from_secs(51));
    }
}
