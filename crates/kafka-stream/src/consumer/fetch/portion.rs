//! How much one fetch asks a broker for.
//!
//! A large answer is read into fresh memory and out of the processor's caches again: of a hundred partitions, answers of 4 MiB
//! take half the processor time of those of 30 MiB, and a third of the memory. But where the broker is far away, each answer
//! costs a round trip, and small ones would bound what a connection carries. So more is asked for the farther it is, up to
//! `fetch.max.bytes`. How far that is, the quickest answer so far tells; of a broker that has just started the first ones are slow,
//! so that no answer more than doubles it.

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
    /// The least time that an answer took beside that for its bytes.
    way: Option<Duration>,
    /// How many times as much as of a near broker is asked for.
    times: i32,
}

impl Portion {
    pub(super) fn new(most: i32) -> Self {
        Self { most, way: None, times: 1 }
    }

    /// What to ask for, in bytes, where there is `room` for so many and the broker shall wait for `least`.
    pub(super) fn bytes(&self, least: i32, room: usize) -> i32 {
        let wanted = NEAR.saturating_mul(self.times);
        wanted.max(least).min(self.most).min(i32::try_from(room).unwrap_or(i32::MAX))
    }

    /// An answer with so many bytes of records took so long. Those that come as quickly as all this is for need their time
    /// themselves: else what is large would seem far, and be asked for again.
    pub(super) fn answered(&mut self, took: Duration, bytes: usize) {
        let took = took.saturating_sub(WAY.mul_f64(bytes as f64 / f64::from(NEAR)));
        let way = self.way.map_or(took, |way| way.min(took));
        self.way = Some(way);
        let ways = i32::try_from(way.as_millis() / WAY.as_millis()).unwrap_or(i32::MAX);
        self.times = ways.min(self.times.saturating_mul(2)).max(1);
    }

    /// The connection was lost: the next one may take another way.
    pub(super) fn lost(&mut self) {
        (self.way, self.times) = (None, 1);
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
            (0..4).for_each(|_| portion.answered(Duration::from_millis(millis), 0));
            assert_eq!(portion.bytes(1, usize::MAX), NEAR * times, "{millis} ms");
        }
        let mut portion = Portion::new(MOST);
        assert_eq!(portion.bytes(1, usize::MAX), NEAR);
        (0..40).for_each(|_| portion.answered(Duration::MAX, 0));
        assert_eq!(portion.bytes(1, usize::MAX), MOST);
    }

    #[test]
    fn each_answer_doubles_it_at_most_so_that_a_few_slow_ones_do_not_count() {
        let mut portion = Portion::new(MOST);
        let mut after = |millis| {
            portion.answered(Duration::from_millis(millis), 0);
            portion.bytes(1, usize::MAX) / NEAR
        };
        assert_eq!([800, 90, 90, 90, 90, 3].map(&mut after), [2, 4, 8, 9, 9, 1]);
    }

    #[test]
    fn a_large_answer_is_not_taken_for_one_from_afar() {
        let mut portion = Portion::new(MOST);
        let mut after = |millis, bytes| {
            portion.answered(Duration::from_millis(millis), bytes);
            portion.bytes(1, usize::MAX) / NEAR
        };
        // As seen of a broker that has just started.
        assert_eq!([(127, 4 << 20), (37, 8 << 20)].map(|(millis, bytes)| after(millis, bytes)), [2, 1]);
        assert_eq!(after(32, 12 << 20), 1, "30 ms for its bytes, 2 to come");
        portion.lost();
        portion.answered(Duration::from_millis(130), 12 << 20);
        portion.answered(Duration::from_millis(130), usize::MAX);
        assert_eq!(portion.bytes(1, usize::MAX), NEAR, "of more bytes than there are");
    }

    #[test]
    fn the_quickest_answer_counts_until_the_connection_is_lost() {
        let mut portion = Portion::new(MOST);
        for millis in [500, 80, 200] {
            portion.answered(Duration::from_millis(millis), 0);
        }
        assert_eq!(portion.bytes(1, usize::MAX), NEAR * 8);
        portion.answered(Duration::from_millis(1), 0);
        portion.answered(Duration::from_secs(1), 0);
        assert_eq!(portion.bytes(1, usize::MAX), NEAR);
        portion.lost();
        (0..2).for_each(|_| portion.answered(Duration::from_millis(30), 0));
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
