use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;
use kafka_stream::producer::{Delivery, RecordMetadata};

use super::KafkaManager;
use crate::Result;

/// An event that the producer has accepted: await it to know where it was written.
///
/// Dropping it changes nothing about the event being sent. What then is missing is the dead letter, should the event
/// fail for good.
#[must_use = "without awaiting it, an event that fails is not written to the dead letter topic"]
pub struct EventDelivery {
    manager: KafkaManager,
    topic: String,
    key: Option<Bytes>,
    value: Bytes,
    delivery: Delivery,
}

impl EventDelivery {
    pub(super) fn new(
        manager: KafkaManager,
        topic: &str,
        key: Option<Bytes>,
        value: Bytes,
        delivery: Delivery,
    ) -> Self {
        Self { manager, topic: topic.to_owned(), key, value, delivery }
    }
}

impl IntoFuture for EventDelivery {
    type Output = Result<RecordMetadata>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { manager, topic, key, value, delivery } = self;
        Box::pin(async move {
            match delivery.await {
                Ok(written) => Ok(written),
                Err(error) => Err(manager.failed(&topic, key, value, error).await),
            }
        })
    }
}

impl fmt::Debug for EventDelivery {
    /// Shows where the event goes, not what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDelivery")
            .field("topic", &self.topic)
            .field("value_len", &self.value.len())
            .finish()
    }
}
