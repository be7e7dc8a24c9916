use kafka_core::TopicPartition;
use tokio::time::Instant;

use super::{FetchLimits, Positions};
use crate::consumer::fetch::{Chunk, Damage};

/// A chunk in the hands of `poll`: taken out, so that it is decoded while nobody waits for the lock.
#[derive(Debug)]
pub(crate) struct InHand {
    pub(crate) tp: TopicPartition,
    pub(crate) chunk: Chunk,
    /// The offset to start at.
    pub(crate) position: i64,
    /// That of the partition: another one means that it was moved.
    pub(crate) stamp: u64,
    /// Its bytes when it was taken.
    bytes: usize,
}

impl Positions {
    /// The next chunk in turn that is not paused. Give it back with [`put_back`](Self::put_back).
    pub(crate) fn take_chunk(&mut self) -> Option<InHand> {
        for _ in 0..self.ready.len() {
            let tp = self.ready.pop_front()?;
            let Some(assigned) = self.partitions.get_mut(&tp) else { continue };
            if assigned.paused {
                self.ready.push_back(tp);
                continue;
            }
            assigned.queued = false;
            let Some(chunk) = assigned.chunks.pop_front() else { continue };
            let bytes = chunk.bytes();
            return Some(InHand { position: assigned.position, stamp: assigned.stamp, tp, chunk, bytes });
        }
        None
    }

    /// Gives a chunk back with the position that was reached in it; the partition goes to the end of the turn. Says
    /// whether the partition, or all together, had too much buffered to be fetched and now has not.
    ///
    /// `None` means that the partition was moved or taken away meanwhile: what was decoded must not be handed out.
    pub(crate) fn put_back(
        &mut self,
        in_hand: InHand,
        position: i64,
        epoch: Option<i32>,
        limits: FetchLimits,
    ) -> Option<bool> {
        let InHand { tp, chunk, stamp, bytes, .. } = in_hand;
        let assigned = self.partitions.get_mut(&tp).filter(|assigned| assigned.stamp == stamp)?;
        let left = chunk.bytes();
        let used = bytes.saturating_sub(left);
        let partition_limit = usize::try_from(limits.partition_bytes).unwrap_or(usize::MAX);
        let was_full = assigned.buffered >= partition_limit || self.buffered >= limits.total_bytes;
        assigned.buffered = assigned.buffered.saturating_sub(used);
        self.buffered = self.buffered.saturating_sub(used);
        let is_full = assigned.buffered >= partition_limit || self.buffered >= limits.total_bytes;
        if position > assigned.position {
            assigned.position = position;
            assigned.corrupt = 0;
        }
        assigned.position_epoch = epoch.or(assigned.position_epoch);
        if !chunk.is_empty() {
            assigned.chunks.push_front(chunk);
        }
        self.queue(&tp);
        Some(was_full && !is_full)
    }

    /// A chunk cannot be decoded further; see [`on_damage`](Self::on_damage).
    pub(crate) fn damaged(&mut self, in_hand: &InHand, damage: &Damage, retry_at: Instant) {
        self.on_damage(&in_hand.tp, in_hand.stamp, damage, retry_at);
    }

    /// Puts a partition at the end of the turn, if it has something to hand out and is not in it.
    pub(super) fn queue(&mut self, tp: &TopicPartition) {
        if let Some(assigned) = self.partitions.get_mut(tp)
            && !assigned.queued
            && !assigned.chunks.is_empty()
        {
            assigned.queued = true;
            self.ready.push_back(tp.clone());
        }
    }

    /// Whether `poll` has anything to hand out.
    #[cfg(test)]
    pub(crate) fn has_ready(&self) -> bool {
        self.ready.iter().any(|tp| self.partitions.get(tp).is_some_and(|assigned| !assigned.paused))
    }
}
