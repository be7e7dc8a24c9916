use kafka_core::protocol::ErrorCode;
use kafka_core::{Error, ErrorKind};

/// Why offsets were not committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The partitions belong to other members by now, who start from what was committed before. Committing again cannot
    /// help: the records are handled again by their new owners.
    #[error(
        "commit failed: this consumer is no longer in the group's generation and its partitions went to others \
         ({}); poll again to rejoin, and if this happens often raise max.poll.interval.ms or lower max.poll.records",
        .code.name()
    )]
    NotMember {
        /// What the coordinator said.
        code: ErrorCode,
    },
    /// The group rebalances at this moment: poll until it is done, then commit what is still owned.
    #[error(
        "commit failed: the group is rebalancing; poll until that is done, then commit again what is still owned"
    )]
    RebalanceInProgress,
    /// Another member joined with the same `group.instance.id`: this one must stop.
    #[error(
        "commit failed: another consumer joined with the same group.instance.id; give each its own, and stop one"
    )]
    Fenced,
    /// The request failed otherwise; the error says how, and whether it may be tried again.
    #[error(transparent)]
    Other(#[from] Error),
}

impl CommitError {
    /// Whether the same commit may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::RebalanceInProgress => true,
            Self::NotMember { .. } | Self::Fenced => false,
            Self::Other(error) => error.is_retriable(),
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        let message = error.to_string();
        let code = match error {
            CommitError::NotMember { code } => code,
            CommitError::RebalanceInProgress => ErrorCode::REBALANCE_IN_PROGRESS,
            CommitError::Fenced => ErrorCode::FENCED_INSTANCE_ID,
            CommitError::Other(error) => return error,
        };
        Self::new(ErrorKind::Broker(code), message)
    }
}
