//! Positions that a leader must confirm (KIP-320): after a change of leader, and where a position came with the epoch of
//! the record before it.
//!
//! A leader that was not in sync may lack records that were read, or have others in their place. Newer brokers say so in
//! the answer to a fetch; all of them say where an epoch ends.

use kafka_core::TopicPartition;
use tokio::time::Instant;

use super::{OffsetSpec, Phase, Positions};

/// A question for a partition's leader: where does this epoch end in your log?
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unproven {
    pub(crate) tp: TopicPartition,
    pub(crate) stamp: u64,
    pub(crate) broker: i32,
    /// The epoch of that leader.
    pub(crate) leader_epoch: i32,
    /// Of the last record before `fetch_offset`.
    pub(crate) epoch: i32,
    pub(crate) fetch_offset: i64,
    /// Whether it is asked because of another leader.
    pub(crate) moved: bool,
}

impl Positions {
    /// What must be confirmed before it is fetched, and can be asked now.
    pub(crate) fn to_prove(&self, now: Instant) -> Vec<Unproven> {
        let question = |(tp, assigned): (&TopicPartition, &super::Assigned)| {
            let leader = assigned.leader.filter(|leader| leader.broker >= 0)?;
            let asks = assigned.unproven && assigned.phase == Phase::Fetching && assigned.is_due(now);
            asks.then_some(Unproven {
                tp: tp.clone(),
                stamp: assigned.stamp,
                broker: leader.broker,
                leader_epoch: leader.epoch,
                epoch: assigned.fetch_epoch?,
                fetch_offset: assigned.fetch_offset,
                moved: assigned.moved,
            })
        };
        self.partitions.iter().filter_map(question).collect()
    }

    /// The leader's log has what was read, or cannot be asked: records may be fetched from it. Nothing happens if the
    /// leader or the position is another one by now.
    pub(crate) fn proven(&mut self, question: &Unproven) {
        if let Some(assigned) = self.partitions.get_mut(&question.tp)
            && assigned.stamp == question.stamp
            && assigned.fetch_offset == question.fetch_offset
            && assigned.leader.is_some_and(|leader| leader.epoch == question.leader_epoch)
        {
            assigned.unproven = false;
            assigned.failures = 0;
        }
    }

    /// The leader's answer: `epoch`, the question's or an older one, ends at `end_offset`; both negative if it does not
    /// know.
    pub(crate) fn on_epoch_end(
        &mut self,
        question: &Unproven,
        epoch: i32,
        end_offset: i64,
        policy: Option<OffsetSpec>,
        retry_at: Instant,
    ) {
        if epoch < 0 || end_offset < 0 {
            // It knows nothing of what was read, so neither where to go back to.
            self.on_out_of_range(&question.tp, question.stamp, policy, retry_at);
        } else if end_offset < question.fetch_offset {
            self.on_diverged(&question.tp, question.stamp, epoch, end_offset, policy);
        } else {
            self.proven(question);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::{FetchLimits, Leader};
    use super::*;
    use crate::consumer::ConsumerErrorKind;
    use crate::consumer::fetch::NO_TOPIC_ID;

    fn tp() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    fn lead(positions: &mut Positions, broker: i32, epoch: i32) {
        positions.update_leaders(|_| Some(Leader { broker, epoch, topic_id: NO_TOPIC_ID }));
    }

    /// At offset 10, behind a record of epoch 4, with broker 1 as the leader of epoch 5.
    fn committed() -> Positions {
        let mut positions = Positions::default();
        positions.add(&tp(), Phase::Committed);
        lead(&mut positions, 1, 5);
        let (tp, stamp) = positions.without_committed(Instant::now()).pop().unwrap();
        positions.resolved(&tp, stamp, 10, Some(4));
        positions
    }

    fn is_fetched(positions: &Positions, broker: i32) -> bool {
        let limits = FetchLimits { partition_bytes: 1000, total_bytes: 4000 };
        !positions.fetch_need(broker, Instant::now(), limits).partitions.is_empty()
    }

    fn answer(positions: &mut Positions, epoch: i32, end_offset: i64, policy: Option<OffsetSpec>) {
        let now = Instant::now();
        let question = positions.to_prove(now).pop().unwrap();
        positions.on_epoch_end(&question, epoch, end_offset, policy, now);
    }

    #[test]
    fn a_position_with_an_epoch_is_fetched_once_its_leader_has_confirmed_it() {
        let mut positions = committed();
        assert!(!is_fetched(&positions, 1));
        let asked = positions.to_prove(Instant::now()).pop().unwrap();
        assert_eq!((asked.broker, asked.leader_epoch, asked.epoch, asked.fetch_offset), (1, 5, 4, 10));
        answer(&mut positions, 4, 12, None);
        assert!(is_fetched(&positions, 1));
        assert!(positions.to_prove(Instant::now()).is_empty());
    }

    #[test]
    fn another_leader_must_confirm_anew_and_the_answer_of_the_one_before_does_not_count() {
        let mut positions = committed();
        let old = positions.to_prove(Instant::now()).pop().unwrap();
        lead(&mut positions, 2, 6);
        positions.proven(&old);
        assert!(!is_fetched(&positions, 2));
        answer(&mut positions, 4, 12, None);
        assert!(is_fetched(&positions, 2));
        lead(&mut positions, 2, 6);
        assert!(is_fetched(&positions, 2), "the same leader");
        lead(&mut positions, 3, 7);
        assert!(!is_fetched(&positions, 3));
    }

    #[test]
    fn a_position_without_an_epoch_needs_no_proof() {
        let mut positions = Positions::default();
        positions.add(&tp(), Phase::Committed);
        positions.seek(&tp(), 3, None);
        lead(&mut positions, 1, 5);
        lead(&mut positions, 2, 6);
        assert!(is_fetched(&positions, 2));
    }

    #[test]
    fn a_log_that_ends_earlier_takes_the_position_back_or_halts_it() {
        let mut positions = committed();
        answer(&mut positions, 3, 7, Some(OffsetSpec::Latest));
        assert_eq!(positions.get(&tp()).map(|assigned| assigned.position), Some(7));
        answer(&mut positions, 3, 7, Some(OffsetSpec::Latest));
        assert!(is_fetched(&positions, 1));

        let mut positions = committed();
        answer(&mut positions, 3, 7, None);
        let (_, halt) = positions.halted_to_say(Instant::now()).unwrap();
        assert_eq!((halt.kind, halt.next_offset), (ConsumerErrorKind::LogTruncated, Some(7)));
    }

    #[test]
    fn a_leader_that_knows_nothing_of_the_epoch_has_the_position_reset() {
        let mut positions = committed();
        answer(&mut positions, -1, -1, Some(OffsetSpec::Earliest));
        let (_, _, spec) = positions.to_reset(Instant::now()).pop().unwrap();
        assert_eq!(spec, OffsetSpec::Earliest);
        let mut positions = committed();
        answer(&mut positions, -1, -1, None);
        let (_, halt) = positions.halted_to_say(Instant::now()).unwrap();
        assert_eq!(halt.kind, ConsumerErrorKind::OffsetOutOfRange);
    }
}
