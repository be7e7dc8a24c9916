use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::{Client, PartitionMetadata};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::accumulator::{Accumulator, Attempt};
use super::flush::FlushToken;
use super::hooks::{Hooks, count};
use super::memory::Reservation;
use super::sender::{Command, Plan, Sender, Terms};
use super::{
    Delivery, Partitioner, ProduceError, ProduceErrorKind, ProducerBuilder, ProducerConfig, ProducerRecord,
    ProducerStats,
};

/// Writes records to a cluster, in batches, in the background.
///
/// Cheap to clone; all clones share batches, memory and connections. Records of one partition are written in the order
/// in which `send` accepted them.
///
/// ```no_run
/// use kafka_core::cluster::{Client, ClientConfig};
/// use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(ClientConfig::new(["localhost:9092".parse()?]))?;
/// let producer = Producer::new(client, ProducerConfig::default())?;
///
/// let delivery = producer.send(ProducerRecord::to("analytics-events").key("user-42").value("{}")).await?;
/// let written = delivery.await?;
/// println!("partition {}, offset {:?}", written.partition, written.offset);
///
/// producer.close(std::time::Duration::from_secs(10)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # When the last handle is dropped
/// What was accepted is still sent in the background, as long as the runtime lives. [`close`](Self::close) waits for it,
/// and is the only way to know.
#[derive(Clone)]
pub struct Producer {
    inner: Arc<Inner>,
}

/// How long a partition may be missing before that is an error: a new one is not known to all brokers at once.
const NEW_PARTITION: Duration = Duration::from_secs(5);

struct Inner {
    client: Client,
    shared: Arc<Accumulator>,
    hooks: Arc<Hooks>,
    partitioner: Arc<dyn Partitioner>,
    max_block: Duration,
    commands: mpsc::UnboundedSender<Command>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Close { deadline: None, done: None });
    }
}

impl Producer {
    /// A producer with these settings. Nothing is connected before the first record.
    ///
    /// # Errors
    /// [`InvalidConfig`](ProduceErrorKind::InvalidConfig) if a setting is wrong or contradicts another;
    /// [`Cluster`](ProduceErrorKind::Cluster) outside of a tokio runtime.
    pub fn new(client: Client, config: ProducerConfig) -> Result<Self, ProduceError> {
        Self::builder(client).config(config).build()
    }

    /// Makes a producer with another partitioner or with interceptors.
    pub fn builder(client: Client) -> ProducerBuilder {
        ProducerBuilder::new(client)
    }

    pub(super) fn start(builder: ProducerBuilder) -> Result<Self, ProduceError> {
        let ProducerBuilder { client, config, partitioner, interceptors } = builder;
        config.validate()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            ProduceError::new(ProduceErrorKind::Cluster, "a producer must be made within a tokio runtime")
        })?;
        let shared = Arc::new(Accumulator::new(&config));
        shared.helpers.start(&shared, runtime.clone());
        let hooks = Arc::new(Hooks { interceptors, ..Default::default() });
        let settings = client.config();
        let backoff = ExponentialBackoff::new(settings.retry_backoff, settings.retry_backoff_max);
        let plan = Plan::new(Terms::new(&config, backoff), shared.clone(), hooks.clone());
        let (commands, receiver) = mpsc::unbounded_channel();
        let sender = Sender::new(client.clone(), &config, plan, shared.clone(), receiver);
        runtime.spawn(sender.run());
        let max_block = config.max_block;
        Ok(Self { inner: Arc::new(Inner { client, shared, hooks, partitioner, max_block, commands }) })
    }

    /// Accepts a record and returns its [`Delivery`], the future of its outcome.
    ///
    /// The record is copied into its partition's batch; nothing is sent before this returns, and everything that was
    /// accepted is sent whether or not the delivery is awaited. Where the topic's partitions are not known yet or
    /// `buffer_memory` is used up, this waits, for `max_block` at most; those who wait for memory are served in order.
    ///
    /// # Ordering
    /// Records that one task sends to one partition, each after the `send` before it has returned, are written in that
    /// order.
    ///
    /// # Errors
    /// Of this record alone: [`RecordTooLarge`](ProduceErrorKind::RecordTooLarge),
    /// [`BufferFull`](ProduceErrorKind::BufferFull), [`UnknownTopic`](ProduceErrorKind::UnknownTopic),
    /// [`UnknownPartition`](ProduceErrorKind::UnknownPartition), [`InvalidTopic`](ProduceErrorKind::InvalidTopic),
    /// [`Unauthorized`](ProduceErrorKind::Unauthorized), [`InvalidRecord`](ProduceErrorKind::InvalidRecord),
    /// [`Closed`](ProduceErrorKind::Closed), or [`Cluster`](ProduceErrorKind::Cluster) where no broker answers. The
    /// record was not accepted then, and is not written.
    ///
    /// # Cancel safety
    /// A `send` that is dropped before it returns has not accepted its record.
    // An `async fn` would move the record once more, from its arguments to where it works: a sixth of what a small one costs.
    #[allow(clippy::manual_async_fn)]
    pub fn send(
        &self,
        record: ProducerRecord<'_>,
    ) -> impl Future<Output = Result<Delivery, ProduceError>> + Send {
        async move {
            // A task that does nothing but send lets others run now and then, among them the one that empties the buffer.
            tokio::task::coop::consume_budget().await;
            let inner = &*self.inner;
            if inner.hooks.interceptors.is_empty() {
                match inner.append(&record, None) {
                    Attempt::Done(delivery) => Ok(delivery),
                    attempt => Box::pin(inner.wait_and_append(&record, attempt)).await,
                }
            } else {
                Box::pin(inner.intercept_and_append(record)).await
            }
        }
    }

    /// As [`send`](Self::send), without ever waiting.
    ///
    /// # Errors
    /// Those of `send`; [`BufferFull`](ProduceErrorKind::BufferFull) where it would wait for memory, and
    /// [`MetadataPending`](ProduceErrorKind::MetadataPending) where it would wait for the topic's partitions, which are
    /// then asked for in the background. The error gives the record back.
    pub fn try_send<'a>(&self, record: ProducerRecord<'a>) -> Result<Delivery, TrySendError<'a>> {
        let inner = &*self.inner;
        let record = inner.intercept(record);
        let mut attempt = inner.append(&record, None);
        if matches!(attempt, Attempt::UnknownTopic) && inner.learn(record.topic()) {
            attempt = inner.append(&record, None);
        }
        let error = match attempt {
            Attempt::Done(delivery) => return Ok(delivery),
            Attempt::Refused(error) => error,
            Attempt::NoMemory(_) => inner.buffer_full(Duration::ZERO),
            Attempt::UnknownPartition { known } => unknown_partition(&record, known),
            Attempt::UnknownTopic => match inner.check_topic(record.topic()) {
                Ok(()) => {
                    inner.client.track_topics([record.topic()]);
                    inner.client.request_metadata_update();
                    let message =
                        "the topic's partitions are not known yet: try again, or use `send`, which waits";
                    ProduceError::new(ProduceErrorKind::MetadataPending, message).with_topic(record.topic())
                }
                Err(error) => error,
            },
        };
        count(&inner.hooks.counters.refused, 1);
        Err(TrySendError(Box::new((record, error))))
    }

    /// Sends everything that was accepted before, without lingering, and waits until all of it has its outcome.
    ///
    /// It succeeds even where records failed: their deliveries say so. It ends after `delivery_timeout` at the latest.
    ///
    /// # Errors
    /// [`Closed`](ProduceErrorKind::Closed) if the producer is closed.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the records on their way.
    pub async fn flush(&self) -> Result<(), ProduceError> {
        let (token, done) = FlushToken::new();
        self.inner.commands.send(Command::Flush(token)).map_err(|_| ProduceError::closed())?;
        // It ends with the last token; there is nothing to receive.
        let _ = done.await;
        Ok(())
    }

    /// Accepts no more records, sends what was accepted, and ends the producer, all clones included.
    ///
    /// What has no outcome after `timeout` fails with [`Closed`](ProduceErrorKind::Closed). A second `close` does no
    /// harm.
    ///
    /// # Errors
    /// [`Closed`](ProduceErrorKind::Closed) if records failed because `timeout` was too short.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the closing.
    pub async fn close(&self, timeout: Duration) -> Result<(), ProduceError> {
        let errors_before = self.inner.hooks.counters.aborted.load(Ordering::Relaxed);
        let (done, closed) = oneshot::channel();
        let deadline = Instant::now().checked_add(timeout);
        if self.inner.commands.send(Command::Close { deadline, done: Some(done) }).is_ok() {
            let _ = closed.await;
        }
        match self.inner.hooks.counters.aborted.load(Ordering::Relaxed) - errors_before {
            0 => Ok(()),
            failed => {
                let message =
                    format!("{failed} records were not written within {timeout:?}: give `close` more time");
                Err(ProduceError::new(ProduceErrorKind::Closed, message))
            }
        }
    }

    /// The partitions of a topic; waits for them up to `max_block`.
    ///
    /// # Errors
    /// [`UnknownTopic`](ProduceErrorKind::UnknownTopic), [`InvalidTopic`](ProduceErrorKind::InvalidTopic),
    /// [`Unauthorized`](ProduceErrorKind::Unauthorized), [`Cluster`](ProduceErrorKind::Cluster).
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn partitions_for(&self, topic: &str) -> Result<Vec<PartitionMetadata>, ProduceError> {
        let deadline = Instant::now() + self.inner.max_block;
        Ok(self.inner.topic(topic, deadline).await?.partitions.clone())
    }

    /// What the producer has done so far.
    pub fn stats(&self) -> ProducerStats {
        let (shared, counters) = (&self.inner.shared, &self.inner.hooks.counters);
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let waiting: u64 = shared.queues().iter().map(|queue| queue.records()).sum();
        ProducerStats {
            messages_sent: get(&counters.messages_sent),
            bytes_sent: get(&counters.bytes_sent),
            compressed_bytes_sent: get(&counters.compressed_bytes_sent),
            send_errors: get(&counters.send_errors),
            refused: get(&counters.refused),
            retries: get(&counters.retries),
            batches: get(&counters.batches),
            requests: get(&counters.requests),
            in_flight: waiting + get(&counters.on_wire).saturating_sub(get(&counters.answered)),
            buffer_available: shared.memory.available() as u64,
            buffer_total: shared.memory.limit() as u64,
        }
    }

    /// The cluster that the producer writes to.
    pub fn client(&self) -> &Client {
        &self.inner.client
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Inner {
    #[inline]
    fn intercept<'a>(&self, mut record: ProducerRecord<'a>) -> ProducerRecord<'a> {
        // Without interceptors the record stays where it is.
        if !self.hooks.interceptors.is_empty() {
            record = self.hooks.on_send(record);
        }
        record
    }

    #[inline]
    fn append(&self, record: &ProducerRecord<'_>, grant: Option<Reservation>) -> Attempt {
        self.shared.append(record, &*self.partitioner, grant)
    }

    async fn intercept_and_append(&self, record: ProducerRecord<'_>) -> Result<Delivery, ProduceError> {
        let record = self.hooks.on_send(record);
        let attempt = self.append(&record, None);
        self.wait_and_append(&record, attempt).await
    }

    /// Waits for whatever the attempt lacked, and tries again, until `max_block` is over.
    async fn wait_and_append(
        &self,
        record: &ProducerRecord<'_>,
        mut attempt: Attempt,
    ) -> Result<Delivery, ProduceError> {
        let now = Instant::now();
        let deadline = now + self.max_block;
        let patience = now + self.max_block.min(NEW_PARTITION);
        let mut looked = false;
        loop {
            let mut grant = None;
            let failed = match attempt {
                Attempt::Done(delivery) => return Ok(delivery),
                Attempt::Refused(error) => Err(error),
                Attempt::UnknownTopic => self.topic(record.topic(), deadline).await.map(drop),
                Attempt::UnknownPartition { known } => {
                    let may_come = record.chosen_partition().is_none_or(|partition| partition >= 0);
                    if may_come && Instant::now() < patience {
                        match self.refresh(record.topic(), deadline).await {
                            Ok(()) => {
                                looked = true;
                                tokio::time::sleep(self.client.config().retry_backoff).await;
                                Ok(())
                            }
                            // The time ran out in the midst of a look: what an earlier one found stands.
                            Err(_) if looked && Instant::now() >= deadline => {
                                Err(unknown_partition(record, known))
                            }
                            Err(error) => Err(error),
                        }
                    } else {
                        Err(unknown_partition(record, known))
                    }
                }
                Attempt::NoMemory(bytes) => {
                    self.memory(bytes, deadline).await.map(|granted| grant = Some(granted))
                }
            };
            if let Err(error) = failed {
                count(&self.hooks.counters.refused, 1);
                return Err(error);
            }
            attempt = self.append(record, grant);
        }
    }

    async fn memory(&self, bytes: usize, deadline: Instant) -> Result<Reservation, ProduceError> {
        let wait = self.shared.memory.reserve(bytes);
        // Nothing lingers while somebody waits: the sender has to know.
        self.shared.wake.notify_one();
        match timeout_at(deadline, wait).await {
            Ok(Some(granted)) => Ok(granted),
            Ok(None) => Err(ProduceError::closed()),
            Err(_) => Err(self.buffer_full(self.max_block)),
        }
    }

    fn buffer_full(&self, waited: Duration) -> ProduceError {
        let limit = self.shared.memory.limit();
        let message = format!(
            "`buffer_memory` of {limit} bytes is used up{}: send slower, or raise it",
            if waited.is_zero() { String::new() } else { format!(", also after {waited:?}") }
        );
        ProduceError::new(ProduceErrorKind::BufferFull, message)
    }

    async fn topic(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Arc<kafka_core::cluster::TopicMetadata>, ProduceError> {
        self.check_topic(name)?;
        let topic = self.client.topic(name, deadline).await.map_err(|error| match error.kind() {
            kafka_core::ErrorKind::NotFound => {
                ProduceError::unknown_topic(name, self.max_block).with_source(Arc::new(error))
            }
            _ => ProduceError::from_client(Arc::new(error)).with_topic(name),
        })?;
        self.learn(name);
        Ok(topic)
    }

    /// Takes over the topic's partitions as the client knows them; false if it does not.
    fn learn(&self, name: &str) -> bool {
        let metadata = self.client.metadata();
        let Some(topic) = metadata.topic(name) else { return false };
        if self.shared.topic(name).is_none() {
            // In use from now on: its leaders have to be known whenever there is something to send.
            self.client.track_topics([name]);
        }
        self.shared.set_partitions(name, u32::try_from(topic.partitions.len()).unwrap_or(0));
        true
    }

    async fn refresh(&self, topic: &str, deadline: Instant) -> Result<(), ProduceError> {
        self.client
            .refresh_metadata(deadline)
            .await
            .map_err(|error| ProduceError::from_client(Arc::new(error)).with_topic(topic))?;
        self.learn(topic);
        Ok(())
    }

    fn check_topic(&self, name: &str) -> Result<(), ProduceError> {
        if self.shared.is_closed() {
            return Err(ProduceError::closed());
        }
        kafka_core::validate_topic_name(name).map_err(|error| {
            ProduceError::new(ProduceErrorKind::InvalidTopic, error.to_string()).with_source(Arc::new(error))
        })?;
        Ok(())
    }
}

fn unknown_partition(record: &ProducerRecord<'_>, known: u32) -> ProduceError {
    let asked = record.chosen_partition().map_or_else(|| "the partitioner's".to_owned(), |p| p.to_string());
    let message = format!("partition {asked} does not exist: the topic has {known}, numbered from 0");
    ProduceError::new(ProduceErrorKind::UnknownPartition, message).with_topic(record.topic())
}

/// A record that `try_send` did not accept, and why.
#[derive(Clone, Debug)]
pub struct TrySendError<'a>(Box<(ProducerRecord<'a>, ProduceError)>);

impl<'a> TrySendError<'a> {
    /// Why it was not accepted.
    pub fn error(&self) -> &ProduceError {
        &self.0.1
    }

    /// The record, and why it was not accepted.
    pub fn into_parts(self) -> (ProducerRecord<'a>, ProduceError) {
        *self.0
    }
}

impl fmt::Display for TrySendError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error(), f)
    }
}

impl std::error::Error for TrySendError<'_> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.error())
    }
}
