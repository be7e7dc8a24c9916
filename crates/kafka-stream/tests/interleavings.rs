//! Every order in which threads may meet where state is shared by the order of reads and writes: the sources of those places
//! are taken in once more, with `loom`'s atomics, locks and wake-ups in place of the real ones.
#![allow(dead_code, reason = "not all of a source is called here")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

#[path = "../src/consumer/group/polls.rs"]
mod polls;
#[path = "../src/handler/valve.rs"]
mod valve;

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use polls::Polls;
use sync::Mutex;
use valve::Valve;

/// Stands in for `kafka_stream`'s own.
mod sync {
    use std::task::Poll;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    /// Keeps one wake-up for whoever waits next, as tokio's does for `notify_one`.
    #[derive(Debug)]
    pub(crate) struct Notify(AtomicBool);

    impl Notify {
        pub(crate) fn new() -> Self {
            Self(AtomicBool::new(false))
        }

        pub(crate) fn notify_one(&self) {
            self.0.store(true, Ordering::SeqCst);
        }

        pub(crate) fn notified(&self) -> impl Future<Output = ()> {
            std::future::poll_fn(|_| match self.0.swap(false, Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
        }
    }
}

/// Whether a wake-up is there for the task.
fn is_woken(polls: &Polls) -> bool {
    let waiting = std::pin::pin!(polls.polled());
    waiting.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
}

#[test]
fn a_task_that_begins_to_wait_for_a_poll_is_woken_by_the_one_that_begins_at_that_moment() {
    loom::model(|| {
        let polls = Arc::new(Polls::new());
        let poll = {
            let polls = Arc::clone(&polls);
            thread::spawn(move || std::mem::forget(Polls::polling(&polls)))
        };
        polls.expect(true);
        poll.join().unwrap();
        assert!(is_woken(&polls));
    });
}

#[test]
fn a_task_that_begins_to_wait_while_a_listener_is_at_work_is_woken_when_that_is_done() {
    loom::model(|| {
        let polls = Arc::new(Polls::new());
        let (polling, listening) = (Polls::polling(&polls), Polls::listening(&polls));
        let listener = thread::spawn(move || drop(listening));
        polls.expect(true);
        listener.join().unwrap();
        assert!(is_woken(&polls));
        drop(polling);
    });
}

/// A partition of which one thread hands out records and others finish them.
struct Flow {
    valve: Valve,
    outstanding: Mutex<usize>,
    is_paused: AtomicBool,
}

impl Flow {
    const LIMIT: usize = 2;

    fn hand_out(&self) {
        let outstanding = {
            let mut outstanding = self.outstanding.lock();
            *outstanding += 1;
            *outstanding
        };
        if outstanding >= Self::LIMIT {
            self.valve.shut(|| self.is_paused.store(true, Ordering::SeqCst));
            self.resume_if_room();
        }
    }

    fn finish(&self) {
        *self.outstanding.lock() -= 1;
        self.resume_if_room();
    }

    fn resume_if_room(&self) {
        let has_room = || *self.outstanding.lock() <= Self::LIMIT / 2;
        self.valve.open_if(has_room, || self.is_paused.store(false, Ordering::SeqCst));
    }
}

#[test]
fn a_partition_is_never_left_paused_once_its_records_are_finished() {
    loom::model(|| {
        let flow = Arc::new(Flow {
            valve: Valve::new(),
            outstanding: Mutex::new(1),
            is_paused: AtomicBool::new(false),
        });
        let lane = {
            let flow = Arc::clone(&flow);
            thread::spawn(move || flow.finish())
        };
        flow.hand_out();
        lane.join().unwrap();
        assert!(!flow.is_paused.load(Ordering::SeqCst), "one is outstanding");
    });
}
