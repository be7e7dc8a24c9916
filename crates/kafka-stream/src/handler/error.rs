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
