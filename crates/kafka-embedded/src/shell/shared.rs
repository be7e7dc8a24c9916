use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Doors;
use crate::core::{Answer, AnyRequest, Call, Cluster, Outcome, Ticket, Time};
use crate::faults::{Effect, Moment};

/// The core, and who waits for its answers.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    started: Instant,
    /// The ways to brokers that run, without sockets.
    pub(crate) doors: Arc<Doors>,
    /// The clock's task is to look again when it must wake.
    pub(super) clock: Notify,
}

#[derive(Debug)]
struct State {
    core: Cluster,
    waiting: HashMap<Ticket, oneshot::Sender<Answer>>,
    next_ticket: u64,
    /// By how much the cluster's clock was moved ahead.
    advanced: Duration,
    /// When the clock's task wakes by itself.
    wakes_at: Option<Time>,
}

/// What a connection does with the request that it handed in.
#[derive(Debug)]
pub(super) enum Submitted {
    Answer(Answer),
    Later(oneshot::Receiver<Answer>),
    Silence,
}

impl Shared {
    pub(crate) fn new(core: Cluster) -> Self {
        let state =
            State { core, waiting: HashMap::new(), next_ticket: 0, advanced: Duration::ZERO, wakes_at: None };
        Self {
            state: Mutex::new(state),
            started: Instant::now(),
            doors: Arc::default(),
            clock: Notify::new(),
        }
    }

    /// Hands a request to the core, and says what a fault does to it or to its answer.
    pub(super) fn submit(&self, mut call: Call, request: Box<dyn AnyRequest>) -> (Submitted, Option<Effect>) {
        let mut state = self.state.lock();
        call.ticket = Ticket(state.next_ticket);
        state.next_ticket += 1;
        let now = self.now(&state);
        let effect = state.core.meet(&call, request.as_ref());
        let outcome = match effect {
            Some(Effect::Reply(code)) => Outcome::Answer(request.fail(&mut state.core, &call, code)),
            Some(Effect::DropConnection(Moment::BeforeApplying)) => Outcome::Silence,
            _ => state.core.handle(now, &call, request),
        };
        let submitted = match outcome {
            Outcome::Answer(answer) => Submitted::Answer(answer),
            Outcome::Silence => Submitted::Silence,
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
        for (ticket, answer) in state.core.take_answers() {
            if let Some(sender) = state.waiting.remove(&ticket) {
                // A connection that is gone wants no answer.
                let _gone = sender.send(answer);
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
