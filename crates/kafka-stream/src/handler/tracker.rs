use std::collections::VecDeque;

/// Which records of one partition are finished, and so how far it may be committed: up to the first that is not.
///
/// Pure: knows offsets, no records and no consumer.
#[derive(Debug, Default)]
pub(crate) struct OffsetTracker {
    /// What was handed out, from the first record that is not finished on; in the order of offsets.
    pending: VecDeque<HandedOut>,
    /// How often the partition went back: the log was cut off, or the topic created anew, and other records have the
    /// offsets now; or the same ones come again.
    round: u32,
    /// Where the partition goes on after all that was handed out, control records and gaps included.
    next: i64,
    /// The partition's stamp when the last of it was handed out.
    stamp: u64,
    /// The offset last committed, or the first one handed out: only what is beyond is worth a commit.
    floor: Option<i64>,
    /// The leader's epoch when the last record before what is pending was written.
    epoch: Option<i32>,
}

#[derive(Clone, Copy, Debug)]
struct HandedOut {
    offset: i64,
    epoch: Option<i32>,
    round: u32,
    finished: bool,
}

impl OffsetTracker {
    /// Counts a record, written in the leader's `epoch`, as handed out, and returns its round. Offsets grow within a round.
    pub(crate) fn hand_out(&mut self, offset: i64, epoch: Option<i32>) -> u32 {
        if offset < self.next || self.pending.back().is_some_and(|last| last.offset >= offset) {
            self.go_back_to(offset);
        }
        self.floor.get_or_insert(offset);
        self.pending.push_back(HandedOut { offset, epoch, round: self.round, finished: false });
        self.next = offset + 1;
        self.round
    }

    /// What was handed out from `offset` on is gone or comes again; what is before it is still owed.
    fn go_back_to(&mut self, offset: i64) {
        self.round = self.round.wrapping_add(1);
        self.epoch = None;
        self.pending.retain(|handed_out| handed_out.offset < offset);
        let first = self.pending.front().map_or(offset, |handed_out| handed_out.offset);
        self.floor = self.floor.min(Some(first));
    }

    /// Says where the partition goes on after what was handed out under this stamp of it.
    pub(crate) fn advance_to(&mut self, next: i64, stamp: u64) {
        self.next = next;
        self.stamp = stamp;
    }

    /// Takes notice that the partition went on from `offset` under another stamp, of which nothing was handed out yet.
    /// If that is back behind what was, it goes back here too, and what is finished up to there is worth a commit: an
    /// earlier one may stand at an offset that is gone.
    pub(crate) fn follow(&mut self, stamp: u64, (offset, epoch): (i64, Option<i32>)) {
        if self.stamp == stamp {
            return;
        }
        self.stamp = stamp;
        if offset < self.next {
            let finished = self.epoch;
            self.go_back_to(offset);
            self.next = offset;
            let first = self.pending.front().map(|handed_out| handed_out.offset);
            self.floor = Some(first.unwrap_or(offset) - 1);
            self.epoch = if first.is_some() { finished } else { epoch };
        }
    }

    /// Counts a record as finished, unless another one has its offset since.
    pub(crate) fn finish(&mut self, offset: i64, round: u32) {
        if let Ok(index) = self.pending.binary_search_by_key(&offset, |handed_out| handed_out.offset)
            && let Some(handed_out) = self.pending.get_mut(index)
            && handed_out.round == round
        {
            handed_out.finished = true;
        }
        while let Some(finished) = self.pending.pop_front_if(|handed_out| handed_out.finished) {
            self.epoch = finished.epoch;
        }
    }

    /// The epoch that belongs to [`to_commit`](Self::to_commit): whoever goes on there notices by it when the log was cut
    /// off before (KIP-320).
    pub(crate) fn epoch(&self) -> Option<i32> {
        self.epoch
    }

    /// The offset to commit; `None` if nothing was finished since the last commit.
    pub(crate) fn to_commit(&self) -> Option<i64> {
        let floor = self.floor?;
        let offset = self.pending.front().map_or(self.next, |handed_out| handed_out.offset);
        (offset > floor).then_some(offset)
    }

    /// Counts `offset` as committed, unless the partition has gone back behind it meanwhile.
    pub(crate) fn committed(&mut self, offset: i64) {
        if offset <= self.next {
            self.floor = self.floor.max(Some(offset));
        }
    }

    /// How many records were handed out that may not be committed yet.
    pub(crate) fn outstanding(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn handed_out(offsets: &[i64], next: i64) -> OffsetTracker {
        let mut tracker = OffsetTracker::default();
        for offset in offsets {
            tracker.hand_out(*offset, Some(2));
        }
        tracker.advance_to(next, 1);
        tracker
    }

    #[test]
    fn nothing_is_committed_before_something_is_finished() {
        assert_eq!(OffsetTracker::default().to_commit(), None);
        assert_eq!(handed_out(&[5, 6], 7).to_commit(), None);
    }

    #[test]
    fn commits_stop_at_the_first_record_that_is_not_finished() {
        let mut tracker = handed_out(&[5, 6, 9], 12);
        tracker.finish(6, 0);
        assert_eq!(tracker.to_commit(), None);
        tracker.finish(5, 0);
        assert_eq!(tracker.to_commit(), Some(9));
        tracker.committed(9);
        assert_eq!(tracker.to_commit(), None);
        tracker.finish(9, 0);
        assert_eq!((tracker.to_commit(), tracker.outstanding()), (Some(12), 0));
    }

    #[test]
    fn where_the_partition_goes_back_what_ran_before_finishes_nothing_of_what_comes_after() {
        let mut tracker = handed_out(&[3, 4, 5, 6], 7);
        tracker.finish(4, 0);
        tracker.committed(3);
        // The log was cut off at 5: other records have these offsets.
        assert_eq!(tracker.hand_out(5, Some(3)), 1);
        assert_eq!(tracker.hand_out(6, Some(3)), 1);
        tracker.finish(5, 0);
        tracker.finish(3, 0);
        assert_eq!(tracker.to_commit(), Some(5), "3 and 4 are still in the log");
        assert_eq!(tracker.epoch(), Some(2));
        tracker.finish(5, 1);
        assert_eq!(tracker.epoch(), Some(3));
        assert_eq!((tracker.to_commit(), tracker.outstanding()), (Some(6), 1));
    }

    #[test]
    fn what_was_committed_before_a_topic_was_created_anew_does_not_hold_up_commits() {
        let mut tracker = handed_out(&[50, 51], 52);
        tracker.finish(50, 0);
        tracker.committed(51);
        let round = tracker.hand_out(0, Some(0));
        // The answer to a commit from before comes late.
        tracker.committed(52);
        assert_eq!(tracker.to_commit(), None);
        tracker.finish(0, round);
        assert_eq!(tracker.to_commit(), Some(1));
        // The handler of 51 ends, of which nobody is left to hear.
        tracker.finish(51, 0);
        assert_eq!(tracker.to_commit(), Some(1));
    }

    #[test]
    fn a_partition_that_went_back_is_committed_where_it_went_back_to() {
        let mut tracker = handed_out(&[25, 26, 27, 28], 29);
        for offset in [25, 26, 27] {
            tracker.finish(offset, 0);
        }
        tracker.committed(26);
        // The log was cut off at 27, and nothing was written since.
        tracker.follow(2, (27, Some(1)));
        assert_eq!((tracker.to_commit(), tracker.epoch()), (Some(27), Some(1)));
        tracker.committed(27);
        tracker.follow(2, (27, Some(1)));
        assert_eq!((tracker.to_commit(), tracker.outstanding()), (None, 0));
        // The handler of 28 ends, of which nobody is left to hear.
        tracker.finish(28, 0);
        assert_eq!(tracker.to_commit(), None);
        let round = tracker.hand_out(27, Some(3));
        tracker.advance_to(28, 2);
        tracker.finish(27, round);
        assert_eq!(tracker.to_commit(), Some(28));
    }

    #[test]
    fn a_partition_of_a_topic_created_anew_is_committed_at_its_beginning_and_not_where_the_old_one_was() {
        let mut tracker = handed_out(&[15, 16], 17);
        tracker.finish(15, 0);
        tracker.finish(16, 0);
        tracker.follow(2, (0, None));
        assert_eq!(tracker.to_commit(), Some(0));
        tracker.committed(0);
        assert_eq!(tracker.to_commit(), None);
    }

    #[test]
    fn a_partition_that_goes_on_where_it_was_is_committed_as_before() {
        let mut tracker = handed_out(&[15, 16], 17);
        tracker.finish(15, 0);
        tracker.follow(2, (17, Some(2)));
        assert_eq!(tracker.to_commit(), Some(16));
        tracker.finish(16, 0);
        assert_eq!(tracker.to_commit(), Some(17));
    }

    proptest! {
        #[test]
        fn the_offset_to_commit_is_that_of_a_model(
            gaps in prop::collection::vec(1_i64..4, 1..60),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let offsets: Vec<i64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            let next = offsets[offsets.len() - 1] + 1;
            let mut tracker = handed_out(&offsets, next);
            let mut unfinished = offsets.clone();
            for index in order {
                let offset = offsets[index.index(offsets.len())];
                tracker.finish(offset, 0);
                unfinished.retain(|other| *other != offset);
                let expected = unfinished.first().copied().unwrap_or(next);
                prop_assert_eq!(tracker.to_commit(), (expected > offsets[0]).then_some(expected));
            }
        }
    }
}
