use bytes::Bytes;
use kafka_stream::handler::Failure;
use kafka_stream::producer::{ProducerRecord, RecordMetadata};
use serde::Serialize;

use super::{EventDelivery, KafkaManager};
use crate::key_field::key_field;
use crate::{Error, Result};

impl KafkaManager {
    /// Writes `event` as JSON to `topic`, and waits until it is acknowledged.
    ///
    /// The key is that of [`with_key_field`](Self::with_key_field), otherwise there is none.
    ///
    /// # Errors
    /// The event has no form in JSON, or it cannot be produced: retries and `delivery.timeout.ms` are used up, it is too
    /// large, the topic does not exist. Where the dead letter queue is on, the event was then written to the dead letter
    /// topic, and the error says whether that succeeded.
    ///
    /// # Cancel safety
    /// An event that the producer has accepted is sent even if the future is dropped; only its dead letter is not written.
    pub async fn produce_event<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        event: &T,
    ) -> Result<RecordMetadata> {
        self.send_event(topic, event).await?.await
    }

    /// As [`produce_event`](Self::produce_event), with the key given.
    ///
    /// # Errors
    /// As [`produce_event`](Self::produce_event).
    ///
    /// # Cancel safety
    /// As [`produce_event`](Self::produce_event).
    pub async fn produce_event_with_key<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        key: impl Into<Bytes>,
        event: &T,
    ) -> Result<RecordMetadata> {
        self.send_event_with_key(topic, key, event).await?.await
    }

    /// Hands `event` to the producer as JSON, and returns what waits for its acknowledgement.
    ///
    /// For many events: send them one after the other, which keeps their order, and await the deliveries later.
    ///
    /// # Errors
    /// As [`produce_event`](Self::produce_event), as far as it is known at once.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the event was not sent.
    pub async fn send_event<T: Serialize + ?Sized>(&self, topic: &str, event: &T) -> Result<EventDelivery> {
        let value = self.json(topic, event).await?;
        let key = self.key_field.as_deref().and_then(|name| key_field(&value, name)).map(Bytes::from);
        self.send(topic, key, value).await
    }

    /// As [`send_event`](Self::send_event), with the key given.
    ///
    /// # Errors
    /// As [`send_event`](Self::send_event).
    ///
    /// # Cancel safety
    /// As [`send_event`](Self::send_event).
    pub async fn send_event_with_key<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        key: impl Into<Bytes>,
        event: &T,
    ) -> Result<EventDelivery> {
        let value = self.json(topic, event).await?;
        self.send(topic, Some(key.into()), value).await
    }

    async fn json<T: Serialize + ?Sized>(&self, topic: &str, event: &T) -> Result<Bytes> {
        match serde_json::to_vec(event) {
            Ok(json) => Ok(json.into()),
            Err(source) => {
                let dead_letter = self
                    .dead_letter(topic, None, None, &Failure::poison(&source).with_class("serde_json::Error"))
                    .await;
                Err(Error::Serialize { topic: topic.to_owned(), source, dead_letter })
            }
        }
    }

    async fn send(&self, topic: &str, key: Option<Bytes>, value: Bytes) -> Result<EventDelivery> {
        let mut record = ProducerRecord::to(topic).value(&value);
        if let Some(key) = &key {
            record = record.key(key);
        }
        match self.inner.producer.send(record).await {
            Ok(delivery) => Ok(EventDelivery::new(self.clone(), topic, key, value, delivery)),
            Err(error) => Err(self.failed(topic, key, value, error).await),
        }
    }
}
