use std::sync::Arc;
use std::time::Duration;

use kafka_core::TopicPartition;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::commits::Commits;
use super::concurrency::lane_of;
use super::lane::{self, Work};
use super::partitions::{Partition, Partitions, Running};
use super::{Concurrency, Handler, HandlerError, HandlerStats, RetryPolicy, StatsReader};
use crate::consumer::{
    Consumer, ConsumerError, ConsumerHandle, ConsumerRecord, ConsumerRecords, ListenerFuture,
    RebalanceListener,
};
use crate::dead_letter::DeadLetterQueue;

/// How long one poll waits for records; nothing else waits for it.
const POLL: Duration = Duration::from_millis(500);

/// How records are handled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerOptions {
    /// How many records of a partition are handled at a time. Default: one after the other.
    pub concurrency: Concurrency,
    /// How often a handler is tried. Default: 3 times, with 100 ms and 200 ms in between.
    pub retry: RetryPolicy,
    /// How many records of a partition may be waiting or being handled before it is paused. Default: 1,000.
    pub max_outstanding: usize,
    /// How often finished records are committed. Default: 1 s.
    pub commit_interval: Duration,
    /// How long running handlers may go on once their partition is taken away or consumption ends; then they are
    /// dropped, and their records come again. Default: 10 s.
    pub drain_timeout: Duration,
}

impl Default for HandlerOptions {
    fn default() -> Self {
        Self {
            concurrency: Concurrency::ByPartition,
            retry: RetryPolicy::default(),
            max_outstanding: 1_000,
            commit_interval: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// Consumes topics with a [`Handler`], at least once: a record is committed when it is handled or in the dead letter
/// topic, and not before.
///
/// ```no_run
/// use kafka_core::cluster::{Client, ClientConfig};
/// use kafka_stream::consumer::{Consumer, ConsumerConfig, ConsumerRecord};
/// use kafka_stream::dead_letter::DeadLetterQueue;
/// use kafka_stream::handler::EventConsumer;
/// use kafka_stream::producer::{Producer, ProducerConfig};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(ClientConfig::new(["localhost:9092".parse()?]))?;
/// let mut config = ConsumerConfig::default();
/// config.group_id = Some("billing".into());
/// let consumer = Consumer::new(client.clone(), config)?;
/// let producer = Producer::new(client, ProducerConfig::default())?;
/// EventConsumer::new(consumer)
///     .dead_letters(DeadLetterQueue::new(producer).with_group("billing"))
///     .run(["analytics-events"], async |record: ConsumerRecord| {
///         println!("{:?}", record.value);
///         Ok::<_, std::io::Error>(())
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EventConsumer {
    consumer: Consumer,
    options: HandlerOptions,
    dead_letters: Option<DeadLetterQueue>,
    shutdown: CancellationToken,
    stats: StatsReader,
}

impl EventConsumer {
    /// Consumes with `consumer`, which must have a group, with the default options and without dead letters.
    pub fn new(consumer: Consumer) -> Self {
        Self {
            consumer,
            options: HandlerOptions::default(),
            dead_letters: None,
            shutdown: CancellationToken::new(),
            stats: StatsReader::default(),
        }
    }

    /// Handles records in this way.
    #[must_use]
    pub fn options(mut self, options: HandlerOptions) -> Self {
        self.options = options;
        self
    }

    /// Puts records that fail for good into their dead letter topic. Without it such a record stops consumption.
    #[must_use]
    pub fn dead_letters(mut self, dead_letters: DeadLetterQueue) -> Self {
        self.dead_letters = Some(dead_letters);
        self
    }

    /// Ends consumption in an orderly way when `token` is cancelled.
    #[must_use]
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shutdown = token;
        self
    }

    /// Counts into `stats`, which can be read while it runs.
    #[must_use]
    pub fn stats(mut self, stats: StatsReader) -> Self {
        self.stats = stats;
        self
    }

    /// Subscribes to `topics` and handles their records until the shutdown token is cancelled or something fails that
    /// time does not mend. In the end running handlers are awaited, what is finished is committed, and the group is
    /// left.
    ///
    /// # Errors
    /// [`HandlerError`], with the record or the failure at which consumption stopped. One is that no broker answers at
    /// the start, after the request timeout; later outages are waited out.
    ///
    /// # Cancel safety
    /// Dropping the future drops the handlers where they stand; nothing more is committed, so what was not committed
    /// yet, at most a commit interval's worth of handled records, comes again. Prefer the shutdown token.
    pub async fn run<T: AsRef<str>>(
        self,
        topics: impl IntoIterator<Item = T>,
        handler: impl Handler,
    ) -> Result<HandlerStats, HandlerError> {
        let Self { consumer, options, dead_letters, shutdown, stats } = self;
        let (failed, mut failures) = mpsc::unbounded_channel();
        let handle = consumer.handle();
        // A service that finds no Kafka at all should say so and end; one that has begun waits for it to come back.
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(stats.stats()),
            reached = handle.client().ready() => reached.map_err(ConsumerError::from)?,
        };
        let partitions = Arc::new(Partitions::default());
        let commits = Arc::new(Commits::new(handle.clone(), Arc::clone(&stats.0)));
        let work = Arc::new(Work {
            handler,
            retry: options.retry,
            dead_letters,
            consumer: handle,
            counters: Arc::clone(&stats.0),
            failed,
        });
        let listener = GiveAway {
            partitions: Arc::clone(&partitions),
            commits: Arc::clone(&commits),
            drain_timeout: options.drain_timeout,
        };
        consumer.subscribe_with(topics, listener)?;

        let mut committing = JoinSet::new();
        committing.spawn(commit_every(
            options.commit_interval,
            Arc::clone(&partitions),
            Arc::clone(&commits),
        ));
        let result = loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break Ok(()),
                Some(error) = failures.recv() => break Err(error),
                polled = consumer.poll(POLL) => match polled {
                    Ok(records) => dispatch(&records, &partitions, &work, &options),
                    Err(error) if error.is_fatal() || !error.is_retriable() => break Err(error.into()),
                    Err(error) => {
                        tracing::warn!(%error, "polling failed, going on");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        };
        committing.shutdown().await;
        let ended = end(&partitions, &commits, options.drain_timeout).await;
        let closed = consumer.close(options.drain_timeout).await;
        result?;
        ended?;
        closed?;
        Ok(stats.stats())
    }
}

/// Gives each partition's records to its lanes.
fn dispatch<H: Handler>(
    records: &ConsumerRecords,
    partitions: &Partitions,
    work: &Arc<Work<H>>,
    options: &HandlerOptions,
) {
    for of_partition in records.by_partition() {
        let tp = of_partition.topic_partition();
        let records: Vec<ConsumerRecord> = of_partition.iter().map(|record| record.to_record()).collect();
        partitions.with(
            tp,
            || begin(tp.clone(), work, options),
            |running| {
                running.partition.hand_out(
                    &records,
                    of_partition.next_offset(),
                    &work.consumer,
                    &work.counters,
                );
                let lanes = running.lanes.len();
                if let [lane] = running.lanes.as_slice() {
                    // A lane that has ended has said why, and consumption is about to end.
                    let _ = lane.send(records);
                    return;
                }
                let mut shares = vec![Vec::new(); lanes];
                for record in records {
                    let lane = lane_of(record.key.as_deref(), lanes, &mut running.turn);
                    if let Some(share) = shares.get_mut(lane) {
                        share.push(record);
                    }
                }
                for (lane, share) in running.lanes.iter().zip(shares) {
                    if !share.is_empty() {
                        let _ = lane.send(share);
                    }
                }
            },
        );
    }
}

fn begin<H: Handler>(tp: TopicPartition, work: &Arc<Work<H>>, options: &HandlerOptions) -> Running {
    let partition = Arc::new(Partition::new(tp, options.max_outstanding));
    let mut tasks = JoinSet::new();
    let lanes = (0..options.concurrency.lanes())
        .map(|_| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tasks.spawn(lane::run(Arc::clone(work), Arc::clone(&partition), receiver));
            sender
        })
        .collect();
    Running { partition, lanes, tasks, turn: 0 }
}

async fn commit_every(interval: Duration, partitions: Arc<Partitions>, commits: Arc<Commits>) {
    loop {
        tokio::time::sleep(interval).await;
        // A commit that fails is covered by the next; one that can never succeed shows in `poll` too.
        if let Err(error) = commits.commit(&partitions.all()).await {
            tracing::warn!(%error, "a commit failed");
        }
    }
}

async fn end(
    partitions: &Partitions,
    commits: &Commits,
    drain_timeout: Duration,
) -> Result<(), crate::consumer::ConsumerError> {
    let finished = drain(partitions.take_all(), drain_timeout).await;
    commits.commit(&finished).await
}

/// Drains partitions side by side.
async fn drain(running: Vec<Running>, limit: Duration) -> Vec<Arc<Partition>> {
    let partitions = running.iter().map(|running| Arc::clone(&running.partition)).collect();
    futures_util::future::join_all(running.into_iter().map(|running| running.drain(limit))).await;
    partitions
}

/// Finishes and commits partitions before they go to others.
struct GiveAway {
    partitions: Arc<Partitions>,
    commits: Arc<Commits>,
    drain_timeout: Duration,
}

impl RebalanceListener for GiveAway {
    fn on_partitions_revoked<'a>(
        &'a self,
        _consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            let finished = drain(self.partitions.take(partitions), self.drain_timeout).await;
            if let Err(error) = self.commits.commit(&finished).await {
                tracing::warn!(%error, "the last commit before partitions were given away failed; records come again");
            }
        })
    }

    fn on_partitions_lost<'a>(
        &'a self,
        _consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            // Others have them already: what still runs here runs in vain.
            drain(self.partitions.take(partitions), Duration::ZERO).await;
        })
    }
}
