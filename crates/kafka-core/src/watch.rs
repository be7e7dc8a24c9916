//! A value that one side replaces and others follow, like tokio's `watch`, except that those who wait are woken in the order
//! in which they began to.
//!
//! Tokio's wakes them in a random order, so that a simulation on a paused clock would take another course each time.

use std::fmt;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::Notify;

/// A sender and a receiver that has seen `value`.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// The side that replaces the value.
pub struct Sender<T>(Arc<Shared<T>>);

/// A side that follows the value. Each clone has its own idea of what it has seen.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

/// Nobody will replace the value any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value will not change any more")]
pub struct Closed;

/// A look at the value. It blocks whoever wants to replace it: keep it short, and not across an `await`.
pub struct Ref<'a, T>(RwLockReadGuard<'a, State<T>>);

struct Shared<T> {
    state: RwLock<State<T>>,
    changed: Notify,
}

struct State<T> {
    value: T,
    version: u64,
    closed: bool,
}

impl<T> Sender<T> {
    /// A sender of a value that nobody follows yet.
    pub fn new(value: T) -> Self {
        let state = RwLock::new(State { value, version: 0, closed: false });
        Self(Arc::new(Shared { state, changed: Notify::new() }))
    }

    /// A receiver that has seen the present value.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver { seen: self.0.state.read().version, shared: Arc::clone(&self.0) }
    }

    /// The present value.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.0.state.read())
    }

    /// Replaces the value and returns the former one.
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|present| std::mem::swap(present, &mut value));
        value
    }

    /// Changes the value in its place.
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// As [`send_modify`](Self::send_modify); the receivers hear of it if `modify` says so.
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let modified = {
            let mut state = self.0.state.write();
            let modified = modify(&mut state.value);
            state.version += u64::from(modified);
            modified
        };
        if modified {
            self.0.changed.notify_waiters();
        }
        modified
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state.write().closed = true;
        self.0.changed.notify_waiters();
    }
}

impl<T> Receiver<T> {
    /// The present value; does not count as seen.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.shared.state.read())
    }

    /// The present value, which counts as seen from now on.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let state = self.shared.state.read();
        self.seen = state.version;
        Ref(state)
    }

    /// Lets the present value count as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.state.read().version;
    }

    /// Whether there is a value that was not seen yet.
    ///
    /// # Errors
    /// [`Closed`], if the sender is gone.
    pub fn has_changed(&self) -> Result<bool, Closed> {
        let state = self.shared.state.read();
        if state.closed { Err(Closed) } else { Ok(state.version != self.seen) }
    }

    /// Waits for a value that was not seen yet, and counts it as seen.
    ///
    /// # Errors
    /// [`Closed`], if the sender is gone and all was seen.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn changed(&mut self) -> Result<(), Closed> {
        self.shared.changed(&mut self.seen).await
    }

    /// Waits until the value is as wanted, which it may be at once; that value counts as seen.
    ///
    /// # Errors
    /// [`Closed`], if the sender is gone and the last value was not as wanted.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn wait_for(&mut self, mut wanted: impl FnMut(&T) -> bool) -> Result<Ref<'_, T>, Closed> {
        let Self { shared, seen } = self;
        let shared: &Shared<T> = shared;
        loop {
            {
                let state = shared.state.read();
                *seen = state.version;
                if wanted(&state.value) {
                    return Ok(Ref(state));
                }
            }
            shared.changed(seen).await?;
        }
    }
}

impl<T> Shared<T> {
    async fn changed(&self, seen: &mut u64) -> Result<(), Closed> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            {
                let state = self.state.read();
                if state.version != *seen {
                    *seen = state.version;
                    return Ok(());
                }
                if state.closed {
                    return Err(Closed);
                }
            }
            changed.await;
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), seen: self.seen }
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&*self.borrow()).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&*self.borrow()).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_receiver_sees_each_change_once_and_the_end() {
        let (sender, mut receiver) = channel(1);
        let mut late = sender.subscribe();
        sender.send_replace(2);
        assert_eq!(receiver.changed().await, Ok(()));
        assert_eq!(*receiver.borrow(), 2);
        assert!(!sender.send_if_modified(|_| false));
        sender.send_modify(|value| *value += 1);
        assert_eq!(*receiver.borrow_and_update(), 3);
        drop(sender);
        assert_eq!(receiver.changed().await, Err(Closed));
        assert_eq!(late.changed().await, Ok(()), "what was not seen comes before the end");
        assert_eq!(late.changed().await, Err(Closed));
    }

    #[tokio::test]
    async fn a_value_is_waited_for() {
        let (sender, mut receiver) = channel(1);
        assert_eq!(*receiver.wait_for(|&value| value == 1).await.unwrap(), 1);
        let waiting = tokio::spawn(async move { receiver.wait_for(|&value| value > 4).await.is_err() });
        for value in 2..5 {
            sender.send_replace(value);
            tokio::task::yield_now().await;
        }
        drop(sender);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn those_who_wait_are_woken_in_their_order() {
        let (sender, receiver) = channel(());
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (mut receiver, order) = (receiver.clone(), Arc::clone(&order));
                tokio::spawn(async move {
                    receiver.changed().await.unwrap();
                    order.lock().unwrap().push(number);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        sender.send_replace(());
        for task in tasks {
            task.await.unwrap();
        }
        assert!(order.lock().unwrap().iter().copied().eq(0..20));
    }
}
