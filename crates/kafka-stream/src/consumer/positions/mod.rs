//! Where the consumer stands in each assigned partition.
//!
//! A pure state machine: no socket, no task, and the time is an argument. [`Positions`] holds the assigned partitions;
//! the resolver gives them their first offset, the fetch tasks ask it what to fetch and put what came into it, `poll`
//! takes records out, and the user moves positions with seek, pause and resume. Each partition carries a stamp that
//! changes with every seek and assignment, so that an answer to an older question is recognised and dropped: that is
//! what keeps records in order, without gaps and repeats, whatever happens at the same time.

mod assigned;
mod faults;
mod fetching;
mod proof;
mod take;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kafka_core::TopicPartition;
use tokio::time::Instant;

pub(crate) use assigned::{Assigned, Halt, OffsetSpec, Phase, Replica};
pub(crate) use fetching::{FetchLimits, FetchNeed, Fetched};
pub(crate) use proof::Unproven;

use super::fetch::TopicId;

/// The leader of a partition as the metadata has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) broker: i32,
    pub(crate) epoch: i32,
    pub(crate) topic_id: TopicId,
}

/// All assigned partitions of one consumer.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    partitions: BTreeMap<TopicPartition, Assigned>,
    /// Partitions with something to hand out, the next one first.
    ready: VecDeque<TopicPartition>,
    /// Bytes of all buffered chunks.
    buffered: usize,
    /// The last stamp given.
    stamps: u64,
    /// Whether a partition was halted, and may be still: every poll asks, and few ever are.
    any_halted: bool,
}

impl Positions {
    /// Makes `wanted` the assignment: partitions that stay keep their position, new ones start in `phase`.
    pub(crate) fn assign(&mut self, wanted: &BTreeSet<TopicPartition>, phase: &Phase) {
        let gone: Vec<_> = self.partitions.keys().filter(|tp| !wanted.contains(*tp)).cloned().collect();
        self.revoke(&gone);
        for tp in wanted {
            self.add(tp, phase.clone());
        }
    }

    /// Adds one partition; nothing happens if it is there.
    pub(crate) fn add(&mut self, tp: &TopicPartition, phase: Phase) {
        if !self.partitions.contains_key(tp) {
            self.stamps += 1;
            self.any_halted |= matches!(phase, Phase::Halted(_));
            self.partitions.insert(tp.clone(), Assigned::new(phase, self.stamps));
        }
    }

    /// Adds one partition that the group assigned, of the topic of this id if it said one.
    pub(crate) fn add_by_group(&mut self, tp: &TopicPartition, topic_id: Option<TopicId>) {
        self.add(tp, Phase::Committed);
        if let Some(assigned) = self.partitions.get_mut(tp) {
            assigned.meant = topic_id;
        }
    }

    /// Takes partitions away, with everything buffered of them.
    pub(crate) fn revoke<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        for tp in partitions {
            if let Some(assigned) = self.partitions.remove(tp) {
                self.buffered -= assigned.buffered;
            }
        }
        let kept = &self.partitions;
        self.ready.retain(|tp| kept.contains_key(tp));
    }

    /// Takes all partitions away.
    pub(crate) fn clear(&mut self) {
        self.partitions.clear();
        self.ready.clear();
        self.buffered = 0;
    }

    pub(crate) fn contains(&self, tp: &TopicPartition) -> bool {
        self.partitions.contains_key(tp)
    }

    pub(crate) fn get(&self, tp: &TopicPartition) -> Option<&Assigned> {
        self.partitions.get(tp)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &Assigned)> {
        self.partitions.iter()
    }

    /// Bytes fetched and not handed out.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.buffered
    }

    /// Moves a partition; what was fetched or is under way for the old position is dropped. False if not assigned.
    pub(crate) fn seek(&mut self, tp: &TopicPartition, offset: i64, epoch: Option<i32>) -> bool {
        self.restart(tp, Phase::Fetching, offset, epoch)
    }

    /// Lets the resolver find a partition's position anew. False if not assigned.
    pub(crate) fn reset(&mut self, tp: &TopicPartition, spec: OffsetSpec) -> bool {
        let position = self.partitions.get(tp).map_or(-1, |assigned| assigned.position);
        self.restart(tp, Phase::Reset(spec), position, None)
    }

    fn restart(&mut self, tp: &TopicPartition, phase: Phase, offset: i64, epoch: Option<i32>) -> bool {
        self.stamps += 1;
        let stamp = self.stamps;
        let Some(assigned) = self.partitions.get_mut(tp) else { return false };
        self.buffered -= assigned.buffered;
        assigned.restart(phase, offset, epoch, stamp);
        self.ready.retain(|ready| ready != tp);
        true
    }

    /// Stops a partition with an error for the user; `seek` or a new assignment starts it again.
    pub(crate) fn halt(&mut self, tp: &TopicPartition, halt: Halt) {
        let Some(assigned) = self.partitions.get(tp) else { return };
        let (position, epoch) = (assigned.position, assigned.position_epoch);
        self.any_halted = true;
        self.restart(tp, Phase::Halted(halt), position, epoch);
    }

    /// Stops handing out and fetching. False if not assigned.
    pub(crate) fn pause(&mut self, tp: &TopicPartition) -> bool {
        self.partitions.get_mut(tp).map(|assigned| assigned.paused = true).is_some()
    }

    /// Undoes [`pause`](Self::pause). False if not assigned.
    pub(crate) fn resume(&mut self, tp: &TopicPartition) -> bool {
        self.partitions.get_mut(tp).map(|assigned| assigned.paused = false).is_some()
    }

    /// Takes over the leaders of a metadata snapshot; `leader_of` is asked for each assigned partition.
    ///
    /// A topic that was deleted and created again (another id) has nothing to do with the old position: such
    /// partitions are returned, to be reset by policy.
    pub(crate) fn update_leaders(
        &mut self,
        leader_of: impl Fn(&TopicPartition) -> Option<Leader>,
    ) -> Vec<TopicPartition> {
        let mut recreated = Vec::new();
        for (tp, assigned) in &mut self.partitions {
            if assigned.update_leader(leader_of(tp)) {
                recreated.push(tp.clone());
            }
        }
        recreated
    }

    /// Takes over one leader that an answer named (KIP-951); false if it is not newer than the one known.
    pub(crate) fn update_leader(&mut self, tp: &TopicPartition, broker: i32, epoch: i32) -> bool {
        let Some(assigned) = self.partitions.get_mut(tp) else { return false };
        let Some(known) = assigned.leader.filter(|known| known.epoch < epoch) else { return false };
        assigned.update_leader(Some(Leader { broker, epoch, ..known }));
        true
    }

    /// Partitions that need the group's committed offset now. Where the topic's id matters, once that is known to be the one
    /// meant: what is committed for another topic of the name says nothing of it.
    pub(crate) fn without_committed(&self, now: Instant) -> Vec<(TopicPartition, u64)> {
        self.waiting(now, |assigned| {
            let is_known = assigned.meant.is_none() || assigned.leader.is_some();
            (assigned.phase == Phase::Committed && is_known).then_some(())
        })
        .map(|(tp, stamp, ())| (tp, stamp))
        .collect()
    }

    /// Partitions whose position must be asked for now, and from which broker.
    pub(crate) fn to_reset(&self, now: Instant) -> Vec<(TopicPartition, u64, OffsetSpec)> {
        self.waiting(now, |assigned| match &assigned.phase {
            Phase::Reset(spec) => Some(*spec),
            _ => None,
        })
        .collect()
    }

    fn waiting<T>(
        &self,
        now: Instant,
        pick: impl Fn(&Assigned) -> Option<T>,
    ) -> impl Iterator<Item = (TopicPartition, u64, T)> {
        self.partitions.iter().filter_map(move |(tp, assigned)| {
            let picked = pick(assigned)?;
            assigned.is_due(now).then(|| (tp.clone(), assigned.stamp, picked))
        })
    }

    /// The resolver found where a partition starts, for the question asked under `stamp`.
    pub(crate) fn resolved(&mut self, tp: &TopicPartition, stamp: u64, offset: i64, epoch: Option<i32>) {
        if self.has_stamp(tp, stamp) {
            self.seek(tp, offset, epoch);
        }
    }

    /// The group has no committed offset for a partition: it starts by `spec`.
    pub(crate) fn uncommitted(&mut self, tp: &TopicPartition, stamp: u64, spec: OffsetSpec) {
        if self.has_stamp(tp, stamp) {
            self.reset(tp, spec);
        }
    }

    /// Tries a partition again after `at`.
    pub(crate) fn retry_after(&mut self, tp: &TopicPartition, stamp: u64, at: Instant) {
        if let Some(assigned) = self.partitions.get_mut(tp).filter(|assigned| assigned.stamp == stamp) {
            assigned.retry_at = Some(at);
            assigned.failures = assigned.failures.saturating_add(1);
        }
    }

    /// How often in a row a partition failed.
    pub(crate) fn failures(&self, tp: &TopicPartition) -> u32 {
        self.partitions.get(tp).map_or(0, |assigned| assigned.failures)
    }

    fn has_stamp(&self, tp: &TopicPartition, stamp: u64) -> bool {
        self.partitions.get(tp).is_some_and(|assigned| assigned.stamp == stamp)
    }

    /// When the next partition that waits after a failure may be tried.
    pub(crate) fn next_retry(&self, now: Instant) -> Option<Instant> {
        self.partitions.values().filter_map(|assigned| assigned.retry_at).filter(|at| *at > now).min()
    }

    /// A halted partition whose error is due to be said (again).
    pub(crate) fn halted_to_say(&mut self, now: Instant) -> Option<(TopicPartition, Halt)> {
        if !self.any_halted {
            return None;
        }
        self.any_halted = false;
        self.partitions.iter_mut().find_map(|(tp, assigned)| {
            let Phase::Halted(halt) = &mut assigned.phase else { return None };
            self.any_halted = true;
            let due = !assigned.paused && halt.said.is_none_or(|said| now >= said + Halt::SAY_AGAIN);
            due.then(|| {
                halt.said = Some(now);
                (tp.clone(), halt.clone())
            })
        })
    }
}
