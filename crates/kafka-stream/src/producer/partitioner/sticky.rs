use std::sync::atomic::{AtomicU32, Ordering};

/// The partition that a topic's records without a key go to at the moment.
///
/// How much it got since it was chosen, its queue counts under the lock that it is appended to with anyway.
#[derive(Debug)]
pub(crate) struct Sticky(AtomicU32);

impl Sticky {
    pub(crate) fn new(partition: u32) -> Self {
        Self(AtomicU32::new(partition))
    }

    /// The partition in use.
    pub(crate) fn current(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Moves from partition `from` to what `pick` gives, unless another sender has already moved on.
    pub(crate) fn switch(&self, from: u32, pick: impl FnOnce() -> u32) {
        if self.current() == from {
            let _ = self.0.compare_exchange(from, pick(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_of_two_senders_switches() {
        let sticky = Sticky::new(1);
        sticky.switch(1, || 2);
        sticky.switch(1, || 9);
        assert_eq!(sticky.current(), 2);
    }
}
