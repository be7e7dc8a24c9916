//! Commits: what is done with is told to the group.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use kafka_core::TopicPartition;

use super::fetch::NO_TOPIC_ID;
use super::group::{CommitError, OffsetAndMetadata};
use super::positions::{Assigned, Phase};
use super::{ConsumerError, ConsumerErrorKind, ConsumerHandle};

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
        let group = self.offsets("commits")?;
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
        let result = group.commit(offsets, self.shared.config.default_api_timeout).await;
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
            .filter(|(tp, assigned)| self.is_of_the_topic(tp, assigned))
            .map(|(tp, assigned)| {
                let mut at = OffsetAndMetadata::new(assigned.position);
                at.leader_epoch = assigned.position_epoch;
                (tp.clone(), at)
            })
            .collect()
    }

    /// The partition's stamp, which tells assignments, seeks and resets apart, and the offset that it went on from then with
    /// the leader epoch of the record before. `None` while that is to be found out: what was handed out before may be of a
    /// log that is gone.
    pub(crate) fn restarted_at(&self, tp: &TopicPartition) -> Option<(u64, (i64, Option<i32>))> {
        let positions = self.shared.positions.lock();
        let assigned = positions.get(tp)?;
        let found_out = matches!(assigned.phase, Phase::Fetching | Phase::Halted(_));
        (found_out && self.is_of_the_topic(tp, assigned)).then_some((assigned.stamp, assigned.restarted_at))
    }

    /// Whether the position is one of the topic that has the name now, as far as is known.
    fn is_of_the_topic(&self, tp: &TopicPartition, assigned: &Assigned) -> bool {
        let now = self.shared.client.metadata().topic(&tp.topic).and_then(|topic| topic.id);
        let known = assigned.leader.map(|leader| leader.topic_id).filter(|id| *id != NO_TOPIC_ID);
        now.zip(known).is_none_or(|(now, known)| now.0 == known)
    }

    /// What the group has committed for these partitions; `None` for one without a commit.
    ///
    /// # Errors
    /// [`InvalidConfig`](ConsumerErrorKind::InvalidConfig) without a `group_id`, and what the cluster answers.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, ConsumerError> {
        let offsets = self.offsets("committed offsets")?;
        Ok(offsets.committed(partitions, self.shared.config.default_api_timeout).await?)
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

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
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
