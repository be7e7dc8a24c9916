use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::protocol::ErrorCode;

/// Why a record could not be produced. Cheap to clone: the records of one batch share it.
///
/// [`kind`](Self::kind) is for code, the message for people; [`may_be_written`](Self::may_be_written) tells whether the
/// record may be in the log all the same.
#[derive(Clone)]
pub struct ProduceError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ProduceErrorKind,
    message: String,
    topic: Option<Arc<str>>,
    partition: Option<i32>,
    may_be_written: bool,
    /// What the last attempt was answered with, where the kind does not say.
    code: Option<ErrorCode>,
    source: Option<Arc<kafka_core::Error>>,
}

/// What sort of failure a [`ProduceError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProduceErrorKind {
    /// The record exceeds a limit, and is the only one that fails for it. Sizes in bytes.
    RecordTooLarge {
        /// The record's size, an upper bound where it was not yet encoded.
        size: usize,
        /// What is allowed, where it is known.
        limit: Option<usize>,
        /// Whose limit it is.
        which: SizeLimit,
    },
    /// `buffer_memory` is used up: at once for `try_send`, after `max_block` for `send`.
    BufferFull,
    /// The topic's partitions are not known yet; `try_send` alone says so, `send` waits for them.
    MetadataPending,
    /// `delivery_timeout` passed before the record was written.
    Timeout(Duration),
    /// The record was sent, and no answer says what became of it.
    OutcomeUnknown,
    /// The topic does not exist, or was not seen within `max_block`.
    UnknownTopic,
    /// The topic has no such partition, nor came one within `max_block`, or 5 s if that is less.
    UnknownPartition,
    /// Kafka allows no topic of this name.
    InvalidTopic,
    /// The record itself is not valid: a header without a name, a timestamp below zero, or refused by the broker.
    InvalidRecord,
    /// Access to the topic, or idempotent writing to the cluster, is not granted.
    Unauthorized,
    /// Another producer has taken over this one's identity; this producer can write no more.
    Fenced,
    /// The broker lacks what the record needs, such as a compression.
    Unsupported,
    /// The broker answered with an error that has no kind of its own here.
    Broker(ErrorCode),
    /// The cluster could not be asked; the source says why.
    Cluster,
    /// The producer was closed before the record was written.
    Closed,
    /// A setting is not valid, or contradicts another.
    InvalidConfig {
        /// The setting's name as Kafka spells it, in snake_case.
        setting: &'static str,
    },
}

/// A limit on the size of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizeLimit {
    /// The producer's `max_request_size`.
    MaxRequestSize,
    /// The producer's `buffer_memory`.
    BufferMemory,
    /// The topic's `max.message.bytes` (or the broker's `message.max.bytes`).
    Topic,
}

impl ProduceError {
    /// An error of the given kind; `message` says what failed and what can be done.
    pub fn new(kind: ProduceErrorKind, message: impl Into<String>) -> Self {
        let may_be_written = kind == ProduceErrorKind::OutcomeUnknown;
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            topic: None,
            partition: None,
            may_be_written,
            code: None,
            source: None,
        }))
    }

    pub(crate) fn closed() -> Self {
        Self::new(ProduceErrorKind::Closed, "the producer is closed: records need one that is open")
    }

    pub(crate) fn config(setting: &'static str, message: impl Into<String>) -> Self {
        Self::new(ProduceErrorKind::InvalidConfig { setting }, message)
    }

    pub(crate) fn unknown_topic(topic: &str, waited: Duration) -> Self {
        let message =
            format!("topic `{topic}` was not found within {waited:?}: create it, or correct its name",);
        Self::new(ProduceErrorKind::UnknownTopic, message).with_topic(topic)
    }

    /// The error for a broker's answer to a batch.
    pub(crate) fn from_code(code: ErrorCode, detail: Option<&str>) -> Self {
        let kind = match code {
            ErrorCode::TOPIC_AUTHORIZATION_FAILED
            | ErrorCode::CLUSTER_AUTHORIZATION_FAILED
            | ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => ProduceErrorKind::Unauthorized,
            ErrorCode::PRODUCER_FENCED => ProduceErrorKind::Fenced,
            ErrorCode::INVALID_TOPIC_EXCEPTION => ProduceErrorKind::InvalidTopic,
            ErrorCode::INVALID_RECORD | ErrorCode::INVALID_TIMESTAMP => ProduceErrorKind::InvalidRecord,
            ErrorCode::UNSUPPORTED_COMPRESSION_TYPE | ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT => {
                ProduceErrorKind::Unsupported
            }
            other => ProduceErrorKind::Broker(other),
        };
        let message = match detail {
            Some(detail) => format!("{} ({}): {detail}", code.description(), code.name()),
            None => format!("{} ({})", code.description(), code.name()),
        };
        Self::new(kind, message)
    }

    /// The error for a failure of the cluster client.
    pub(crate) fn from_client(source: Arc<kafka_core::Error>) -> Self {
        use kafka_core::ErrorKind as Core;
        let kind = match source.kind() {
            Core::Closed => ProduceErrorKind::Closed,
            Core::Unsupported => ProduceErrorKind::Unsupported,
            Core::Broker(code) => return Self::from_code(*code, None).with_source(source),
            _ => ProduceErrorKind::Cluster,
        };
        Self::new(kind, source.to_string()).with_source(source)
    }

    fn edit(mut self, edit: impl FnOnce(&mut Inner)) -> Self {
        edit(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn with_topic(self, topic: impl Into<Arc<str>>) -> Self {
        self.edit(|inner| inner.topic = Some(topic.into()))
    }

    pub(crate) fn with_partition(self, topic: &Arc<str>, partition: i32) -> Self {
        self.edit(|inner| {
            inner.topic = Some(topic.clone());
            inner.partition = Some(partition);
        })
    }

    pub(crate) fn with_source(self, source: Arc<kafka_core::Error>) -> Self {
        self.edit(|inner| inner.source = Some(source))
    }

    pub(crate) fn with_code(self, code: Option<ErrorCode>) -> Self {
        self.edit(|inner| inner.code = code)
    }

    /// Says that an attempt whose outcome is unknown preceded this error.
    pub(crate) fn maybe_written(self) -> Self {
        self.edit(|inner| inner.may_be_written = true)
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ProduceErrorKind {
        self.0.kind
    }

    /// The broker's error code, if the broker answered with one that has no kind of its own. For a record that was given
    /// up at `delivery_timeout`, what its last attempt was answered with.
    pub fn code(&self) -> Option<ErrorCode> {
        match self.0.kind {
            ProduceErrorKind::Broker(code) => Some(code),
            _ => self.0.code,
        }
    }

    /// The record's topic, if known.
    pub fn topic(&self) -> Option<&str> {
        self.0.topic.as_deref()
    }

    /// The record's partition, if one was chosen.
    pub fn partition(&self) -> Option<i32> {
        self.0.partition
    }

    /// Whether the record may be in the log although this error was returned: it was sent, and no answer rules it out.
    ///
    /// Sending it again may then write it twice.
    pub fn may_be_written(&self) -> bool {
        self.0.may_be_written
    }

    /// Whether the same record may be accepted later, without anyone changing anything.
    ///
    /// The producer has already retried what its settings allow.
    pub fn is_retriable(&self) -> bool {
        match self.0.kind {
            ProduceErrorKind::BufferFull
            | ProduceErrorKind::MetadataPending
            | ProduceErrorKind::Timeout(_)
            | ProduceErrorKind::OutcomeUnknown
            | ProduceErrorKind::UnknownTopic => true,
            ProduceErrorKind::Broker(code) => code.is_retriable(),
            ProduceErrorKind::Cluster => self.0.source.as_ref().is_some_and(|source| source.is_retriable()),
            _ => false,
        }
    }

    /// Whether this producer can write no more: close it and make another.
    pub fn is_fatal(&self) -> bool {
        match self.0.kind {
            ProduceErrorKind::Fenced | ProduceErrorKind::Closed | ProduceErrorKind::InvalidConfig { .. } => {
                true
            }
            ProduceErrorKind::Cluster => self.0.source.as_ref().is_some_and(|source| source.is_fatal()),
            _ => false,
        }
    }
}

impl fmt::Display for ProduceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match (&self.0.topic, self.0.partition) {
            (Some(topic), Some(partition)) => write!(f, " [topic {topic}, partition {partition}]"),
            (Some(topic), None) => write!(f, " [topic {topic}]"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for ProduceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProduceError")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("may_be_written", &self.0.may_be_written)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for ProduceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_where_it_happened_and_whether_the_record_may_be_written() {
        let error = ProduceError::new(ProduceErrorKind::Timeout(Duration::from_secs(1)), "too late")
            .with_partition(&"events".into(), 3)
            .maybe_written();
        assert_eq!(error.to_string(), "too late [topic events, partition 3]");
        assert!(error.may_be_written() && error.is_retriable() && !error.is_fatal());
        assert!(ProduceError::new(ProduceErrorKind::OutcomeUnknown, "lost").may_be_written());
    }
}
