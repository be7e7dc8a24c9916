//! What a broker's answer to a batch means.

use std::sync::Arc;

use kafka_core::protocol::ErrorCode;

use crate::producer::delivery::Outcome;
use crate::producer::sequence::Answer;
use crate::producer::{ProduceError, ProduceErrorKind};

/// What was heard of one batch in one request.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// It is in the log; the offset where it is told.
    Written { base_offset: Option<i64>, log_append_time: Option<i64> },
    /// The broker refused it.
    Refused { code: ErrorCode, message: Option<String>, leader: Option<Leader> },
    /// The request was sent and not answered.
    Lost(Arc<kafka_core::Error>),
}

/// Who leads a partition, and since which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) broker: i32,
    pub(crate) epoch: i32,
}

impl Heard {
    /// What it means for the order of the partition's batches.
    pub(crate) fn answer(&self) -> Answer {
        match self {
            Self::Written { .. } => Answer::Written,
            Self::Lost(_) => Answer::Retriable { maybe_written: true },
            Self::Refused { code, .. } => match *code {
                // Written by an earlier attempt, too long ago for the broker to know where.
                ErrorCode::DUPLICATE_SEQUENCE_NUMBER => Answer::Written,
                ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER => Answer::OutOfOrder,
                ErrorCode::UNKNOWN_PRODUCER_ID => Answer::Forgotten,
                ErrorCode::INVALID_PRODUCER_EPOCH | ErrorCode::INVALID_PRODUCER_ID_MAPPING => {
                    Answer::StaleEpoch
                }
                code => {
                    let maybe_written = !is_certainly_not_written(code);
                    if code.is_retriable() {
                        Answer::Retriable { maybe_written }
                    } else {
                        Answer::Final { maybe_written }
                    }
                }
            },
        }
    }

    /// The outcome of a batch that is written.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Written { base_offset, log_append_time } => {
                Outcome::Acked { base_offset: *base_offset, log_append_time: *log_append_time }
            }
            _ => Outcome::Acked { base_offset: None, log_append_time: None },
        }
    }

    /// What to tell the senders of a batch that is given up for this.
    pub(crate) fn error(&self) -> ProduceError {
        match self {
            Self::Refused { code, message, .. } => ProduceError::from_code(*code, message.as_deref()),
            Self::Lost(source) => ProduceError::new(
                ProduceErrorKind::OutcomeUnknown,
                format!("the records were sent, and no answer tells whether they were written: {source}"),
            )
            .with_source(source.clone()),
            Self::Written { .. } => ProduceError::new(ProduceErrorKind::Cluster, "the records were written"),
        }
    }

    /// Whether the batch alone was too large, and halves of it may not be.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::Refused { code: ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE, .. }
        )
    }

    /// Whether the broker cannot take what the batch is compressed with.
    pub(crate) fn is_unsupported_compression(&self) -> bool {
        matches!(self, Self::Refused { code: ErrorCode::UNSUPPORTED_COMPRESSION_TYPE, .. })
    }

    /// Whether the broker does not lead the partition, or not yet: right after a topic is created, its leaders may not
    /// know of it.
    pub(crate) fn is_not_leader(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                code: ErrorCode::NOT_LEADER_OR_FOLLOWER
                    | ErrorCode::FENCED_LEADER_EPOCH
                    | ErrorCode::LEADER_NOT_AVAILABLE
                    | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                ..
            }
        )
    }

    /// Whether the leader takes no writes for now, for a reason outside of the batch: too few replicas in sync, a quota, a
    /// failed disk that another leader will replace. Where the attempt may have been written, only an idempotent batch can
    /// be sent again without counting how often.
    pub(crate) fn is_unavailable(&self, idempotent: bool) -> bool {
        match self {
            Self::Refused { code, .. } => match *code {
                ErrorCode::NOT_ENOUGH_REPLICAS | ErrorCode::THROTTLING_QUOTA_EXCEEDED => true,
                ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND | ErrorCode::KAFKA_STORAGE_ERROR => idempotent,
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether leaders have to be looked up again.
    pub(crate) fn refreshes_metadata(&self) -> bool {
        match self {
            Self::Written { .. } => false,
            Self::Refused { code, .. } => code.refreshes_metadata() || self.is_not_leader(),
            Self::Lost(_) => true,
        }
    }
}

/// Whether a broker that answers `code` has not appended the batch in this attempt.
///
/// `NOT_LEADER_OR_FOLLOWER` is not among them: a leader that loses its office while it waits for its replicas answers so.
fn is_certainly_not_written(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CORRUPT_MESSAGE
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::LEADER_NOT_AVAILABLE
            | ErrorCode::MESSAGE_TOO_LARGE
            | ErrorCode::INVALID_TOPIC_EXCEPTION
            | ErrorCode::RECORD_LIST_TOO_LARGE
            | ErrorCode::NOT_ENOUGH_REPLICAS
            | ErrorCode::INVALID_REQUIRED_ACKS
            | ErrorCode::TOPIC_AUTHORIZATION_FAILED
            | ErrorCode::CLUSTER_AUTHORIZATION_FAILED
            | ErrorCode::INVALID_TIMESTAMP
            | ErrorCode::UNSUPPORTED_VERSION
            | ErrorCode::INVALID_REQUEST
            | ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT
            | ErrorCode::POLICY_VIOLATION
            | ErrorCode::UNSUPPORTED_COMPRESSION_TYPE
            | ErrorCode::FENCED_LEADER_EPOCH
            | ErrorCode::INVALID_RECORD
            | ErrorCode::PRODUCER_FENCED
            | ErrorCode::UNKNOWN_TOPIC_ID
            | ErrorCode::THROTTLING_QUOTA_EXCEEDED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: ErrorCode) -> Heard {
        Heard::Refused { code, message: None, leader: None }
    }

    #[test]
    fn each_kind_of_answer_has_its_consequence() {
        assert_eq!(refused(ErrorCode::DUPLICATE_SEQUENCE_NUMBER).answer(), Answer::Written);
        assert_eq!(refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER).answer(), Answer::OutOfOrder);
        assert_eq!(refused(ErrorCode::UNKNOWN_PRODUCER_ID).answer(), Answer::Forgotten);
        assert_eq!(refused(ErrorCode::INVALID_PRODUCER_EPOCH).answer(), Answer::StaleEpoch);
        assert_eq!(refused(ErrorCode::PRODUCER_FENCED).answer(), Answer::Final { maybe_written: false });
        let retriable = |maybe_written| Answer::Retriable { maybe_written };
        assert_eq!(refused(ErrorCode::NOT_ENOUGH_REPLICAS).answer(), retriable(false));
        assert_eq!(refused(ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND).answer(), retriable(true));
        assert_eq!(refused(ErrorCode::REQUEST_TIMED_OUT).answer(), retriable(true));
        assert_eq!(refused(ErrorCode::NOT_LEADER_OR_FOLLOWER).answer(), retriable(true));
        assert_eq!(refused(ErrorCode::KAFKA_STORAGE_ERROR).answer(), retriable(true));
        assert_eq!(refused(ErrorCode::UNKNOWN_SERVER_ERROR).answer(), Answer::Final { maybe_written: true });
    }

    #[test]
    fn a_broker_that_does_not_lead_yet_is_told_from_one_that_fails() {
        assert!(refused(ErrorCode::NOT_LEADER_OR_FOLLOWER).is_not_leader());
        assert!(refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION).is_not_leader());
        assert!(!refused(ErrorCode::REQUEST_TIMED_OUT).is_not_leader());
    }

    #[test]
    fn a_partition_that_takes_no_writes_is_told_from_a_failed_attempt() {
        for idempotent in [true, false] {
            assert!(refused(ErrorCode::NOT_ENOUGH_REPLICAS).is_unavailable(idempotent));
            assert!(refused(ErrorCode::THROTTLING_QUOTA_EXCEEDED).is_unavailable(idempotent));
            assert!(!refused(ErrorCode::REQUEST_TIMED_OUT).is_unavailable(idempotent));
            // Each time again may be one record more in the log, unless the broker can tell them apart.
            let after = refused(ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND);
            assert_eq!(after.is_unavailable(idempotent), idempotent);
        }
    }

    #[test]
    fn what_leads_elsewhere_asks_for_new_metadata() {
        assert!(refused(ErrorCode::NOT_LEADER_OR_FOLLOWER).refreshes_metadata());
        assert!(refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION).refreshes_metadata());
        assert!(!refused(ErrorCode::REQUEST_TIMED_OUT).refreshes_metadata());
        assert!(refused(ErrorCode::MESSAGE_TOO_LARGE).is_too_large());
    }
}
