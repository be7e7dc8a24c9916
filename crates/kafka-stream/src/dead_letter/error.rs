use crate::producer::{ProduceError, ProduceErrorKind};

/// Why a dead letter could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// The topic is not there and could not be created.
    #[error("the topic `{topic}` cannot be created: {source}; create it, or allow this client to")]
    CreateTopic {
        /// The dead letter topic, or retry topic.
        topic: String,
        /// What the cluster said.
        source: kafka_core::Error,
    },
    /// The record could not be produced to the topic.
    #[error("the topic `{topic}` cannot be written: {source}")]
    Produce {
        /// The dead letter topic, or retry topic.
        topic: String,
        /// What the producer said.
        source: ProduceError,
    },
}

impl DeadLetterError {
    /// Whether the record is larger than the producer or the topic allows.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Produce { source, .. } if matches!(source.kind(), ProduceErrorKind::RecordTooLarge { .. }))
    }

    /// Whether the same letter may be written later, without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::CreateTopic { source, .. } => source.is_retriable(),
            Self::Produce { source, .. } => source.is_retriable(),
        }
    }
}
