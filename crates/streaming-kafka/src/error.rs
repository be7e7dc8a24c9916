use kafka_stream::consumer::ConsumerError;
use kafka_stream::dead_letter::{DeadLetterError, RedriveError};
use kafka_stream::handler::HandlerError;
use kafka_stream::producer::{ProduceError, RecordMetadata};

use crate::ConfigError;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between an event and the cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The cluster refuses or does not answer.
    #[error(transparent)]
    Kafka(#[from] kafka_core::Error),
    /// A consumer cannot be made, or cannot go on.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// Consumption had to stop.
    #[error(transparent)]
    Handler(Box<HandlerError>),
    /// A redrive had to stop.
    #[error(transparent)]
    Redrive(Box<RedriveError>),
    /// The system does not let this process listen for signals.
    #[error("signals cannot be listened for: {0}; stop consumption by other means")]
    Signals(std::io::Error),
    /// An event has no form in JSON.
    #[error("the event for `{topic}` cannot be written as JSON: {source}{}", .dead_letter.suffix())]
    Serialize {
        /// Where it was to go.
        topic: String,
        /// What serde says.
        source: serde_json::Error,
        /// What became of it instead.
        dead_letter: DeadLetter,
    },
    /// An event was not produced, for good: retries are used up.
    #[error("{source}{}", .dead_letter.suffix())]
    Produce {
        /// Why.
        source: ProduceError,
        /// What became of it instead.
        dead_letter: DeadLetter,
    },
}

/// What became of an event that could not be produced.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeadLetter {
    /// The dead letter queue is off, or the event was for a dead letter topic.
    Off,
    /// It was written to the dead letter topic.
    Written(RecordMetadata),
    /// It could not be written there either: it is in no topic.
    Lost(DeadLetterError),
    /// No broker answers, so there was no use in trying: it is in no topic.
    Unreachable,
}

impl DeadLetter {
    fn suffix(&self) -> String {
        match self {
            Self::Off => String::new(),
            Self::Written(place) => {
                format!("; its dead letter is in {}-{}", place.topic, place.partition)
            }
            Self::Lost(error) => format!("; nor could its dead letter be written: {error}"),
            Self::Unreachable => "; nor could its dead letter be written there".to_owned(),
        }
    }
}

impl Error {
    /// The failure of a producer, where no event is at stake.
    pub(crate) fn produce(source: ProduceError) -> Self {
        Self::Produce { source, dead_letter: DeadLetter::Off }
    }

    /// Whether the same call may succeed later, without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Kafka(error) => error.is_retriable(),
            Self::Produce { source, .. } => source.is_retriable(),
            Self::Consumer(error) => error.is_retriable(),
            Self::Handler(error) => {
                matches!(&**error, HandlerError::Consumer(error) if error.is_retriable())
            }
            Self::Redrive(error) => match &**error {
                RedriveError::Consumer(error) => error.is_retriable(),
                RedriveError::Produce { source, .. } => source.is_retriable(),
                _ => false,
            },
            Self::Config(_) | Self::Serialize { .. } | Self::Signals(_) => false,
        }
    }
}

impl From<RedriveError> for Error {
    fn from(error: RedriveError) -> Self {
        Self::Redrive(Box::new(error))
    }
}

impl From<HandlerError> for Error {
    fn from(error: HandlerError) -> Self {
        Self::Handler(Box::new(error))
    }
}
