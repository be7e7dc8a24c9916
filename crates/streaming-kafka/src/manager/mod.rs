//! Events in and out of topics: JSON on the way out, handlers on the way in, dead letters where either fails.
//!
//! `produce` serializes and sends, `dead_letter` writes what could not be produced, `consume` runs handlers, `signal` ends
//! them, `redrive` puts dead letters back, `failures` sums up what failed.

mod consume;
mod dead_letter;
mod delivery;
mod failures;
mod produce;
mod redrive;
mod signal;

use std::sync::Arc;
use std::time::Duration;

use kafka_core::cluster::Client;
use kafka_stream::dead_letter::DeadLetterQueue;
use kafka_stream::producer::{Producer, ProducerStats};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use self::consume::Running;
use self::failures::FailureSums;
use self::signal::Listening;
use crate::config::HandlerConfig;
use crate::{Error, KafkaConfig, Result};

pub use consume::{ConsumeOptions, ConsumptionStats};
pub use delivery::EventDelivery;

/// Produces and consumes events as the configuration says. Cheap to clone; clones share connections and buffers.
///
/// ```no_run
/// use streaming_kafka::KafkaManager;
///
/// # async fn example() -> streaming_kafka::Result<()> {
/// let manager = KafkaManager::from_env()?;
/// let event = serde_json::json!({ "event_id": "test_123", "event_type": "test_event" });
/// let written = manager.produce_event("analytics-events", &event).await?;
/// println!("partition {}, offset {:?}", written.partition, written.offset);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KafkaManager {
    inner: Arc<Inner>,
    /// The field of an event that is its key.
    key_field: Option<Arc<str>>,
}

#[derive(Debug)]
struct Inner {
    config: KafkaConfig,
    handler: HandlerConfig,
    producer: Producer,
    dead_letters: DeadLetterQueue,
    running: Mutex<Vec<Arc<Running>>>,
    /// Locked after `running` where both are.
    failures: FailureSums,
    stop: CancellationToken,
    listening: Mutex<Listening>,
}

impl KafkaManager {
    /// A manager for the cluster that `config` names. Nothing is connected to until it is needed.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a setting is not right; [`Error::Kafka`](crate::Error::Kafka) outside of
    /// a tokio runtime.
    pub fn new(config: &KafkaConfig) -> Result<Self> {
        let (client, producer) = config.producer_settings()?;
        let handler = config.handler_settings()?;
        let producer = Producer::new(Client::new(client)?, producer).map_err(Error::produce)?;
        let dead_letters = DeadLetterQueue::new(producer.clone())
            .with_suffix(&*config.dead_letter_topic_suffix)
            .create_topics(handler.create_topics)
            .too_large(handler.too_large);
        let inner = Inner {
            config: config.clone(),
            handler,
            producer,
            dead_letters,
            running: Mutex::default(),
            failures: FailureSums::default(),
            stop: CancellationToken::new(),
            listening: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner), key_field: None })
    }

    /// As [`new`](Self::new), set up from the environment.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a setting is not right.
    pub fn from_env() -> Result<Self> {
        Self::new(&KafkaConfig::from_env()?)
    }

    /// The same manager, which takes each event's key from the field `name` of its JSON: a text as it is, anything else
    /// as JSON. Events without that field, or with null in it, get no key.
    ///
    /// Events of one key stay in order, in one partition. Finding the field takes a second look at the JSON;
    /// [`produce_event_with_key`](Self::produce_event_with_key) saves that.
    #[must_use]
    pub fn with_key_field(mut self, name: impl Into<Arc<str>>) -> Self {
        self.key_field = Some(name.into());
        self
    }

    /// What the manager was made from.
    pub fn config(&self) -> &KafkaConfig {
        &self.inner.config
    }

    /// The producer beneath, for records that are no events.
    pub fn producer(&self) -> &Producer {
        &self.inner.producer
    }

    /// What has been produced so far, and how: `messages_sent`, `bytes_sent`, `send_errors`, and more. Dead letters count.
    pub fn producer_stats(&self) -> ProducerStats {
        self.inner.producer.stats()
    }

    /// Sends what waits, and waits until each event that was accepted before has its outcome.
    ///
    /// # Errors
    /// The producer was closed.
    pub async fn flush(&self) -> Result<()> {
        self.inner.producer.flush().await.map_err(Error::produce)
    }

    /// Sends what waits, for up to `timeout`, and ends the producer; events that are sent later fail.
    ///
    /// # Errors
    /// Not everything could be sent in time; each event's own delivery tells.
    pub async fn close(&self, timeout: Duration) -> Result<()> {
        self.inner.producer.close(timeout).await.map_err(Error::produce)
    }
}
