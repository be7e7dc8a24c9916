use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use kafka_core::TopicPartition;
use kafka_core::records::{Header, Headers, RecordView, TimestampType};

/// A consumed record that owns its parts.
///
/// Key, value and headers are slices of the batch they came in: nothing was copied, and the batch's memory stays alive
/// as long as one of them. Copy what is to be kept for long (`Bytes::copy_from_slice`).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerRecord {
    /// The topic that it was read from.
    pub topic: Arc<str>,
    /// The partition that it was read from.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970, -1 if there is none.
    pub timestamp: i64,
    /// Whose clock the timestamp is from.
    pub timestamp_type: TimestampType,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; null is a tombstone in a compacted topic.
    pub value: Option<Bytes>,
    /// The headers, in the order they were written.
    pub headers: Vec<Header>,
    /// The leader's epoch when the record was appended, to commit with its offset (KIP-320).
    pub leader_epoch: Option<i32>,
}

impl ConsumerRecord {
    /// The partition that it was read from.
    pub fn topic_partition(&self) -> TopicPartition {
        TopicPartition::new(Arc::clone(&self.topic), self.partition)
    }

    /// The value of the last header with that key.
    pub fn header(&self, key: &str) -> Option<&[u8]> {
        self.headers.iter().rev().find(|header| header.key == key).and_then(|header| header.value.as_deref())
    }
}

impl fmt::Debug for ConsumerRecord {
    /// Shows where the record is and how large, not what is in it: keys and values may be secret or long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerRecord")
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .field("offset", &self.offset)
            .field("timestamp", &self.timestamp)
            .field("key_len", &self.key.as_ref().map(Bytes::len))
            .field("value_len", &self.value.as_ref().map(Bytes::len))
            .field("headers", &self.headers.len())
            .finish()
    }
}

/// A consumed record that borrows from its [`ConsumerRecords`](super::ConsumerRecords): reading it allocates nothing.
#[derive(Clone, Copy)]
pub struct ConsumerRecordView<'a> {
    pub(super) tp: &'a TopicPartition,
    pub(super) leader_epoch: i32,
    pub(super) view: RecordView<'a>,
}

impl<'a> ConsumerRecordView<'a> {
    /// The topic that it was read from.
    pub fn topic(&self) -> &'a str {
        &self.tp.topic
    }

    /// The partition that it was read from.
    pub fn partition(&self) -> i32 {
        self.tp.partition
    }

    /// Topic and partition that it was read from.
    pub fn topic_partition(&self) -> &'a TopicPartition {
        self.tp
    }

    /// Its offset in the partition.
    #[inline]
    pub fn offset(&self) -> i64 {
        self.view.offset()
    }

    /// Milliseconds since 1970, -1 if there is none.
    #[inline]
    pub fn timestamp(&self) -> i64 {
        self.view.timestamp()
    }

    /// Whose clock the timestamp is from.
    pub fn timestamp_type(&self) -> TimestampType {
        self.view.timestamp_type()
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.view.key()
    }

    /// The value; null is a tombstone in a compacted topic.
    #[inline]
    pub fn value(&self) -> Option<&'a [u8]> {
        self.view.value()
    }

    /// The headers, in the order they were written.
    pub fn headers(&self) -> Headers<'a> {
        self.view.headers()
    }

    /// The leader's epoch when the record was appended, if known.
    pub fn leader_epoch(&self) -> Option<i32> {
        Some(self.leader_epoch).filter(|epoch| *epoch >= 0)
    }

    /// The same record, owning its parts: slices of the batch's memory. Allocates for headers only.
    pub fn to_record(&self) -> ConsumerRecord {
        let record = self.view.to_record();
        ConsumerRecord {
            topic: Arc::clone(&self.tp.topic),
            partition: self.tp.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_type: record.timestamp_type,
            key: record.key,
            value: record.value,
            headers: record.headers,
            leader_epoch: self.leader_epoch(),
        }
    }
}

impl fmt::Debug for ConsumerRecordView<'_> {
    /// As [`ConsumerRecord`] does, without contents.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerRecordView")
            .field("topic", &self.topic())
            .field("partition", &self.partition())
            .field("offset", &self.offset())
            .field("timestamp", &self.timestamp())
            .field("key_len", &self.key().map(<[u8]>::len))
            .field("value_len", &self.value().map(<[u8]>::len))
            .field("headers", &self.headers().len())
            .finish()
    }
}
