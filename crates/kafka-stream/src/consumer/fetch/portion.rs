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
pub(super) struct Portion(i32);

impl Portion {
    pub(super) fn new() -> Self {
        Self(LEAST)
    }

    /// What to ask for, in bytes, where at most `most` are wanted and the broker shall wait for `least`.
    pub(super) fn bytes(&self, least: i32, most: i32) -> i32 {
        self.0.max(least).min(most)
    }

    /// An answer to a request for `asked` bytes brought `got` and took so long.
    pub(super) fn answered(&mut self, asked: i32, got: usize, took: Duration) {
        // A broker ends with whole batches, so that a full answer may fall short.
        let full = usize::try_from(asked).is_ok_and(|asked| got >= asked / 2);
        if !full || asked < self.0 {
            return;
        }
        if took > LONG {
            self.0 = self.0.saturating_mul(2);
        } else if took < SHORT {
            self.0 = (self.0 / 2).max(LEAST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: i32 = 52_428_800;

    fn full(portion: &mut Portion, millis: u64) -> i32 {
        let asked = portion.bytes(1, MOST);
        portion.answered(asked, asked as usize - 100_000, Duration::from_millis(millis));
        portion.bytes(1, MOST)
    }

    #[test]
    fn it_grows_while_answers_take_long_and_shrinks_when_they_come_quickly() {
        let mut portion = Portion::new();
        assert_eq!(full(&mut portion, 3), LEAST);
        assert_eq!(full(&mut portion, 30), LEAST);
        let grown: Vec<_> = (0..6).map(|_| full(&mut portion, 120)).collect();
        assert_eq!(grown, [LEAST * 2, LEAST * 4, LEAST * 8, MOST, MOST, MOST]);
        assert_eq!(full(&mut portion, 30), MOST);
        let shrunk: Vec<_> = (0..6).map(|_| full(&mut portion, 10)).collect();
        assert_eq!(shrunk.last(), Some(&LEAST));
    }

    #[test]
    fn an_answer_that_is_not_full_says_nothing() {
        let mut portion = Portion::new();
        portion.answered(LEAST, 1_000_000, Duration::from_millis(500));
        assert_eq!(portion.bytes(1, MOST), LEAST);
        // Less was asked for than the portion, since no more would have had room.
        portion.answered(1_000, 1_000, Duration::from_millis(500));
        assert_eq!(portion.bytes(1, MOST), LEAST);
    }

    #[test]
    fn the_settings_bound_it() {
        let portion = Portion::new();
        assert_eq!(portion.bytes(1, 1_000), 1_000);
        assert_eq!(portion.bytes(8 << 20, MOST), 8 << 20);
        assert_eq!(portion.bytes(8 << 20, 1_000), 1_000);
    }
}
