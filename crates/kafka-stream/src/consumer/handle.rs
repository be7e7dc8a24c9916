use std::sync::{Arc, Weak};
use std::time::Duration;

use kafka_core::cluster::Client;
use kafka_core::{TopicPartition, validate_topic_name};
use tokio::time::Instant;

use super::group::{ConsumerGroupMetadata, GroupHandle, Offsets};
use super::positions::{Assigned, OffsetSpec, Phase};
use super::shared::Shared;
use super::{ConsumerError, ConsumerErrorKind, ConsumerStats, IsolationLevel};

/// Everything of a [`Consumer`](super::Consumer) but `poll` and its subscription: commits, positions, look-ups.
///
/// Cheap to clone, and usable from any task while another one polls. It keeps neither the consumer nor its membership
/// alive: once the consumer is dropped, nothing is fetched, and commits are refused when its session is over.
#[derive(Clone, Debug)]
pub struct ConsumerHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) group: Option<Membership>,
}

/// What a handle needs of the group. It does not keep the member alive: that is up to the consumer.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) offsets: Offsets,
    pub(super) group: Weak<GroupHandle>,
}

impl ConsumerHandle {
    pub(crate) fn heartbeat_interval(&self) -> Duration {
        self.shared.config.heartbeat_interval
    }

    /// How long until the member leaves its group if neither a poll comes nor the rebalance listener at work is done.
    pub(crate) fn left_of_poll_interval(&self) -> Duration {
        let now = Instant::now();
        let group = self.group.as_ref().and_then(|group| group.group.upgrade());
        group.map_or(Duration::MAX, |group| {
            self.shared
                .config
                .max_poll_interval
                .saturating_sub(now.saturating_duration_since(group.last_poll(now)))
        })
    }

    /// The offset of the next record that `poll` hands out; `None` while it is being looked up.
    ///
    /// # Errors
    /// [`NotAssigned`](ConsumerErrorKind::NotAssigned).
    pub fn position(&self, tp: &TopicPartition) -> Result<Option<i64>, ConsumerError> {
        let positions = self.shared.positions.lock();
        let assigned = positions.get(tp).ok_or_else(|| ConsumerError::not_assigned(tp))?;
        Ok(Some(assigned.position).filter(|at| *at >= 0 && assigned.phase == Phase::Fetching))
    }

    /// Goes on at `offset`; whether it lies in the log shows when it is fetched (`auto_offset_reset`).
    ///
    /// # Errors
    /// [`NotAssigned`](ConsumerErrorKind::NotAssigned), or [`InvalidInput`](ConsumerErrorKind::InvalidInput) for a
    /// negative offset.
    pub fn seek(&self, tp: &TopicPartition, offset: i64) -> Result<(), ConsumerError> {
        if offset < 0 {
            return Err(ConsumerError::new(
                ConsumerErrorKind::InvalidInput,
                format!("seek of {tp} to {offset} is not valid; offsets start at 0, and seek_to_end() goes to the end"),
            )
            .with_partition(tp));
        }
        let moved = self.shared.positions.lock().seek(tp, offset, None);
        self.moved(tp, moved)
    }

    /// Goes on at the first record that is still there. The offset is looked up in the background.
    ///
    /// # Errors
    /// [`NotAssigned`](ConsumerErrorKind::NotAssigned), before any partition is moved.
    pub fn seek_to_beginning(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        self.reset_all(partitions, OffsetSpec::Earliest)
    }

    /// Goes on behind the last record. The offset is looked up in the background.
    ///
    /// # Errors
    /// [`NotAssigned`](ConsumerErrorKind::NotAssigned), before any partition is moved.
    pub fn seek_to_end(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        self.reset_all(partitions, OffsetSpec::Latest)
    }

    /// Goes on at the first record with this timestamp (milliseconds since 1970) or a later one; at the end if there is
    /// none. The offset is looked up in the background.
    ///
    /// # Errors
    /// [`NotAssigned`](ConsumerErrorKind::NotAssigned), before any partition is moved, or
    /// [`InvalidInput`](ConsumerErrorKind::InvalidInput) for a negative timestamp.
    pub fn seek_to_timestamp(
        &self,
        partitions: &[TopicPartition],
        timestamp: i64,
    ) -> Result<(), ConsumerError> {
        check_timestamp(timestamp)?;
        self.reset_all(partitions, OffsetSpec::Timestamp(timestamp))
    }

    fn reset_all(&self, partitions: &[TopicPartition], spec: OffsetSpec) -> Result<(), ConsumerError> {
        {
            let mut positions = self.shared.positions.lock();
            if let Some(tp) = partitions.iter().find(|tp| !positions.contains(tp)) {
                return Err(ConsumerError::not_assigned(tp));
            }
            for tp in partitions {
                positions.reset(tp, spec);
            }
        }
        self.shared.wake_all();
        Ok(())
    }

    fn moved(&self, tp: &TopicPartition, moved: bool) -> Result<(), ConsumerError> {
        if !moved {
            return Err(ConsumerError::not_assigned(tp));
        }
        self.shared.wake_all();
        Ok(())
    }

    /// Hands out no record of these partitions until [`resume`](Self::resume). What is buffered of them stays.
    ///
    /// # Errors
    /// [`NotAssigned`](ConsumerErrorKind::NotAssigned); partitions before that one are paused.
    pub fn pause(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        let mut positions = self.shared.positions.lock();
        let missing = partitions.iter().find(|tp| !positions.pause(tp));
        missing.map_or(Ok(()), |tp| Err(ConsumerError::not_assigned(tp)))
    }

    /// Undoes [`pause`](Self::pause).
    ///
    /// # Errors
    /// [`NotAssigned`](ConsumerErrorKind::NotAssigned); partitions before that one are resumed.
    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<(), ConsumerError> {
        let missing = {
            let mut positions = self.shared.positions.lock();
            partitions.iter().find(|tp| !positions.resume(tp))
        };
        self.shared.wake_all();
        missing.map_or(Ok(()), |tp| Err(ConsumerError::not_assigned(tp)))
    }

    /// The paused partitions.
    pub fn paused(&self) -> Vec<TopicPartition> {
        self.select(|assigned| assigned.paused)
    }

    /// The partitions that are read now.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.select(|_| true)
    }

    fn select(&self, which: impl Fn(&Assigned) -> bool) -> Vec<TopicPartition> {
        let positions = self.shared.positions.lock();
        let mut selected: Vec<_> =
            positions.iter().filter(|(_, assigned)| which(assigned)).map(|(tp, _)| tp.clone()).collect();
        selected.sort_unstable();
        selected
    }

    /// Records of a partition that may be read and were not handed out yet, as of the last fetch; `None` before the first
    /// one, and for a partition that is not assigned.
    pub fn lag(&self, tp: &TopicPartition) -> Option<i64> {
        self.shared.positions.lock().get(tp)?.lag(self.reads_committed())
    }

    /// Who this consumer is in its group, for a transaction that commits offsets in its name; `None` without a group.
    pub fn group_metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.group.as_ref()?.group.upgrade().map(|group| group.metadata())
    }

    /// Whether offsets are committed by time, done with or not.
    pub(crate) fn commits_by_itself(&self) -> bool {
        self.shared.config.enable_auto_commit
    }

    /// The client that the consumer reads with.
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// What was done so far, and how far behind this consumer is.
    pub fn stats(&self) -> ConsumerStats {
        let mut stats = self.shared.counters.stats();
        let positions = self.shared.positions.lock();
        stats.buffered_bytes = positions.buffered_bytes();
        for (_, assigned) in positions.iter() {
            stats.partitions += 1;
            let lag = assigned.lag(self.reads_committed()).and_then(|lag| u64::try_from(lag).ok());
            stats.lag = stats.lag.saturating_add(lag.unwrap_or_default());
        }
        stats
    }

    fn reads_committed(&self) -> bool {
        self.shared.config.isolation_level == IsolationLevel::ReadCommitted
    }

    /// The group's offsets, for `what`.
    pub(super) fn offsets(&self, what: &str) -> Result<&Offsets, ConsumerError> {
        self.group.as_ref().map(|group| &group.offsets).ok_or_else(|| {
            ConsumerError::new(
                ConsumerErrorKind::InvalidConfig,
                format!("group_id is not set, and {what} belong to a group; set it"),
            )
        })
    }
}

pub(super) fn check_topic(topic: &str) -> Result<(), ConsumerError> {
    validate_topic_name(topic).map_err(|error| ConsumerError::from(error).with_topic(topic))
}

pub(super) fn check_timestamp(timestamp: i64) -> Result<(), ConsumerError> {
    if timestamp >= 0 {
        return Ok(());
    }
    Err(ConsumerError::new(
        ConsumerErrorKind::InvalidInput,
        format!("timestamp {timestamp} is not valid; it counts milliseconds since 1970"),
    ))
}
