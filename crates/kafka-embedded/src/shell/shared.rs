use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::watch;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Doors;
use crate::core::{Answer, AnyRequest, Call, Cluster, Outcome, Ticket, Time};
use crate::disk::{Disk, Done};
use crate::faults::{Effect, LinkEffect, Moment};

/// The core, and who waits for its answers.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    started: Instant,
    /// Tells what is on disk, if there is one.
    done: Option<Done>,
    /// The ways to brokers that run, without sockets.
    pub(crate) doors: Arc<Doors>,
    /// The clock's task is to look again when it must wake.
    pub(super) clock: Notify,
    /// Whether anything is wrong with any connection; each change is seen by those that wait for one.
    pub(super) broken_links: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    core: Cluster,
    waiting: HashMap<Ticket, oneshot::Sender<Stamped>>,
    disk: Option<Disk>,
    next_ticket: u64,
    /// By how much the cluster's clock was moved ahead.
    advanced: Duration,
    /// When the clock's task wakes by itself.
    wakes_at: Option<Time>,
}

/// An answer, and the group of changes that must be on disk before it may leave.
#[derive(Debug)]
pub(super) struct Stamped {
    pub(super) answer: Answer,
    pub(super) group: u64,
}

/// What a connection does with the request that it handed in.
#[derive(Debug)]
pub(super) enum Submitted {
    Answer(Stamped),
    Later(oneshot::Receiver<Stamped>),
    /// Nothing, and nothing more is read for so long.
    Silence(Duration),
    /// The connection ends after it.
    Last(Stamped),
    /// The connection ends.
    Close,
}

impl State {
    /// Hands what changed to the disk; the group that it is part of.
    fn write(&mut self) -> u64 {
        match &mut self.disk {
            Some(disk) => disk.write(self.core.take_changes()),
            None => 0,
        }
    }
}

impl Shared {
    pub(crate) fn new(core: Cluster, disk: Option<Disk>) -> Self {
        let done = disk.as_ref().map(Disk::done);
        let state = State {
            core,
            waiting: HashMap::new(),
            disk,
            next_ticket: 0,
            advanced: Duration::ZERO,
            wakes_at: None,
        };
        Self {
            done,
            state: Mutex::new(state),
            started: Instant::now(),
            doors: Arc::default(),
            clock: Notify::new(),
            broken_links: watch::Sender::new(false),
        }
    }

    /// Hands a request to the core, and says what a fault does to it or to its answer.
    pub(super) fn submit(&self, mut call: Call, request: Box<dyn AnyRequest>) -> (Submitted, Option<Effect>) {
        let mut state = self.state.lock();
        call.ticket = Ticket(state.next_ticket);
        state.next_ticket += 1;
        let now = self.now(&state);
        let effect = state.core.meet(now, &call, request.as_ref());
        let outcome = match effect {
            Some(Effect::Reply(code)) => Outcome::Answer(request.fail(&mut state.core, &call, code)),
            Some(Effect::ReplyAfterApplying(code)) => {
                let again = request.duplicate();
                match state.core.handle(now, &mut call, request) {
                    Outcome::Answer(_) => Outcome::Answer(again.fail(&mut state.core, &call, code)),
                    other => other,
                }
            }
            Some(Effect::DropConnection(Moment::BeforeApplying)) => Outcome::Close,
            _ => {
                let (key, begun) = (request.api_key(), Instant::now());
                let mut outcome = state.core.handle(now, &mut call, request);
                state.core.charge(&call, key, begun.elapsed(), &mut outcome);
                outcome
            }
        };
        let group = state.write();
        let submitted = match outcome {
            Outcome::Answer(answer) => Submitted::Answer(Stamped { answer, group }),
            Outcome::Silence(time) => Submitted::Silence(time),
            Outcome::Last(answer) => Submitted::Last(Stamped { answer, group }),
            Outcome::Close => Submitted::Close,
            Outcome::Later => {
                let (sender, receiver) = oneshot::channel();
                state.waiting.insert(call.ticket, sender);
                Submitted::Later(receiver)
            }
        };
        self.settle(&mut state);
        (submitted, effect)
    }

    /// Looks into the core, or changes it, at the present time.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Cluster) -> T) -> T {
        let mut state = self.state.lock();
        let now = self.now(&state);
        state.core.tick(now);
        let result = act(&mut state.core);
        self.settle(&mut state);
        result
    }

    /// Waits until what an answer may tell of is on disk.
    pub(super) async fn written(&self, group: u64) -> io::Result<()> {
        match &self.done {
            Some(done) => done.wait(group).await,
            None => Ok(()),
        }
    }

    /// Waits until nothing can be written any more; for ever without a disk.
    pub(crate) async fn disk_failed(&self) {
        match self.done.clone() {
            Some(done) => done.failed().await,
            None => std::future::pending().await,
        }
    }

    /// Writes what there is left to write, and lets go of the folder.
    pub(crate) fn close_disk(&self) {
        let disk = self.state.lock().disk.take();
        drop(disk);
    }

    /// What is wrong with a connection of this client to this broker.
    pub(super) fn link(&self, broker: i32, client: Option<&str>) -> Option<LinkEffect> {
        self.state.lock().core.faults.link(broker, client)
    }

    /// Tells all connections that faults of the network have begun or ended.
    pub(crate) fn links_changed(&self) {
        let broken = self.with(|cluster| cluster.faults.has_links());
        self.broken_links.send_replace(broken);
    }

    /// Moves the cluster's clock ahead.
    pub(crate) fn advance(&self, by: Duration) {
        self.state.lock().advanced += by;
        self.with(|_| ());
    }

    /// How long the clock's task is to sleep; `None` until it is told.
    pub(super) fn sleep(&self) -> Option<Duration> {
        let mut state = self.state.lock();
        let now = self.now(&state);
        state.wakes_at = state.core.next_deadline();
        state.wakes_at.map(|at| at.saturating_sub(now))
    }

    fn now(&self, state: &State) -> Time {
        self.started.elapsed() + state.advanced
    }

    /// Sends answers that became ready, and sees that the clock wakes in time.
    fn settle(&self, state: &mut State) {
        let group = state.write();
        for (ticket, answer) in state.core.take_answers() {
            if let Some(sender) = state.waiting.remove(&ticket) {
                // A connection that is gone wants no answer.
                let _gone = sender.send(Stamped { answer, group });
            }
        }
        let next = state.core.next_deadline();
        let in_time = match (state.wakes_at, next) {
            (Some(wakes_at), Some(next)) => wakes_at <= next,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        if !in_time {
            self.clock.notify_one();
        }
    }
}
