use crate::producer::ProduceError;

/// Why a dead letter could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// The topic is not there and could not be created.
    #[error(
        "the dead letter topic `{topic}` cannot be created: {source}; create it, or allow this client to"
    )]
    CreateTopic {
        /// The dead letter topic.
        topic: String,
        /// What the cluster said.
        source: kafka_core::Error,
    },
    /// The record could not be produced to the topic.
    #[error("the dead letter topic `{topic}` cannot be written: {source}")]
    Produce {
        /// The dead letter topic.
        topic: String,
        /// What the producer said.
        source: ProduceError,
    },
}
