use kafka_core::TopicPartition;

use super::Failure;
use crate::consumer::ConsumerError;
use crate::dead_letter::DeadLetterError;

/// Why consumption stopped. All records before the one named are finished and committed as far as that was possible;
/// it and those after it are read again by whoever consumes next. Nothing is skipped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerError {
    /// A record failed for good, and its dead letter could not be written.
    #[error(
        "{partition} at offset {offset} cannot be handled ({failure}) and its dead letter cannot be written: {source}; \
         consumption stopped there"
    )]
    DeadLetter {
        /// Where the record is.
        partition: TopicPartition,
        /// Where the record is.
        offset: i64,
        /// Why it could not be handled.
        failure: Failure,
        /// Why its dead letter could not be written.
        source: DeadLetterError,
    },
    /// A record failed, and cannot be written to its retry topic.
    #[error(
        "{partition} at offset {offset} cannot be handled now ({failure}) and cannot be put off: {source}; consumption \
         stopped there"
    )]
    RetryTopic {
        /// Where the record is.
        partition: TopicPartition,
        /// Where the record is.
        offset: i64,
        /// Why it could not be handled.
        failure: Failure,
        /// Why it could not be written to the retry topic.
        source: DeadLetterError,
    },
    /// A topic for records that fail cannot be created.
    #[error("consumption was not begun: {0}")]
    Topics(DeadLetterError),
    /// A record failed, and the policy says to stop there.
    #[error(
        "{partition} at offset {offset} cannot be handled: {failure}; consumption stopped there, as the policy says"
    )]
    Stopped {
        /// Where the record is.
        partition: TopicPartition,
        /// Where the record is.
        offset: i64,
        /// Why it could not be handled.
        failure: Failure,
    },
    /// A record failed for good, and dead letters are switched off.
    #[error(
        "{partition} at offset {offset} cannot be handled: {failure}; consumption stopped there, since dead letters are off"
    )]
    Record {
        /// Where the record is.
        partition: TopicPartition,
        /// Where the record is.
        offset: i64,
        /// Why it could not be handled.
        failure: Failure,
    },
    /// The consumer cannot go on.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
}
