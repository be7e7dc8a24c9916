use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kafka_core::records::AsHeader;

use super::payload::{Content, Payload};

/// A header as a record holds it until it is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader<'a> {
    name: Cow<'a, str>,
    value: Content<'a>,
}

impl AsHeader for RecordHeader<'_> {
    fn key(&self) -> &str {
        &self.name
    }

    fn value(&self) -> Option<&[u8]> {
        self.value.as_bytes()
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
    pub(crate) key: Content<'a>,
    pub(crate) value: Content<'a>,
    pub(crate) headers: Vec<RecordHeader<'a>>,
    /// In milliseconds since 1970, or [`NO_TIMESTAMP`].
    timestamp: i64,
}

/// That a record has no timestamp. A number and no `Option`: it keeps a record at 128 bytes, which a compiler moves without
/// calling a function.
const NO_TIMESTAMP: i64 = i64::MIN;

const _: () = assert!(size_of::<ProducerRecord<'_>>() <= 128);

impl<'a> ProducerRecord<'a> {
    /// A record for `topic`, without key and value so far.
    pub fn to(topic: impl Into<Cow<'a, str>>) -> Self {
        Self {
            topic: topic.into(),
            partition: None,
            key: Content::NONE,
            value: Content::NONE,
            headers: Vec::new(),
            timestamp: NO_TIMESTAMP,
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
        self.key = key.into().into();
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Payload<'a>>) -> Self {
        self.value = value.into().into();
        self
    }

    /// Leaves the record without a value: a tombstone, which deletes its key from a compacted topic.
    #[must_use]
    pub fn null_value(mut self) -> Self {
        self.value = Content::NONE;
        self
    }

    /// Adds a header; names may repeat.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Payload<'a>>) -> Self {
        self.headers.push(RecordHeader { name: name.into(), value: value.into().into() });
        self
    }

    /// Adds a header without a value.
    #[must_use]
    pub fn null_header(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.headers.push(RecordHeader { name: name.into(), value: Content::NONE });
        self
    }

    /// Sets the time of the event: a [`SystemTime`], or milliseconds since 1970. Otherwise it is the time of `send`.
    #[must_use]
    pub fn timestamp(mut self, timestamp: impl Into<Timestamp>) -> Self {
        // The producer refuses all that is below 0, and none of it may pass for no time at all.
        self.timestamp = timestamp.into().0.max(NO_TIMESTAMP + 1);
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
        self.key.as_bytes()
    }

    /// The value; `None` for a tombstone.
    pub fn value_bytes(&self) -> Option<&[u8]> {
        self.value.as_bytes()
    }

    /// The time of the event, where the record was given one.
    pub fn chosen_timestamp(&self) -> Option<Timestamp> {
        (self.timestamp != NO_TIMESTAMP).then_some(Timestamp(self.timestamp))
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
            key: self.key.into_owned(),
            value: self.value.into_owned(),
            headers: self
                .headers
                .into_iter()
                .map(|header| RecordHeader {
                    name: Cow::Owned(header.name.into_owned()),
                    value: header.value.into_owned(),
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
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        // Each record that is sent without a time asks for one: `as_millis` would count in 128 bits.
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Self(seconds.saturating_mul(1_000).saturating_add(since.subsec_millis().into()))
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
        assert_eq!(owned.chosen_timestamp(), Some(Timestamp(5)));
        assert_eq!(record.headers().len(), 2);
    }

    #[test]
    fn every_timestamp_is_one_and_none_is_none() {
        assert_eq!(ProducerRecord::to("t").chosen_timestamp(), None);
        assert_eq!(ProducerRecord::to("t").timestamp(0).chosen_timestamp(), Some(Timestamp(0)));
        assert!(ProducerRecord::to("t").timestamp(i64::MIN).chosen_timestamp().is_some());
    }
}
