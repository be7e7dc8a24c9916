//! Commits of what is finished: every while, before partitions are given away, and at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_core::TopicPartition;
use tokio::sync::Mutex;

use super::partitions::Partition;
use super::stats::{Counters, count};
use crate::consumer::{ConsumerError, ConsumerHandle, OffsetAndMetadata};

/// Commits one at a time, so that an older offset never follows a newer one.
pub(crate) struct Commits {
    consumer: ConsumerHandle,
    counters: Arc<Counters>,
    turn: Mutex<()>,
}

impl Commits {
    pub(crate) fn new(consumer: ConsumerHandle, counters: Arc<Counters>) -> Self {
        Self { consumer, counters, turn: Mutex::new(()) }
    }

    /// Commits what is finished in these partitions and was not committed yet.
    ///
    /// # Errors
    /// The commit's own. Nothing is lost by it: the next commit covers what this one would have.
    pub(crate) async fn commit(&self, partitions: &[Arc<Partition>]) -> Result<(), ConsumerError> {
        let _turn = self.turn.lock().await;
        let offsets: BTreeMap<TopicPartition, OffsetAndMetadata> = partitions
            .iter()
            .filter_map(|partition| {
                let (stamp, restarted_at) = self.consumer.restarted_at(&partition.tp)?;
                let mut tracker = partition.tracker.lock();
                tracker.follow(stamp, restarted_at);
                let mut at = OffsetAndMetadata::new(tracker.to_commit()?);
                at.leader_epoch = tracker.epoch();
                Some((partition.tp.clone(), at))
            })
            .collect();
        if offsets.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.consumer.commit_sync_offsets(offsets.clone()).await {
            count(&self.counters.failed_commits);
            return Err(error);
        }
        count(&self.counters.commits);
        for partition in partitions {
            if let Some(committed) = offsets.get(&partition.tp) {
                partition.tracker.lock().committed(committed.offset);
            }
        }
        Ok(())
    }
}
