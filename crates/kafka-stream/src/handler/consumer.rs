use std::sync::Arc;
use std::time::Duration;

use kafka_core::TopicPartition;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::commits::Commits;
use super::concurrency::lane_of;
use super::lane::{self, Queue, Source};
use super::partitions::{Partition, Partitions, Running};
use super::retry_topics::Stages;
use super::work::Work;
use super::{Handler, HandlerError, HandlerOptions, HandlerStats, StatsReader};
use crate::consumer::{
    Consumer, ConsumerError, ConsumerErrorKind, ConsumerHandle, ConsumerRecord, ConsumerRecords,
    ListenerFuture, RebalanceListener,
};
use crate::dead_letter::DeadLetterQueue;

/// How long one poll waits for records; nothing else waits for it.
const POLL: Duration = Duration::from_millis(500);

/// What is left for the commit behind a drain.
const COMMIT: Duration = Duration::from_secs(1);

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
        if handle.commits_by_itself() {
            return Err(ConsumerError::new(
                ConsumerErrorKind::InvalidConfig,
                "enable_auto_commit is set, and would commit records that are not handled yet; leave it off",
            )
            .into());
        }
        let mut topics: Vec<String> = topics.into_iter().map(|topic| topic.as_ref().to_owned()).collect();
        let stages = options.retry_topics.stages(topics.iter().map(String::as_str));
        let group = handle.group_metadata().map(|group| Arc::from(group.group_id.as_str()));
        topics.extend(retry_topics(&stages, dead_letters.as_ref()).await?);
        let partitions = Arc::new(Partitions::default());
        let commits = Arc::new(Commits::new(handle.clone(), Arc::clone(&stats.0)));
        let work = Arc::new(Work {
            handler,
            retry: options.retry,
            policy: options.failures.clone(),
            stages,
            dead_letters,
            group,
            permits: options.max_running.map(|most| Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))),
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
        // A poll that was left in the midst of a rebalance has its turn among the commits: for that, what follows would wait
        // for ever.
        consumer.finish_listener().await;
        let ended = end(&partitions, &commits, &work.consumer, options.drain_timeout).await;
        let closed = consumer.close(options.drain_timeout).await;
        result?;
        // A record that failed while the others were awaited.
        if let Ok(error) = failures.try_recv() {
            return Err(error);
        }
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
                let round = running.partition.hand_out(
                    &records,
                    (of_partition.next_offset(), of_partition.stamp()),
                    &work.consumer,
                    &work.counters,
                );
                let lanes = running.lanes.len();
                if let [lane] = running.lanes.as_slice() {
                    // A lane that has ended has said why, and consumption is about to end.
                    let _ = lane.send((round, records));
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
                        let _ = lane.send((round, share));
                    }
                }
            },
        );
    }
}

fn begin<H: Handler>(tp: TopicPartition, work: &Arc<Work<H>>, options: &HandlerOptions) -> Running {
    // What waits in a retry topic is not fetched ahead: the next comes when all before it is done with.
    let limit = if work.stages.contains(&tp.topic) { 1 } else { options.max_outstanding };
    let partition = Arc::new(Partition::new(tp, limit));
    let mut tasks = JoinSet::new();
    let queue = || {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Queue::new(receiver))
    };
    let mut start = |source| {
        tasks.spawn(lane::run(Arc::clone(work), Arc::clone(&partition), source));
    };
    let count = options.concurrency.lanes();
    let lanes = if options.concurrency.shares_queue() {
        let (sender, queue) = queue();
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        (0..count).for_each(|_| start(Source::Shared(Arc::clone(&queue))));
        vec![sender]
    } else {
        let own = |_| {
            let (sender, queue) = queue();
            start(Source::Own(queue));
            sender
        };
        (0..count).map(own).collect()
    };
    Running { partition, lanes, tasks, turn: 0 }
}

/// Creates the retry topics, each like its origin, and returns their names.
async fn retry_topics(
    stages: &Stages,
    dead_letters: Option<&DeadLetterQueue>,
) -> Result<Vec<String>, HandlerError> {
    let mut names = Vec::new();
    for (name, origin) in stages.topics() {
        let Some(dead_letters) = dead_letters else {
            return Err(ConsumerError::new(
                ConsumerErrorKind::InvalidConfig,
                "retry topics are set and dead letters are not, whose producer writes to them: set both",
            )
            .into());
        };
        dead_letters.ensure(name, origin).await.map_err(HandlerError::Topics)?;
        names.push(name.to_owned());
    }
    Ok(names)
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
    consumer: &ConsumerHandle,
    drain_timeout: Duration,
) -> Result<(), crate::consumer::ConsumerError> {
    let finished = partitions.take_all().drain(in_time(consumer, drain_timeout)).await;
    commits.commit(&finished).await
}

/// As long as allowed, and no longer than the member stays in its group without a poll, so that what is finished can be
/// committed. The coordinator counts from when it wanted the partitions back, which the member heard a heartbeat later.
fn in_time(consumer: &ConsumerHandle, allowed: Duration) -> Duration {
    let left = consumer.left_of_poll_interval();
    let after = COMMIT.saturating_add(consumer.heartbeat_interval());
    allowed.min(left.saturating_sub(after.min(left / 2)))
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
        consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            let limit = in_time(consumer, self.drain_timeout);
            let finished = self.partitions.take(partitions).drain(limit).await;
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
            self.partitions.take(partitions).drain(Duration::ZERO).await;
        })
    }
}
