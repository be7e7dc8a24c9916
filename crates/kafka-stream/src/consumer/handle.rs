use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kafka_core::{TopicPartition, validate_topic_name};

use super::group::{CommitError, ConsumerGroupMetadata, GroupHandle, OffsetAndMetadata};
use super::list_offsets::{Found, look_up};
use super::positions::{OffsetSpec, Phase};
use super::shared::Shared;
use super::{ConsumerError, ConsumerErrorKind, ConsumerStats, IsolationLevel};

/// Everything of a [`Consumer`](super::Consumer) but `poll` and its subscription: commits, positions, look-ups.
///
/// Cheap to clone, and usable from any task while another one polls. It keeps neither the consumer nor its membership
/// alive: once the consumer is dropped, nothing is fetched and commits are refused by the group.
#[derive(Clone, Debug)]
pub struct ConsumerHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) group: Option<Arc<GroupHandle>>,
}

/// The first record at or behind a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffsetAndTimestamp {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970.
    pub timestamp: i64,
    /// The leader's epoch when it was appended, if known.
    pub leader_epoch: Option<i32>,
}

impl ConsumerHandle {
    /// Commits the position of every assigned partition: all that was handed out counts as done.
    ///
    /// # Errors
    /// As [`commit_sync_offsets`](Self::commit_sync_offsets).
    ///
    /// # Cancel safety
    /// If dropped, the commit may or may not be applied; nothing else changes.
    pub async fn commit_sync(&self) -> Result<(), ConsumerError> {
        self.commit_sync_offsets(self.handed_out()).await
    }

    /// Commits these offsets: for each partition the next one to read.
    ///
    /// Repeats what fails for a reason that passes, for up to `default_api_timeout`.
    ///
    /// # Errors
    /// [`CommitFailed`](ConsumerErrorKind::CommitFailed) if the group has gone on without this member,
    /// [`RebalanceInProgress`](ConsumerErrorKind::RebalanceInProgress) if it rebalances at this moment,
    /// [`Fenced`](ConsumerErrorKind::Fenced), [`InvalidConfig`](ConsumerErrorKind::InvalidConfig) without a `group_id`,
    /// and what the cluster answers else.
    ///
    /// # Cancel safety
    /// If dropped, the commit may or may not be applied; nothing else changes.
    pub async fn commit_sync_offsets(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, OffsetAndMetadata)>,
    ) -> Result<(), ConsumerError> {
        let group = self.group("commits")?;
        let offsets: BTreeMap<_, _> = offsets.into_iter().collect();
        if let Some((tp, at)) = offsets.iter().find(|(_, at)| at.offset < 0) {
            return Err(ConsumerError::new(
                ConsumerErrorKind::InvalidInput,
                format!("commit of {tp} at offset {} is not valid; offsets start at 0", at.offset),
            )
            .with_partition(tp));
        }
        if offsets.is_empty() {
            return Ok(());
        }
        let result = group.offsets().commit(offsets, self.shared.config.default_api_timeout).await;
        let counters = &self.shared.counters;
        let counter = if result.is_ok() { &counters.commits } else { &counters.commit_errors };
        counter.fetch_add(1, Ordering::Relaxed);
        result.map_err(ConsumerError::from)
    }

    /// Starts to commit what was handed out until now, and returns at once. The result is for whoever awaits it; dropping
    /// it does not stop the commit.
    ///
    /// Commits of one consumer may overtake each other when they are repeated: use
    /// [`commit_sync`](Self::commit_sync) where the last one must win.
    pub fn commit_async(&self) -> PendingCommit {
        self.commit_async_offsets(self.handed_out())
    }

    /// [`commit_sync_offsets`](Self::commit_sync_offsets) in the background; see [`commit_async`](Self::commit_async).
    pub fn commit_async_offsets(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, OffsetAndMetadata)>,
    ) -> PendingCommit {
        let offsets: BTreeMap<_, _> = offsets.into_iter().collect();
        let handle = self.clone();
        PendingCommit(tokio::spawn(async move { handle.commit_sync_offsets(offsets).await }))
    }

    /// What `commit_sync` would commit now: for each assigned partition the offset behind the last record handed out.
    pub fn handed_out(&self) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
        let positions = self.shared.positions.lock();
        positions
            .iter()
            .filter(|(_, assigned)| assigned.position >= 0 && assigned.phase == Phase::Fetching)
            .map(|(tp, assigned)| {
                let mut at = OffsetAndMetadata::new(assigned.position);
                at.leader_epoch = assigned.position_epoch;
                (tp.clone(), at)
            })
            .collect()
    }

    /// What the group has committed for these partitions; `None` for one without a commit.
    ///
    /// # Errors
    /// [`InvalidConfig`](ConsumerErrorKind::InvalidConfig) without a `group_id`, and what the cluster answers.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, ConsumerError> {
        let offsets = self.group("committed offsets")?.offsets();
        Ok(offsets.committed(partitions, self.shared.config.default_api_timeout).await?)
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

    fn select(&self, which: impl Fn(&super::positions::Assigned) -> bool) -> Vec<TopicPartition> {
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

    /// The offset of the first record of each partition.
    ///
    /// # Errors
    /// [`UnknownTopic`](ConsumerErrorKind::UnknownTopic), [`Timeout`](ConsumerErrorKind::Timeout) after
    /// `default_api_timeout`, and what the cluster answers.
    pub async fn beginning_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<HashMap<TopicPartition, i64>, ConsumerError> {
        self.ends(partitions, OffsetSpec::Earliest).await
    }

    /// The offset behind the last record of each partition; behind the last one that is decided, when reading committed
    /// records.
    ///
    /// # Errors
    /// As [`beginning_offsets`](Self::beginning_offsets).
    pub async fn end_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<HashMap<TopicPartition, i64>, ConsumerError> {
        self.ends(partitions, OffsetSpec::Latest).await
    }

    async fn ends(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<HashMap<TopicPartition, i64>, ConsumerError> {
        let places = partitions.iter().map(|tp| (tp.clone(), spec));
        let found = self.look_up(places).await?;
        Ok(found.into_iter().map(|(tp, place)| (tp, place.offset)).collect())
    }

    /// For each partition the first record with its timestamp (milliseconds since 1970) or a later one; `None` where there
    /// is no such record.
    ///
    /// # Errors
    /// As [`beginning_offsets`](Self::beginning_offsets), and [`InvalidInput`](ConsumerErrorKind::InvalidInput) for a
    /// negative timestamp.
    pub async fn offsets_for_times(
        &self,
        times: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Result<HashMap<TopicPartition, Option<OffsetAndTimestamp>>, ConsumerError> {
        let mut places = Vec::new();
        for (tp, timestamp) in times {
            check_timestamp(timestamp)?;
            places.push((tp, OffsetSpec::Timestamp(timestamp)));
        }
        let found = self.look_up(places).await?;
        let of = |place: Found| {
            let Found { offset, timestamp, leader_epoch } = place;
            (offset >= 0).then_some(OffsetAndTimestamp { offset, timestamp, leader_epoch })
        };
        Ok(found.into_iter().map(|(tp, place)| (tp, of(place))).collect())
    }

    async fn look_up(
        &self,
        places: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>,
    ) -> Result<HashMap<TopicPartition, Found>, ConsumerError> {
        let places: Vec<_> = places.into_iter().collect();
        for (tp, _) in &places {
            check_topic(&tp.topic)?;
        }
        let config = &self.shared.config;
        look_up(&self.shared.client, places, config.isolation_level, config.default_api_timeout).await
    }

    /// The partitions of a topic.
    ///
    /// # Errors
    /// [`UnknownTopic`](ConsumerErrorKind::UnknownTopic), [`InvalidInput`](ConsumerErrorKind::InvalidInput) for a name that
    /// Kafka does not allow, and what the cluster answers.
    pub async fn partitions_for(&self, topic: &str) -> Result<Vec<TopicPartition>, ConsumerError> {
        check_topic(topic)?;
        let deadline = std::time::Instant::now() + self.shared.config.default_api_timeout;
        let metadata = self.shared.client.topic(topic, deadline.into()).await?;
        let name: Arc<str> = topic.into();
        Ok(metadata
            .partitions
            .iter()
            .map(|partition| TopicPartition::new(Arc::clone(&name), partition.index))
            .collect())
    }

    /// Who this consumer is in its group, for a transaction that commits offsets in its name; `None` without a group.
    pub fn group_metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.group.as_ref().map(|group| group.metadata())
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

    pub(super) fn group(&self, what: &str) -> Result<&GroupHandle, ConsumerError> {
        self.group.as_deref().ok_or_else(|| {
            ConsumerError::new(
                ConsumerErrorKind::InvalidConfig,
                format!("group_id is not set, and {what} belong to a group; set it"),
            )
        })
    }
}

/// A commit under way; await it for its result.
#[derive(Debug)]
pub struct PendingCommit(tokio::task::JoinHandle<Result<(), ConsumerError>>);

impl PendingCommit {
    /// Whether the result is there.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl Future for PendingCommit {
    type Output = Result<(), ConsumerError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0)
            .poll(context)
            .map(|joined| joined.unwrap_or_else(|_| Err(ConsumerError::closed())))
    }
}

impl From<CommitError> for ConsumerError {
    fn from(error: CommitError) -> Self {
        let message = error.to_string();
        match error {
            CommitError::NotMember { .. } => Self::new(ConsumerErrorKind::CommitFailed, message),
            CommitError::RebalanceInProgress => Self::new(ConsumerErrorKind::RebalanceInProgress, message),
            CommitError::Fenced => Self::new(ConsumerErrorKind::Fenced, message),
            CommitError::Other(error) => error.into(),
        }
    }
}

pub(super) fn check_topic(topic: &str) -> Result<(), ConsumerError> {
    validate_topic_name(topic).map_err(|error| ConsumerError::from(error).with_topic(topic))
}

fn check_timestamp(timestamp: i64) -> Result<(), ConsumerError> {
    if timestamp >= 0 {
        return Ok(());
    }
    Err(ConsumerError::new(
        ConsumerErrorKind::InvalidInput,
        format!("timestamp {timestamp} is not valid; it counts milliseconds since 1970"),
    ))
}
