use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::TopicPartition;
use crate::protocol::{ApiKey, ErrorCode};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong while talking to a cluster, and where.
///
/// The message starts with what failed, names the broker, API, topic and partition as far as they are known, and ends
/// with what can be done. [`kind`](Self::kind) is for code, the message for people. It can be cloned, because one failure
/// often ends several waits.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    broker: Option<String>,
    api: Option<ApiKey>,
    topic: Option<String>,
    partition: Option<i32>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What sort of failure an [`Error`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection could be opened: the name does not resolve, the port refuses, set-up took too long.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The broker refused who we say we are. Fatal: the same credentials will not do better.
    Authentication,
    /// The connection ended while a request was under way; whether it was applied is unknown.
    Disconnected,
    /// No answer within the time allowed; whether the request was applied is unknown.
    Timeout(Duration),
    /// The broker answered with an error code.
    Broker(ErrorCode),
    /// The broker sent what cannot be decoded.
    Malformed,
    /// A record batch is damaged: its checksum, lengths or contents do not fit.
    CorruptRecords,
    /// Broker and client know no common version of an API, or the broker lacks a feature that was asked for.
    Unsupported,
    /// Nothing in the cluster's metadata answers: topic, partition, leader or coordinator not known (yet).
    NotFound,
    /// A setting or an argument is not valid.
    InvalidInput,
    /// The client was closed.
    Closed,
}

impl Error {
    /// An error of the given kind; `message` says what failed and what can be done.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            broker: None,
            api: None,
            topic: None,
            partition: None,
            source: None,
        }))
    }

    /// The error for an error code in a broker's answer.
    pub fn from_code(code: ErrorCode) -> Self {
        Self::new(ErrorKind::Broker(code), code.description())
    }

    /// The error for an error code that a broker explains in its own words; without any, as [`from_code`](Self::from_code).
    pub fn from_code_and_words(code: ErrorCode, words: Option<&str>) -> Self {
        match words.filter(|words| !words.is_empty()) {
            Some(words) => Self::new(ErrorKind::Broker(code), words),
            None => Self::from_code(code),
        }
    }

    /// Adds the broker (`id` or `host:port`) that the failure belongs to.
    #[must_use]
    pub fn with_broker(mut self, broker: impl fmt::Display) -> Self {
        self.0.broker = Some(broker.to_string());
        self
    }

    /// Adds the API whose request failed.
    #[must_use]
    pub fn with_api(mut self, api: impl Into<ApiKey>) -> Self {
        self.0.api = Some(api.into());
        self
    }

    /// Adds the topic that the failure belongs to.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<String>) -> Self {
        self.0.topic = Some(topic.into());
        self
    }

    /// Adds the partition that the failure belongs to.
    #[must_use]
    pub fn with_partition(mut self, tp: &TopicPartition) -> Self {
        self.0.topic = Some(tp.topic.to_string());
        self.0.partition = Some(tp.partition);
        self
    }

    /// Adds the error beneath this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The message without what [`Display`](fmt::Display) adds about broker, API, topic and partition.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The broker's error code, if the broker answered with one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self.0.kind {
            ErrorKind::Broker(code) => Some(code),
            _ => None,
        }
    }

    /// The API whose request failed, if known.
    pub fn api(&self) -> Option<ApiKey> {
        self.0.api
    }

    /// The broker's id or address, if known.
    pub fn broker(&self) -> Option<&str> {
        self.0.broker.as_deref()
    }

    /// The topic, if the failure belongs to one.
    pub fn topic(&self) -> Option<&str> {
        self.0.topic.as_deref()
    }

    /// The partition, if the failure belongs to one.
    pub fn partition(&self) -> Option<i32> {
        self.0.partition
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(&self) -> bool {
        match &self.0.kind {
            ErrorKind::Connect | ErrorKind::Disconnected | ErrorKind::Timeout(_) | ErrorKind::NotFound => {
                true
            }
            ErrorKind::CorruptRecords => true,
            ErrorKind::Broker(code) => code.is_retriable(),
            _ => false,
        }
    }

    /// Whether nothing that this client does will succeed until its user changes something.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Authentication | ErrorKind::Tls | ErrorKind::InvalidInput | ErrorKind::Closed
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(&inner.message)?;
        if let ErrorKind::Broker(code) = &inner.kind {
            write!(f, " ({})", code.name())?;
        }
        let mut separator = " [";
        let mut field = |f: &mut fmt::Formatter<'_>, name: &str, value: &dyn fmt::Display| {
            let result = write!(f, "{separator}{name} {value}");
            separator = ", ";
            result
        };
        if let Some(api) = &inner.api {
            field(f, "api", api)?;
        }
        if let Some(broker) = &inner.broker {
            field(f, "broker", broker)?;
        }
        if let Some(topic) = &inner.topic {
            field(f, "topic", topic)?;
        }
        if let Some(partition) = &inner.partition {
            field(f, "partition", partition)?;
        }
        if separator == ", " {
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}
