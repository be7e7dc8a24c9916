use std::sync::atomic::{AtomicU64, Ordering};

/// The partition that a topic's records without a key go to at the moment, and the bytes it got since it was chosen.
///
/// Both live in one word, so that the path of every record takes no lock: partition above, bytes below.
#[derive(Debug)]
pub(crate) struct Sticky(AtomicU64);

impl Sticky {
    pub(crate) fn new(partition: u32) -> Self {
        Self(AtomicU64::new(pack(partition, 0)))
    }

    /// The partition in use, and the bytes that went to it.
    pub(crate) fn current(&self) -> (u32, u32) {
        unpack(self.0.load(Ordering::Relaxed))
    }

    /// Counts `bytes` that went to `partition`; if it is no longer the one in use, they no longer matter.
    pub(crate) fn appended(&self, partition: u32, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // A switch between load and store makes the exchange fail, and the bytes belong to the past.
        let word = self.0.load(Ordering::Relaxed);
        let (current, count) = unpack(word);
        if current == partition {
            let next = pack(partition, count.saturating_add(bytes));
            let _ = self.0.compare_exchange(word, next, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Moves from partition `from` to what `pick` gives, unless another sender has already moved on.
    pub(crate) fn switch(&self, from: u32, pick: impl FnOnce() -> u32) {
        let word = self.0.load(Ordering::Relaxed);
        if unpack(word).0 == from {
            let next = pack(pick(), 0);
            let _ = self.0.compare_exchange(word, next, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

fn pack(partition: u32, bytes: u32) -> u64 {
    u64::from(partition) << 32 | u64::from(bytes)
}

fn unpack(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_until_the_switch() {
        let sticky = Sticky::new(3);
        sticky.appended(3, 100);
        sticky.appended(3, 50);
        sticky.appended(4, 1_000);
        assert_eq!(sticky.current(), (3, 150));
        sticky.switch(3, || 7);
        assert_eq!(sticky.current(), (7, 0));
    }

    #[test]
    fn only_one_of_two_senders_switches() {
        let sticky = Sticky::new(1);
        sticky.switch(1, || 2);
        sticky.switch(1, || 9);
        assert_eq!(sticky.current(), (2, 0));
    }
}
