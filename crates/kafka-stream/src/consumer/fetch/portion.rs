//! How much one fetch asks a broker for.
//!
//! A large answer is read into fresh memory and out of the processor's caches again: of a hundred partitions, answers of 4 MiB
//! take half the processor time of those of 30 MiB, and a third of the memory. But where the broker is far away, each answer
//! costs a round trip, and small ones would bound what a connection carries. So the portion grows while full answers take
//! long to come, up to `fetch.max.bytes`, and shrinks again when they come quickly.

use std::time::Duration;

/// What is asked for at first, and at least.
const LEAST: i32 = 4 << 20;
/// A full answer that took longer than this asks for more the next time.
const LONG: Duration = Duration::from_millis(40);
/// A full answer that took less than this asks for less the next time.
const SHORT: Duration = Duration::from_millis(20);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Portion {
    bytes: i32,
    /// `fetch.max.bytes`.
    most: i32,
}

impl Portion {
    pub(super) fn new(most: i32) -> Self {
        Self { bytes: LEAST.min(most), most }
    }

    /// What to ask for, in bytes, where there is `room` for so many and the broker shall wait for `least`.
    pub(super) fn bytes(&self, least: i32, room: usize) -> i32 {
        self.bytes.max(least).min(i32::try_from(room).unwrap_or(i32::MAX))
    }

    /// An answer to a request for `asked` bytes brought `got` and took so long.
    pub(super) fn answered(&mut self, asked: i32, got: usize, took: Duration) {
        // A broker ends with whole batches, so that a full answer may fall short.
        let full = usize::try_from(asked).is_ok_and(|asked| got >= asked / 2);
        if !full || asked < self.bytes {
            return;
        }
        if took > LONG {
            self.bytes = self.bytes.saturating_mul(2).min(self.most);
        } else if took < SHORT {
            self.bytes = (self.bytes / 2).max(LEAST.min(self.most));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: i32 = 52_428_800;

    fn full(portion: &mut Portion, millis: u64) -> i32 {
        let asked = portion.bytes(1, usize::MAX);
        portion.answered(asked, asked as usize - 100_000, Duration::from_millis(millis));
        portion.bytes(1, usize::MAX)
    }

    #[test]
    fn it_grows_while_answers_take_long_and_shrinks_when_they_come_quickly() {
        let mut portion = Portion::new(MOST);
        assert_eq!(full(&mut portion, 3), LEAST);
        assert_eq!(full(&mut portion, 30), LEAST);
        let grown: Vec<_> = (0..6).map(|_| full(&mut portion, 120)).collect();
        assert_eq!(grown, [LEAST * 2, LEAST * 4, LEAST * 8, MOST, MOST, MOST]);
        assert_eq!(full(&mut portion, 30), MOST);
        let shrunk: Vec<_> = (0..6).map(|_| full(&mut portion, 10)).collect();
        assert_eq!(shrunk, [MOST / 2, MOST / 4, MOST / 8, LEAST, LEAST, LEAST]);
    }

    #[test]
    fn an_answer_that_is_not_full_says_nothing() {
        let mut portion = Portion::new(MOST);
        portion.answered(LEAST, 1_000_000, Duration::from_millis(500));
        assert_eq!(portion.bytes(1, usize::MAX), LEAST);
        // Less was asked for than the portion, since no more would have had room.
        portion.answered(1_000, 1_000, Duration::from_millis(500));
        assert_eq!(portion.bytes(1, usize::MAX), LEAST);
    }

    #[test]
    fn settings_and_room_bound_it() {
        let mut small = Portion::new(1_000);
        assert_eq!(small.bytes(1, usize::MAX), 1_000);
        small.answered(1_000, 1_000, Duration::from_secs(1));
        small.answered(1_000, 1_000, Duration::ZERO);
        assert_eq!(small.bytes(1, usize::MAX), 1_000);
        let portion = Portion::new(MOST);
        assert_eq!(portion.bytes(8 << 20, usize::MAX), 8 << 20);
        assert_eq!(portion.bytes(8 << 20, 1_000), 1_000);
    }
}
