use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use kafka_core::records::AsHeader;

/// Bytes of a key, value or header: borrowed from the caller or owned.
///
/// Either way `send` copies them once, into their batch; borrowing saves the caller an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Bytes of the caller's.
    Borrowed(&'a [u8]),
    /// Bytes that the record holds.
    Owned(Bytes),
}

impl Payload<'_> {
    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }

    /// Keeps the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        match self {
            Self::Borrowed(bytes) => *bytes = bytes.get(..len).unwrap_or(bytes),
            Self::Owned(bytes) => bytes.truncate(len),
        }
    }

    fn into_owned(self) -> Payload<'static> {
        match self {
            Self::Borrowed(bytes) => Payload::Owned(Bytes::copy_from_slice(bytes)),
            Self::Owned(bytes) => Payload::Owned(bytes),
        }
    }
}

macro_rules! payload_from {
    ($($from:ty, $value:ident => $payload:expr;)*) => {
        $(impl<'a> From<$from> for Payload<'a> {
            fn from($value: $from) -> Self {
                $payload
            }
        })*
    };
}

payload_from! {
    &'a [u8], value => Self::Borrowed(value);
    &'a str, value => Self::Borrowed(value.as_bytes());
    &'a String, value => Self::Borrowed(value.as_bytes());
    &'a Vec<u8>, value => Self::Borrowed(value);
    &'a Bytes, value => Self::Borrowed(value);
    Bytes, value => Self::Owned(value);
    Vec<u8>, value => Self::Owned(value.into());
    String, value => Self::Owned(value.into());
}

impl<'a, const N: usize> From<&'a [u8; N]> for Payload<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Borrowed(value)
    }
}

/// A header as a record holds it until it is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader<'a> {
    name: Cow<'a, str>,
    value: Option<Payload<'a>>,
}

impl AsHeader for RecordHeader<'_> {
    fn key(&self) -> &str {
        &self.name
    }

    fn value(&self) -> Option<&[u8]> {
        self.value.as_ref().map(Payload::as_bytes)
    }
}

/// A record to be sent: topic, and as far as wanted key, value, headers, timestamp and partition.
///
/// ```
/// use kafka_stream::producer::ProducerRecord;
///
/// let record = ProducerRecord::to("analytics-events").key("user-42").value(r#"{"clicks":1}"#).header("trace", "7f3a");
/// let tombstone = ProducerRecord::to("users").key("user-42").null_value();
/// # assert_eq!(record.topic(), "analytics-events");
/// # assert!(tombstone.value_bytes().is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerRecord<'a> {
    pub(crate) topic: Cow<'a, str>,
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<Payload<'a>>,
    pub(crate) value: Option<Payload<'a>>,
    pub(crate) headers: Vec<RecordHeader<'a>>,
    pub(crate) timestamp: Option<Timestamp>,
}

impl<'a> ProducerRecord<'a> {
    /// A record for `topic`, without key and value so far.
    pub fn to(topic: impl Into<Cow<'a, str>>) -> Self {
        Self {
            topic: topic.into(),
            partition: None,
            key: None,
            value: None,
            headers: Vec::new(),
            timestamp: None,
        }
    }

    /// Sets the partition; otherwise the partitioner chooses it.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the key. Records of one key go to one partition, in order.
    #[must_use]
    pub fn key(mut self, key: impl Into<Payload<'a>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Payload<'a>>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Leaves the record without a value: a tombstone, which deletes its key from a compacted topic.
    #[must_use]
    pub fn null_value(mut self) -> Self {
        self.value = None;
        self
    }

    /// Adds a header; names may repeat.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Payload<'a>>) -> Self {
        self.headers.push(RecordHeader { name: name.into(), value: Some(value.into()) });
        self
    }

    /// Adds a header without a value.
    #[must_use]
    pub fn null_header(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.headers.push(RecordHeader { name: name.into(), value: None });
        self
    }

    /// Sets the time of the event: a [`SystemTime`], or milliseconds since 1970. Otherwise it is the time of `send`.
    #[must_use]
    pub fn timestamp(mut self, timestamp: impl Into<Timestamp>) -> Self {
        self.timestamp = Some(timestamp.into());
        self
    }

    /// The same record for another topic, and for any partition of it.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<Cow<'a, str>>) -> Self {
        self.topic = topic.into();
        self.partition = None;
        self
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition, where the record names one.
    pub fn chosen_partition(&self) -> Option<i32> {
        self.partition
    }

    /// The key, if there is one.
    pub fn key_bytes(&self) -> Option<&[u8]> {
        self.key.as_ref().map(Payload::as_bytes)
    }

    /// The value; `None` for a tombstone.
    pub fn value_bytes(&self) -> Option<&[u8]> {
        self.value.as_ref().map(Payload::as_bytes)
    }

    /// The headers, in order.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, Option<&[u8]>)> {
        self.headers.iter().map(|header| (header.key(), header.value()))
    }

    /// The record with everything owned, so that it outlives what it was made from.
    pub fn into_owned(self) -> ProducerRecord<'static> {
        ProducerRecord {
            topic: Cow::Owned(self.topic.into_owned()),
            partition: self.partition,
            key: self.key.map(Payload::into_owned),
            value: self.value.map(Payload::into_owned),
            headers: self
                .headers
                .into_iter()
                .map(|header| RecordHeader {
                    name: Cow::Owned(header.name.into_owned()),
                    value: header.value.map(Payload::into_owned),
                })
                .collect(),
            timestamp: self.timestamp,
        }
    }
}

/// A point in time in milliseconds since 1970, as Kafka stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The current time of the system's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<i64> for Timestamp {
    fn from(millis: i64) -> Self {
        Self(millis)
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before 1970 become 0.
    fn from(time: SystemTime) -> Self {
        let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// Where an acknowledged record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordMetadata {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset; `None` with `acks=0`, and where the broker no longer knows it (the record was written by an earlier
    /// attempt whose answer was lost).
    pub offset: Option<i64>,
    /// Milliseconds since 1970: the broker's time where the topic uses `LogAppendTime`, the record's own otherwise.
    pub timestamp: i64,
    /// The key's size in bytes; `None` without a key.
    pub serialized_key_size: Option<u32>,
    /// The value's size in bytes; `None` without a value.
    pub serialized_value_size: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_what_it_is_given() {
        let record = ProducerRecord::to("t")
            .key(vec![1, 2])
            .value("v")
            .header("a", b"1")
            .null_header("a")
            .timestamp(SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(5));
        let owned = record.clone().into_owned();
        assert_eq!(owned.key_bytes(), Some(&[1, 2][..]));
        assert_eq!(owned.value_bytes(), Some(&b"v"[..]));
        assert_eq!(owned.headers().collect::<Vec<_>>(), [("a", Some(&b"1"[..])), ("a", None)]);
        assert_eq!(owned.timestamp, Some(Timestamp(5)));
        assert_eq!(record.headers().len(), 2);
    }
}
