use kafka_stream::dead_letter::{RedriveOptions, TooLarge};
use kafka_stream::handler::HandlerOptions;

/// How events are handled, what becomes of those that fail, and how they are put back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerConfig {
    /// Concurrency, retries in place and by retry topics, what is done about which failure, commits, draining.
    pub options: HandlerOptions,
    /// What becomes of a dead letter that is too large for its topic. Default: consumption stops at its record.
    pub too_large: TooLarge,
    /// Whether dead letter topics and retry topics that are not there are created. Default: true.
    pub create_topics: bool,
    /// How dead letters are put back.
    pub redrive: RedriveOptions,
    /// The consumer group whose offsets tell how far a dead letter topic was put back. Default: `streaming-kafka.redrive`.
    pub redrive_group: String,
}

impl Default for HandlerConfig {
    fn default() -> Self {
        Self {
            options: HandlerOptions::default(),
            too_large: TooLarge::default(),
            create_topics: true,
            redrive: RedriveOptions::default(),
            redrive_group: "streaming-kafka.redrive".to_owned(),
        }
    }
}
