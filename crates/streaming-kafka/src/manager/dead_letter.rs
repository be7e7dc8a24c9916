use std::collections::HashSet;

use bytes::Bytes;
use kafka_admin::{Admin, NewTopic};
use kafka_stream::producer::{ProduceError, ProducerRecord, Timestamp};

use parking_lot::Mutex;

use super::KafkaManager;
use crate::{DeadLetter, Error};

/// The dead letter topics that are known to exist.
#[derive(Debug, Default)]
pub(super) struct DeadLetterTopics(Mutex<HashSet<String>>);

impl KafkaManager {
    /// Writes the event that `source` is about to the dead letter topic, and returns the error for who sent it.
    pub(super) async fn failed(
        &self,
        topic: &str,
        key: Option<Bytes>,
        value: Bytes,
        source: ProduceError,
    ) -> Error {
        let class = format!("{:?}", source.kind());
        let dead_letter = self.dead_letter(topic, key, Some(value), &class, &source).await;
        Error::Produce { source, dead_letter }
    }

    /// Writes an event to the dead letter topic of `topic`, with headers that say why, if that queue is on.
    pub(super) async fn dead_letter(
        &self,
        topic: &str,
        key: Option<Bytes>,
        value: Option<Bytes>,
        class: &str,
        why: &(dyn std::error::Error + Sync),
    ) -> DeadLetter {
        let config = &self.inner.config;
        if !config.enable_dead_letter_queue || topic.ends_with(&config.dead_letter_topic_suffix) {
            return DeadLetter::Off;
        }
        let now = Timestamp::now();
        let dead_letter_topic = config.dead_letter_topic(topic);
        self.create_dead_letter_topic(topic, &dead_letter_topic).await;
        let mut record = ProducerRecord::to(&dead_letter_topic)
            .timestamp(now)
            .header("dlq.original.topic", topic)
            .header("dlq.error.class", class)
            .header("dlq.error.message", why.to_string())
            .header("dlq.failed.at", now.0.to_string());
        record = match key {
            Some(key) => record.key(key),
            None => record,
        };
        record = match value {
            Some(value) => record.value(value),
            None => record.null_value(),
        };
        let written = match self.inner.producer.send(record).await {
            Ok(delivery) => delivery.await,
            Err(error) => Err(error),
        };
        match written {
            Ok(place) => {
                tracing::warn!(topic, dead_letter_topic = %place.topic, error = %why, "event dead-lettered");
                DeadLetter::Written(place)
            }
            Err(error) => {
                tracing::error!(topic, error = %why, dead_letter_error = %error, "event is in no topic");
                DeadLetter::Lost(error)
            }
        }
    }

    /// Creates a dead letter topic as large as its source, unless it is there. Where that fails, sending to it will tell.
    async fn create_dead_letter_topic(&self, topic: &str, dead_letter_topic: &str) {
        let known = &self.inner.dead_letter_topics.0;
        if known.lock().contains(dead_letter_topic) {
            return;
        }
        let producer = &self.inner.producer;
        let timeout = producer.client().config().request_timeout;
        let admin = Admin::new(producer.client().clone()).with_timeout(timeout);
        let mut wanted = NewTopic::new(dead_letter_topic);
        if let Ok(source) = admin.describe_topic(topic).await {
            let replicas = source.partitions.first().and_then(|p| i16::try_from(p.replicas.len()).ok());
            wanted.partitions = i32::try_from(source.partitions.len()).ok();
            wanted.replication_factor = replicas;
        }
        match admin.create_topic_if_absent(&wanted).await {
            Ok(_) => {
                known.lock().insert(dead_letter_topic.to_owned());
            }
            Err(error) => tracing::warn!(dead_letter_topic, %error, "dead letter topic not created"),
        }
    }
}
