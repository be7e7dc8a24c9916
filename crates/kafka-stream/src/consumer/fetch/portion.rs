//! How much one fetch asks a broker for.
//!
//! A large answer is read into fresh memory and out of the processor's caches again: of a hundred partitions, answers of 4 MiB
//! take half the processor time of those of 30 MiB, and a third of the memory. But where the broker is far away, each answer
//! costs a round trip, and small ones would bound what a connection carries. So more is asked for the farther it is, up to
//! `fetch.max.bytes`. How far that is, the quickest answer so far tells.

use std::time::Duration;

/// What is asked for where the broker is near.
const NEAR: i32 = 4 << 20;
/// As far as that. Each time this is added to the way, as much again is asked for: 400 MB a second, whatever the distance.
const WAY: Duration = Duration::from_millis(10);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Portion {
    /// `fetch.max.bytes`.
    most: i32,
    /// The least time that an answer took.
    way: Option<Duration>,
}

impl Portion {
    pub(super) fn new(most: i32) -> Self {
        Self { most, way: None }
    }

    /// What to ask for, in bytes, where there is `room` for so many and the broker shall wait for `least`.
    pub(super) fn bytes(&self, least: i32, room: usize) -> i32 {
        let ways = self.way.map_or(1, |way| (way.as_millis() / WAY.as_millis()).max(1));
        let wanted = NEAR.saturating_mul(i32::try_from(ways).unwrap_or(i32::MAX));
        wanted.max(least).min(self.most).min(i32::try_from(room).unwrap_or(i32::MAX))
    }

    /// An answer took so long.
    pub(super) fn answered(&mut self, took: Duration) {
        self.way = Some(self.way.map_or(took, |way| way.min(took)));
    }

    /// The connection was lost: the next one may take another way.
    pub(super) fn lost(&mut self) {
        self.way = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: i32 = 52_428_800;

    #[test]
    fn more_is_asked_for_the_farther_the_broker_is() {
        for (millis, times) in [(0, 1), (3, 1), (19, 1), (25, 2), (40, 4), (100, 10)] {
            let mut portion = Portion::new(MOST);
            portion.answered(Duration::from_millis(millis));
            assert_eq!(portion.bytes(1, usize::MAX), NEAR * times, "{millis} ms");
        }
        let mut portion = Portion::new(MOST);
        assert_eq!(portion.bytes(1, usize::MAX), NEAR);
        portion.answered(Duration::MAX);
        assert_eq!(portion.bytes(1, usize::MAX), MOST);
    }

    #[test]
    fn the_quickest_answer_counts_until_the_connection_is_lost() {
        let mut portion = Portion::new(MOST);
        for millis in [500, 80, 200] {
            portion.answered(Duration::from_millis(millis));
        }
        assert_eq!(portion.bytes(1, usize::MAX), NEAR * 8);
        portion.answered(Duration::from_millis(1));
        portion.answered(Duration::from_secs(1));
        assert_eq!(portion.bytes(1, usize::MAX), NEAR);
        portion.lost();
        portion.answered(Duration::from_millis(30));
        assert_eq!(portion.bytes(1, usize::MAX), NEAR * 3);
    }

    #[test]
    fn settings_and_room_bound_it() {
        assert_eq!(Portion::new(1_000).bytes(1, usize::MAX), 1_000);
        let portion = Portion::new(MOST);
        assert_eq!(portion.bytes(8 << 20, usize::MAX), 8 << 20);
        assert_eq!(portion.bytes(8 << 20, 1_000), 1_000);
    }
}
