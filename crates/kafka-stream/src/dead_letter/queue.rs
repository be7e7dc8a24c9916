use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::cluster::Client;
use kafka_core::net::CallOptions;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::CreateTopicsRequest;
use kafka_core::protocol::messages::create_topics_request::CreatableTopic;
use kafka_core::{Error, Result};
use tokio::sync::Mutex;

use super::provenance::header;
use super::{DeadLetterError, Provenance};
use crate::consumer::ConsumerRecord;
use crate::handler::Failure;
use crate::producer::{Payload, Producer, ProducerRecord, RecordMetadata, Timestamp};

/// How long the cluster may take to create a dead letter topic.
const CREATE_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes dead letters, each to the topic of its record with a suffix. Cheap to clone.
///
/// A dead letter has the record's key, value and headers as they were, and the headers of [`header`](super::header)
/// beside them. Its timestamp is the time of the failure, so that retention counts from there.
///
/// The first dead letter of a topic creates the dead letter topic, with as many partitions as the record's topic and
/// the broker's default replication, unless it is there or that is switched off.
#[derive(Clone, Debug)]
pub struct DeadLetterQueue {
    producer: Producer,
    suffix: Arc<str>,
    group: Option<Arc<str>>,
    create_topics: bool,
    /// Dead letter topics that are known to be there.
    known: Arc<Mutex<HashSet<String>>>,
}

impl DeadLetterQueue {
    /// Writes with `producer`, which should be idempotent with `acks=all`, to topics with the suffix `.dlq`.
    pub fn new(producer: Producer) -> Self {
        Self { producer, suffix: ".dlq".into(), group: None, create_topics: true, known: Arc::default() }
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

    /// The dead letter topic of `topic`.
    pub fn topic_for(&self, topic: &str) -> String {
        format!("{topic}{}", self.suffix)
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
        let from = Provenance {
            topic: record.topic.to_string(),
            partition: Some(record.partition),
            offset: Some(record.offset),
            timestamp: (record.timestamp >= 0).then_some(record.timestamp),
            group: self.group.as_deref().map(str::to_owned),
            error_class: failure.class().to_owned(),
            error_message: failure.message().to_owned(),
            attempts,
            failed_at: Timestamp::now().0,
        };
        let mut letter = ProducerRecord::to(self.topic_for(&record.topic));
        letter = with_payload(letter, record.key.as_ref(), record.value.as_ref());
        for original in record.headers.iter().filter(|original| is_original(&original.key)) {
            letter = with_header(letter, &original.key, original.value.as_ref());
        }
        self.write(letter, &from).await
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
        let from = Provenance {
            topic: record.topic().to_owned(),
            error_class: failure.class().to_owned(),
            error_message: failure.message().to_owned(),
            attempts: 1,
            failed_at: Timestamp::now().0,
            ..Provenance::default()
        };
        let topic = self.topic_for(record.topic());
        self.write(record.with_topic(topic), &from).await
    }

    async fn write(
        &self,
        mut letter: ProducerRecord<'_>,
        from: &Provenance,
    ) -> Result<RecordMetadata, DeadLetterError> {
        let topic = letter.topic().to_owned();
        if self.create_topics {
            self.ensure(&topic, &from.topic).await?;
        }
        for (name, value) in from.to_headers() {
            letter = letter.header(name, value);
        }
        let failed = |source| DeadLetterError::Produce { topic: topic.clone(), source };
        self.producer.send(letter).await.map_err(failed)?.await.map_err(failed)
    }

    /// Creates the dead letter topic unless it is known to be there.
    async fn ensure(&self, topic: &str, origin: &str) -> Result<(), DeadLetterError> {
        // Held while the topic is created, so that many failures at once create it once.
        let mut known = self.known.lock().await;
        if known.contains(topic) {
            return Ok(());
        }
        let client = self.producer.client();
        match create(client, topic, partitions_of(client, origin)).await {
            Ok(()) => {}
            Err(error) if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {}
            // Who may not create topics may still write to one that is there; writing tells.
            Err(error) if is_refusal(&error) => {
                tracing::debug!(topic, %error, "the dead letter topic may not be created, writing to it all the same");
            }
            Err(source) => return Err(DeadLetterError::CreateTopic { topic: topic.to_owned(), source }),
        }
        known.insert(topic.to_owned());
        Ok(())
    }
}

fn with_payload<'a>(
    mut letter: ProducerRecord<'a>,
    key: Option<&bytes::Bytes>,
    value: Option<&bytes::Bytes>,
) -> ProducerRecord<'a> {
    if let Some(key) = key {
        letter = letter.key(key.clone());
    }
    match value {
        Some(value) => letter.value(value.clone()),
        None => letter.null_value(),
    }
}

fn with_header<'a>(
    letter: ProducerRecord<'a>,
    name: &str,
    value: Option<&bytes::Bytes>,
) -> ProducerRecord<'a> {
    let name: Cow<'a, str> = Cow::Owned(name.to_owned());
    match value {
        Some(value) => letter.header(name, Payload::Owned(value.clone())),
        None => letter.null_header(name),
    }
}

/// A record that was a dead letter before has its story told anew, not twice.
fn is_original(name: &str) -> bool {
    !header::ALL.contains(&name)
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::CLUSTER_AUTHORIZATION_FAILED)
    )
}

/// As many partitions as the record's topic has; -1 leaves it to the broker where that is not known.
fn partitions_of(client: &Client, origin: &str) -> i32 {
    let metadata = client.metadata();
    metadata.topic(origin).and_then(|topic| i32::try_from(topic.partitions.len()).ok()).unwrap_or(-1)
}

async fn create(client: &Client, topic: &str, num_partitions: i32) -> Result<()> {
    let wanted = CreatableTopic {
        name: topic.to_owned(),
        num_partitions,
        replication_factor: -1,
        ..Default::default()
    };
    let timeout_ms = i32::try_from(CREATE_TIMEOUT.as_millis()).unwrap_or(i32::MAX);
    let request = CreateTopicsRequest { topics: vec![wanted], timeout_ms, validate_only: false };
    let code = |answer: &kafka_core::protocol::messages::CreateTopicsResponse| {
        answer.topics.first().map_or(ErrorCode::NONE, |topic| ErrorCode(topic.error_code))
    };
    let options = CallOptions::new(CREATE_TIMEOUT);
    let answer = client.call_controller(options, |_| request.clone(), code).await?;
    match code(&answer) {
        ErrorCode::NONE => Ok(()),
        code => {
            let words = answer.topics.first().and_then(|topic| topic.error_message.as_deref());
            Err(Error::from_code_and_words(code, words).with_topic(topic))
        }
    }
}
