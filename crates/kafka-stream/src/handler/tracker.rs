use std::collections::VecDeque;

/// Which records of one partition are finished, and so how far it may be committed: up to the first that is not.
///
/// Pure: knows offsets, no records and no consumer.
#[derive(Debug, Default)]
pub(crate) struct OffsetTracker {
    /// What was handed out, from the first record that is not finished on; in the order of offsets.
    pending: VecDeque<(i64, bool)>,
    /// Where the partition goes on after all that was handed out, control records and gaps included.
    next: i64,
    /// The offset last committed, or the first one handed out: only what is beyond is worth a commit.
    floor: Option<i64>,
}

impl OffsetTracker {
    /// Counts a record as handed out. Offsets must grow.
    pub(crate) fn hand_out(&mut self, offset: i64) {
        self.floor.get_or_insert(offset);
        self.pending.push_back((offset, false));
    }

    /// Says where the partition goes on after what was handed out.
    pub(crate) fn advance_to(&mut self, next: i64) {
        self.next = next;
    }

    /// Counts a record as finished.
    pub(crate) fn finish(&mut self, offset: i64) {
        if let Ok(index) = self.pending.binary_search_by_key(&offset, |(offset, _)| *offset)
            && let Some((_, finished)) = self.pending.get_mut(index)
        {
            *finished = true;
        }
        while self.pending.front().is_some_and(|(_, finished)| *finished) {
            self.pending.pop_front();
        }
    }

    /// The offset to commit; `None` if nothing was finished since the last commit.
    pub(crate) fn to_commit(&self) -> Option<i64> {
        let floor = self.floor?;
        let offset = self.pending.front().map_or(self.next, |(offset, _)| *offset);
        (offset > floor).then_some(offset)
    }

    /// Counts `offset` as committed.
    pub(crate) fn committed(&mut self, offset: i64) {
        self.floor = self.floor.max(Some(offset));
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
        offsets.iter().for_each(|offset| tracker.hand_out(*offset));
        tracker.advance_to(next);
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
        tracker.finish(6);
        assert_eq!(tracker.to_commit(), None);
        tracker.finish(5);
        assert_eq!(tracker.to_commit(), Some(9));
        tracker.committed(9);
        assert_eq!(tracker.to_commit(), None);
        tracker.finish(9);
        assert_eq!((tracker.to_commit(), tracker.outstanding()), (Some(12), 0));
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
                tracker.finish(offset);
                unfinished.retain(|other| *other != offset);
                let expected = unfinished.first().copied().unwrap_or(next);
                prop_assert_eq!(tracker.to_commit(), (expected > offsets[0]).then_some(expected));
            }
        }
    }
}
