//! The bytes that records may occupy until they are acknowledged (`buffer.memory`).
//!
//! Knows no record and no batch: it hands out [`Reservation`]s, first come first served, and takes them back when they
//! are dropped, which makes it impossible to return one twice or to forget it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// The pool that reservations come from.
#[derive(Debug)]
pub(crate) struct BufferMemory {
    permits: Semaphore,
    limit: usize,
    waiting: AtomicUsize,
}

impl BufferMemory {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let limit = limit.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Arc::new(Self { permits: Semaphore::new(limit), limit, waiting: AtomicUsize::new(0) })
    }

    /// All there is, in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// What is free, in bytes.
    pub(crate) fn available(&self) -> usize {
        self.permits.available_permits()
    }

    /// Whether somebody waits for memory; then nothing should linger.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// A reservation of nothing, to be [extended](Reservation::try_extend).
    pub(crate) fn empty(self: &Arc<Self>) -> Reservation {
        Reservation { memory: self.clone(), bytes: 0 }
    }

    /// Waits for `bytes` behind all who came before; `None` where there will never be so many, or once closed.
    ///
    /// Cancel safe: what was set aside for a dropped wait goes back.
    pub(crate) async fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let _waiting = Waiting::new(&self.waiting);
        let wanted = u32::try_from(bytes).ok().filter(|_| bytes <= self.limit)?;
        self.permits.acquire_many(wanted).await.ok()?.forget();
        Some(Reservation { memory: self.clone(), bytes })
    }

    /// Ends every wait, now and later.
    pub(crate) fn close(&self) {
        self.permits.close();
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes set aside; dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Reservation {
    memory: Arc<BufferMemory>,
    bytes: usize,
}

impl Reservation {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is free of the memory that it comes from, in bytes.
    pub(crate) fn available(&self) -> usize {
        self.memory.available()
    }

    /// A reservation of nothing from the same memory.
    pub(crate) fn none(&self) -> Self {
        self.memory.empty()
    }

    /// Takes `more` bytes at once, if they are free and nobody waits.
    pub(crate) fn try_extend(&mut self, more: usize) -> bool {
        let Ok(wanted) = u32::try_from(more) else { return false };
        match self.memory.permits.try_acquire_many(wanted) {
            Ok(permit) => {
                permit.forget();
                self.bytes += more;
                true
            }
            Err(_) => false,
        }
    }

    /// Takes over up to `bytes` of `other`'s.
    pub(crate) fn take_from(&mut self, other: &mut Self, bytes: usize) {
        let moved = bytes.min(other.bytes);
        other.bytes -= moved;
        self.bytes += moved;
    }

    /// Gives back all but `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        if surplus > 0 {
            self.bytes -= surplus;
            self.memory.permits.add_permits(surplus);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn what_is_dropped_comes_back_once() {
        let memory = BufferMemory::new(100);
        let mut first = memory.empty();
        assert!(first.try_extend(60) && first.try_extend(40) && !first.try_extend(1));
        let mut second = memory.empty();
        second.take_from(&mut first, 70);
        assert_eq!((first.bytes(), second.bytes()), (30, 70));
        second.shrink_to(50);
        assert_eq!(memory.available(), 20);
        drop((first, second));
        assert_eq!(memory.available(), 100);
    }

    #[test]
    fn waiters_are_served_in_order_and_a_small_one_does_not_overtake() {
        let memory = BufferMemory::new(100);
        let mut held = memory.empty();
        assert!(held.try_extend(80));
        let mut cx = Context::from_waker(Waker::noop());
        let mut large = pin!(memory.reserve(90));
        let mut small = pin!(memory.reserve(10));
        assert!(large.as_mut().poll(&mut cx).is_pending() && small.as_mut().poll(&mut cx).is_pending());
        assert!(memory.is_exhausted());
        assert!(!memory.empty().try_extend(5), "nobody overtakes those who wait");
        drop(held);
        let Poll::Ready(Some(granted)) = large.as_mut().poll(&mut cx) else { panic!("should be served") };
        assert_eq!(granted.bytes(), 90);
        assert!(matches!(small.as_mut().poll(&mut cx), Poll::Ready(Some(_))));
    }

    #[test]
    fn a_dropped_wait_gives_back_what_was_set_aside_for_it() {
        let memory = BufferMemory::new(100);
        let mut held = memory.empty();
        assert!(held.try_extend(80));
        let mut waiting = Box::pin(memory.reserve(50));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(waiting);
        assert!(!memory.is_exhausted());
        assert_eq!(memory.available(), 20);
        drop(held);
        assert_eq!(memory.available(), 100);
    }

    #[test]
    fn more_than_there_is_is_never_waited_for() {
        let memory = BufferMemory::new(100);
        let mut wait = pin!(memory.reserve(101));
        assert!(matches!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(None)));
    }
}
