//! When the user polled, as the consumer tells the group's task: by numbers that neither waits for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Notify, Ordering, fence};

/// When the user polled, as the handle tells the task.
#[derive(Debug)]
pub(crate) struct Polls {
    started: Instant,
    /// Microseconds from `started` to the last poll.
    last: AtomicU64,
    /// Polls that wait at this moment.
    waiting: AtomicUsize,
    /// Microseconds from `started` to when the rebalance listener at work was called, and one; 0 if none is.
    listening: AtomicU64,
    /// Whether the task waits for a poll.
    awaited: AtomicBool,
    polled: Notify,
}

impl Polls {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            last: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            listening: AtomicU64::new(0),
            awaited: AtomicBool::new(false),
            polled: Notify::new(),
        }
    }

    /// When the user last polled; now, while a poll waits. While a rebalance listener is at work, when that was called,
    /// however often is polled meanwhile: others wait for it.
    pub(crate) fn last(&self, now: Instant) -> Instant {
        if let Some(micros) = self.listening.load(Ordering::Acquire).checked_sub(1) {
            return self.started + Duration::from_micros(micros);
        }
        if self.waiting.load(Ordering::Acquire) > 0 {
            return now;
        }
        self.started + Duration::from_micros(self.last.load(Ordering::Acquire))
    }

    /// Says whether the task must be woken by the next poll.
    pub(crate) fn expect(&self, awaited: bool) {
        self.awaited.store(awaited, Ordering::Release);
        // Either this sees what a poll wrote, or that sees this: see `tick`.
        fence(Ordering::SeqCst);
        // What a listener at work holds up goes on when it is done, with a tick.
        let listening = self.listening.load(Ordering::Acquire) > 0;
        if awaited && !listening && self.waiting.load(Ordering::Acquire) > 0 {
            self.polled.notify_one();
        }
    }

    pub(crate) async fn polled(&self) {
        self.polled.notified().await;
    }

    /// Says that a poll waits, until the guard is dropped.
    pub(crate) fn polling(polls: &Arc<Self>) -> PollGuard {
        polls.waiting.fetch_add(1, Ordering::AcqRel);
        polls.tick();
        PollGuard { polls: Arc::clone(polls) }
    }

    /// Says that a rebalance listener is at work, until the guard is dropped.
    pub(crate) fn listening(polls: &Arc<Self>) -> ListenGuard {
        polls.listening.store(polls.micros().saturating_add(1), Ordering::Release);
        ListenGuard { polls: Arc::clone(polls) }
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn tick(&self) {
        self.last.fetch_max(self.micros(), Ordering::AcqRel);
        fence(Ordering::SeqCst);
        if self.awaited.load(Ordering::Acquire) {
            self.polled.notify_one();
        }
    }
}

/// A `poll` that waits; see [`Polls::polling`].
#[derive(Debug)]
pub(crate) struct PollGuard {
    polls: Arc<Polls>,
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        self.polls.tick();
        self.polls.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A rebalance listener at work; see [`Polls::listening`].
#[derive(Debug)]
pub(crate) struct ListenGuard {
    polls: Arc<Polls>,
}

impl Drop for ListenGuard {
    fn drop(&mut self) {
        self.polls.listening.store(0, Ordering::Release);
        self.polls.tick();
    }
}
