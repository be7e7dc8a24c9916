use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::header::is_original;
use super::topics::Topics;
use super::trim::Kept;
use super::{DeadLetterError, Provenance};
use crate::consumer::ConsumerRecord;
use crate::handler::Failure;
use crate::producer::{Payload, ProduceError, ProduceErrorKind, Producer, ProducerRecord, RecordMetadata};

/// What becomes of a dead letter that its topic, or the producer, finds too large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TooLarge {
    /// It is an error, at which consumption stops. Nothing is lost.
    #[default]
    Stop,
    /// As much of the value is cut off as needed, then the record's own headers; headers say how much there was
    /// ([`header`](super::header)). The key stays. What was cut is lost once the record itself is.
    Trim,
}

/// Writes dead letters, each to the topic of its record with a suffix. Cheap to clone.
///
/// A dead letter has the record's key, value and headers as they were, null where they were null, and the headers of
/// [`header`](super::header) beside them. Its timestamp is the time of the failure, so that retention counts from there.
///
/// The first dead letter of a topic creates the dead letter topic, with as many partitions as the record's topic and
/// the broker's default replication, unless it is there or that is switched off.
///
/// A letter waits for a leader, for replicas or for a quota until the producer's `delivery.timeout.ms`. What is then not
/// acknowledged, or refused for good before, is an error, at which an [`EventConsumer`](crate::handler::EventConsumer)
/// stops with the record not committed: nothing is lost, and the next consumption begins there.
#[derive(Clone, Debug)]
pub struct DeadLetterQueue {
    producer: Producer,
    suffix: Arc<str>,
    group: Option<Arc<str>>,
    create_topics: bool,
    too_large: TooLarge,
    topics: Arc<Topics>,
}

impl DeadLetterQueue {
    /// Writes with `producer`, which should be idempotent with `acks=all`, to topics with the suffix `.dlq`.
    pub fn new(producer: Producer) -> Self {
        Self {
            producer,
            suffix: ".dlq".into(),
            group: None,
            create_topics: true,
            too_large: TooLarge::default(),
            topics: Arc::default(),
        }
    }

    /// `dead_letter_topic_suffix`: what follows a topic's name in the name of its dead letter topic.
    #[must_use]
    pub fn with_suffix(mut self, suffix: impl Into<Arc<str>>) -> Self {
        self.suffix = suffix.into();
        self
    }

    /// Names the consumer group in each dead letter.
    #[must_use]
    pub fn with_group(mut self, group: impl Into<Arc<str>>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Whether dead letter topics that are not there are created. Default: true.
    #[must_use]
    pub fn create_topics(mut self, create: bool) -> Self {
        self.create_topics = create;
        self
    }

    /// What becomes of a dead letter that is too large. Default: it is an error.
    #[must_use]
    pub fn too_large(mut self, too_large: TooLarge) -> Self {
        self.too_large = too_large;
        self
    }

    /// The dead letter topic of `topic`.
    pub fn topic_for(&self, topic: &str) -> String {
        format!("{topic}{}", self.suffix)
    }

    /// The group that is named in each dead letter.
    pub(crate) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Writes a record that could not be handled after `attempts` attempts, and waits until it is acknowledged.
    ///
    /// # Errors
    /// [`DeadLetterError`]; the record must not be committed then.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the dead letter written or not.
    pub async fn send(
        &self,
        record: &ConsumerRecord,
        failure: &Failure,
        attempts: u32,
    ) -> Result<RecordMetadata, DeadLetterError> {
        let from = Provenance::failed(record, self.group(), failure, attempts);
        let letter = copy(record, self.topic_for(&record.topic));
        self.write(letter, from, self.too_large).await
    }

    /// Writes a record that could not be produced, and waits until that is acknowledged.
    ///
    /// # Errors
    /// [`DeadLetterError`]: then the record is nowhere, and only the caller has it.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the dead letter written or not.
    pub async fn send_unproduced(
        &self,
        record: ProducerRecord<'_>,
        failure: &Failure,
    ) -> Result<RecordMetadata, DeadLetterError> {
        let from = Provenance::because(record.topic(), failure);
        let topic = self.topic_for(record.topic());
        self.write(record.with_topic(topic), from, self.too_large).await
    }

    /// Writes a record to a retry topic, whole or not at all.
    pub(crate) async fn send_to_retry(
        &self,
        topic: &str,
        record: &ConsumerRecord,
        from: Provenance,
    ) -> Result<RecordMetadata, DeadLetterError> {
        self.write(copy(record, topic.to_owned()), from, TooLarge::Stop).await
    }

    /// Creates a topic like `origin` unless it is there, or that is switched off.
    pub(crate) async fn ensure(&self, topic: &str, origin: &str) -> Result<(), DeadLetterError> {
        if !self.create_topics {
            return Ok(());
        }
        let created = self.topics.ensure(self.producer.client(), topic, origin).await;
        created.map_err(|source| DeadLetterError::CreateTopic { topic: topic.to_owned(), source })
    }

    async fn write(
        &self,
        whole: ProducerRecord<'_>,
        mut from: Provenance,
        too_large: TooLarge,
    ) -> Result<RecordMetadata, DeadLetterError> {
        let topic = whole.topic().to_owned();
        self.ensure(&topic, &from.topic).await?;
        let mut kept = Kept::all(whole.value_bytes().map_or(0, <[u8]>::len));
        let mut recreated = false;
        loop {
            let refused = match self.produce(trimmed(&whole, kept, &mut from)).await {
                Ok(written) => return Ok(written),
                Err(error) => error,
            };
            let less = match refused.kind() {
                ProduceErrorKind::RecordTooLarge { size, limit, .. } if too_large == TooLarge::Trim => {
                    kept.less(limit.map(|limit| size.saturating_sub(limit)))
                }
                // It was there, and somebody has deleted it since.
                ProduceErrorKind::UnknownTopic if !recreated && self.topics.forget(&topic).await => {
                    recreated = true;
                    self.ensure(&topic, &from.topic).await?;
                    Some(kept)
                }
                _ => None,
            };
            kept = less.ok_or(DeadLetterError::Produce { topic: topic.clone(), source: refused })?;
        }
    }

    async fn produce(&self, letter: ProducerRecord<'_>) -> Result<RecordMetadata, ProduceError> {
        self.producer.send(letter).await?.await
    }
}

/// The letter with the story of its failure, as far as it is kept.
fn trimmed<'a>(whole: &ProducerRecord<'a>, kept: Kept, from: &mut Provenance) -> ProducerRecord<'a> {
    let mut letter = whole.clone();
    let size = letter.value_bytes().map_or(0, <[u8]>::len);
    if size > kept.value {
        from.value_size = u64::try_from(size).ok();
        letter.value.truncate(kept.value);
    }
    if !kept.headers && !letter.headers.is_empty() {
        from.header_count = u64::try_from(letter.headers.len()).ok();
        letter.headers.clear();
    }
    from.to_headers().into_iter().fold(letter, |letter, (name, value)| letter.header(name, value))
}

/// A record's key, value and own headers, for another topic.
pub(super) fn copy(record: &ConsumerRecord, topic: String) -> ProducerRecord<'static> {
    let letter = ProducerRecord::to(topic);
    let letter = with_payload(letter, record.key.as_ref(), record.value.as_ref());
    let own = record.headers.iter().filter(|header| is_original(&header.key));
    own.fold(letter, |letter, header| with_header(letter, &header.key, header.value.as_ref()))
}

fn with_payload<'a>(
    mut letter: ProducerRecord<'a>,
    key: Option<&Bytes>,
    value: Option<&Bytes>,
) -> ProducerRecord<'a> {
    if let Some(key) = key {
        letter = letter.key(key.clone());
    }
    match value {
        Some(value) => letter.value(value.clone()),
        None => letter.null_value(),
    }
}

fn with_header<'a>(letter: ProducerRecord<'a>, name: &str, value: Option<&Bytes>) -> ProducerRecord<'a> {
    let name: Cow<'a, str> = Cow::Owned(name.to_owned());
    match value {
        Some(value) => letter.header(name, Payload::Owned(value.clone())),
        None => letter.null_header(name),
    }
}
