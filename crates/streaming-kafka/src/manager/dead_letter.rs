use bytes::Bytes;
use kafka_stream::handler::Failure;
use kafka_stream::producer::{ProduceError, ProducerRecord};

use super::KafkaManager;
use crate::{DeadLetter, Error};

impl KafkaManager {
    /// Writes the event that `source` is about to the dead letter topic, and returns the error for who sent it.
    pub(super) async fn failed(
        &self,
        topic: &str,
        key: Option<Bytes>,
        value: Bytes,
        source: ProduceError,
    ) -> Error {
        let failure = Failure::poison(&source).with_class(format!("{:?}", source.kind()));
        let dead_letter = self.dead_letter(topic, key, Some(value), &failure).await;
        Error::Produce { source, dead_letter }
    }

    /// Writes an event to the dead letter topic of `topic`, with headers that say why, if that queue is on.
    pub(super) async fn dead_letter(
        &self,
        topic: &str,
        key: Option<Bytes>,
        value: Option<Bytes>,
        failure: &Failure,
    ) -> DeadLetter {
        let config = &self.inner.config;
        if !config.enable_dead_letter_queue || topic.ends_with(&config.dead_letter_topic_suffix) {
            return DeadLetter::Off;
        }
        if self.inner.producer.client().unreachable().is_some() {
            tracing::error!(topic, %failure, "event is in no topic: no broker answers");
            return DeadLetter::Unreachable;
        }
        let mut record = ProducerRecord::to(topic);
        record = match key {
            Some(key) => record.key(key),
            None => record,
        };
        record = match value {
            Some(value) => record.value(value),
            None => record.null_value(),
        };
        match self.inner.dead_letters.send_unproduced(record, failure).await {
            Ok(place) => {
                tracing::warn!(topic, dead_letter_topic = %place.topic, %failure, "event dead-lettered");
                self.inner.failures.add_unproduced(topic, failure.class());
                DeadLetter::Written(place)
            }
            Err(error) => {
                tracing::error!(topic, %failure, %error, "event is in no topic");
                DeadLetter::Lost(error)
            }
        }
    }
}
