//! Redrive: dead letters are put back where they came from.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::TopicPartition;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::queue::copy;
use super::verdict::{Verdict, judge};
use super::{Provenance, RedriveError, RedriveReport, header};
use crate::consumer::{Consumer, ConsumerError, ConsumerErrorKind, ConsumerRecord, OffsetAndMetadata};
use crate::handler::{Became, Failures, OffsetTracker};
use crate::producer::{Delivery, ProduceError, Producer, ProducerRecord};

/// How long one poll waits for letters.
const POLL: Duration = Duration::from_millis(500);

/// How long is waited to learn how many partitions a letter's origin has.
const LOOK_UP: Duration = Duration::from_secs(30);

/// How dead letters are put back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedriveOptions {
    /// How often one record is put back at most; a letter that was put back as often stays where it is. So no record goes
    /// round for ever. Default: 3.
    pub max_redrives: u32,
    /// Only counts what would be put back: nothing is written, nothing committed. Default: false.
    pub dry_run: bool,
    /// Starts at the first letter that is still there, and not where the group's last redrive ended. Default: false.
    pub from_beginning: bool,
    /// Ends when so many letters were put back. Default: at the end of the topic.
    pub limit: Option<u64>,
    /// Other groups' handlers pass a record by that was put back, since they may have handled it long ago. Consumers
    /// without handlers see it all the same. Default: false, all who read the topic see it again.
    pub only_its_group: bool,
}

impl Default for RedriveOptions {
    fn default() -> Self {
        Self { max_redrives: 3, dry_run: false, from_beginning: false, limit: None, only_its_group: false }
    }
}

type Filter = Box<dyn Fn(&ConsumerRecord, &Provenance) -> bool + Send + Sync>;

/// Reads a dead letter topic and puts its records back into the topics and partitions that they came from.
///
/// A record that is put back has its key, value and own headers as they were, and says how often it was tried and put
/// back ([`header::ATTEMPTS`], [`header::REDRIVES`]). Its timestamp is the time of that. It ends at the offsets that were
/// the topic's ends when it began: what fails again meanwhile waits for the next redrive.
///
/// The group's offset tells how far letters were dealt with; it is committed behind letters that were acknowledged in
/// their topic, or left where they are for a reason that the [`RedriveReport`] counts: left out by the filter, put back
/// too often, trimmed, or no dead letters at all. Another group, or
/// [`from_beginning`](RedriveOptions::from_beginning), sees them again. Let one redrive of a group run at a time: nothing
/// keeps two from putting the same letters back.
///
/// ```no_run
/// use kafka_core::cluster::{Client, ClientConfig};
/// use kafka_stream::consumer::{Consumer, ConsumerConfig};
/// use kafka_stream::dead_letter::{Redrive, RedriveOptions};
/// use kafka_stream::producer::{Producer, ProducerConfig};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(ClientConfig::new(["localhost:9092".parse()?]))?;
/// let mut config = ConsumerConfig::default();
/// config.group_id = Some("redrive".into());
/// let mut options = RedriveOptions::default();
/// options.dry_run = true;
/// let report = Redrive::new(Consumer::new(client.clone(), config)?, Producer::new(client, ProducerConfig::default())?)
///     .options(options)
///     .filter(|_letter, from| from.error_class.ends_with("Timeout"))
///     .run("analytics-events.dlq")
///     .await?;
/// println!("{} of {} letters would be put back", report.redriven, report.read);
/// # Ok(())
/// # }
/// ```
pub struct Redrive {
    consumer: Consumer,
    producer: Producer,
    options: RedriveOptions,
    filter: Filter,
    shutdown: CancellationToken,
}

impl Redrive {
    /// Reads with `consumer`, which needs a group and must not commit by itself, and writes with `producer`, which should
    /// be idempotent with `acks=all`.
    pub fn new(consumer: Consumer, producer: Producer) -> Self {
        Self {
            consumer,
            producer,
            options: RedriveOptions::default(),
            filter: Box::new(|_, _| true),
            shutdown: CancellationToken::new(),
        }
    }

    /// Puts letters back in this way.
    #[must_use]
    pub fn options(mut self, options: RedriveOptions) -> Self {
        self.options = options;
        self
    }

    /// Puts only those letters back for which `filter` says true.
    #[must_use]
    pub fn filter(
        mut self,
        filter: impl Fn(&ConsumerRecord, &Provenance) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filter = Box::new(filter);
        self
    }

    /// Ends early, and in an orderly way, when `token` is cancelled.
    #[must_use]
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shutdown = token;
        self
    }

    /// Puts back what is in `dead_letter_topic` now.
    ///
    /// # Errors
    /// [`RedriveError`]: the topic cannot be read, or a letter cannot be written to its topic. What was acknowledged before
    /// is committed; nothing is skipped, and the next redrive begins with that letter.
    ///
    /// # Cancel safety
    /// If dropped, letters may have been put back and not be committed: the next redrive puts them back again. Prefer the
    /// shutdown token.
    pub async fn run(self, dead_letter_topic: &str) -> Result<RedriveReport, RedriveError> {
        let consumer = &self.consumer;
        if !self.options.dry_run && (consumer.group_metadata().is_none() || consumer.commits_by_itself()) {
            return Err(ConsumerError::new(
                ConsumerErrorKind::InvalidConfig,
                "a redrive commits what was acknowledged: set group_id, and leave enable_auto_commit off",
            )
            .into());
        }
        let partitions = consumer.partitions_for(dead_letter_topic).await?;
        let ends = consumer.end_offsets(&partitions).await?;
        consumer.assign(partitions.iter().cloned())?;
        if self.options.from_beginning {
            consumer.seek_to_beginning(&partitions)?;
        }
        let mut run = Run { redrive: &self, ends, done: BTreeMap::new(), report: RedriveReport::default() };
        let failures = Failures::default();
        let ended = run.go_to_the_end(&failures).await;
        let mut report = run.report;
        report.dry_run = self.options.dry_run;
        report.failures = failures.stats();
        let closed = consumer.close(POLL).await;
        ended?;
        closed?;
        Ok(report)
    }
}

impl fmt::Debug for Redrive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redrive").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A redrive under way.
struct Run<'a> {
    redrive: &'a Redrive,
    ends: HashMap<TopicPartition, i64>,
    /// How far each partition is dealt with.
    done: BTreeMap<TopicPartition, OffsetTracker>,
    report: RedriveReport,
}

/// A letter on its way back.
struct UnderWay {
    tp: TopicPartition,
    offset: i64,
    round: u32,
    topic: String,
    class: String,
    delivery: Result<Delivery, ProduceError>,
}

impl Run<'_> {
    async fn go_to_the_end(&mut self, failures: &Failures) -> Result<(), RedriveError> {
        while !self.is_at_end()? && !self.is_full() {
            let polled = tokio::select! {
                biased;
                () = self.redrive.shutdown.cancelled() => return Ok(()),
                polled = self.redrive.consumer.poll(POLL) => polled,
            };
            let records = match polled {
                Ok(records) => records,
                Err(error) if error.is_fatal() || !error.is_retriable() => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(%error, "reading dead letters failed, going on");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let mut under_way: Vec<UnderWay> = Vec::new();
            'all: for of_partition in records.by_partition() {
                let tp = of_partition.topic_partition();
                let end = self.ends.get(tp).copied().unwrap_or_default();
                let mut next = of_partition.next_offset().min(end);
                for record in of_partition.iter().filter(|record| record.offset() < end) {
                    if self.is_full() {
                        next = record.offset();
                        break;
                    }
                    under_way.extend(self.begin(&record.to_record()).await);
                    // Those behind a letter that cannot be sent wait for the next redrive.
                    if under_way.last().is_some_and(|last| last.delivery.is_err()) {
                        break 'all;
                    }
                }
                self.done.entry(tp.clone()).or_default().advance_to(next, of_partition.stamp());
            }
            let settled = self.settle(under_way, failures).await;
            self.commit().await?;
            settled?;
        }
        Ok(())
    }

    /// Whether all that was there at the start was handed out.
    fn is_at_end(&self) -> Result<bool, ConsumerError> {
        for (tp, end) in &self.ends {
            if self.redrive.consumer.position(tp)?.is_none_or(|position| position < *end) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_full(&self) -> bool {
        self.redrive.options.limit.is_some_and(|limit| self.report.redriven >= limit)
    }

    /// Sends a letter back, if it is one to be put back.
    async fn begin(&mut self, record: &ConsumerRecord) -> Option<UnderWay> {
        let (tp, offset, options) = (record.topic_partition(), record.offset, &self.redrive.options);
        let from = Provenance::of(record);
        let verdict = judge(from.as_ref(), options.max_redrives, |from| (self.redrive.filter)(record, from));
        self.report.count(verdict);
        let done = self.done.entry(tp.clone()).or_default();
        let round = done.hand_out(offset, None);
        let Some(from) = from.filter(|_| verdict == Verdict::PutBack) else {
            done.finish(offset, round);
            return None;
        };
        let delivery = if options.dry_run {
            done.finish(offset, round);
            return None;
        } else {
            self.send(record, &from).await
        };
        Some(UnderWay { tp, offset, round, topic: from.topic, class: from.error_class, delivery })
    }

    async fn send(&self, record: &ConsumerRecord, from: &Provenance) -> Result<Delivery, ProduceError> {
        let producer = &self.redrive.producer;
        let mut put_back = copy(record, from.topic.clone())
            .header(header::REDRIVES, (from.redrives.saturating_add(1)).to_string())
            .header(header::ATTEMPTS, from.attempts.to_string());
        if let Some(group) = from.group.as_ref().filter(|_| self.redrive.options.only_its_group) {
            put_back = put_back.header(header::GROUP, group.clone());
        }
        producer.send(self.placed(put_back, from).await).await
    }

    /// In the partition that it came from, unless the topic has become smaller.
    async fn placed<'a>(&self, record: ProducerRecord<'a>, from: &Provenance) -> ProducerRecord<'a> {
        let Some(partition) = from.partition else { return record };
        let found = self.redrive.producer.client().topic(&from.topic, Instant::now() + LOOK_UP).await;
        match found {
            Ok(topic) if topic.partitions.iter().any(|known| known.index == partition) => {
                record.partition(partition)
            }
            // Sending says what is wrong.
            _ => record,
        }
    }

    /// Waits for all that is under way; the first that failed is the error.
    async fn settle(&mut self, under_way: Vec<UnderWay>, failures: &Failures) -> Result<(), RedriveError> {
        let mut ended = Ok(());
        for UnderWay { tp, offset, round, topic, class, delivery } in under_way {
            let written = match delivery {
                Ok(delivery) => delivery.await,
                Err(error) => Err(error),
            };
            match written {
                Ok(_) => {
                    failures.count(&topic, &class, Became::Redriven);
                    self.done.entry(tp).or_default().finish(offset, round);
                }
                Err(source) => {
                    self.report.redriven = self.report.redriven.saturating_sub(1);
                    if ended.is_ok() {
                        ended = Err(RedriveError::Produce {
                            partition: tp,
                            offset,
                            topic: Arc::from(topic),
                            source,
                        });
                    }
                }
            }
        }
        ended
    }

    async fn commit(&mut self) -> Result<(), ConsumerError> {
        if self.redrive.options.dry_run {
            return Ok(());
        }
        let offsets: BTreeMap<_, _> = self
            .done
            .iter()
            .filter_map(|(tp, done)| Some((tp.clone(), OffsetAndMetadata::new(done.to_commit()?))))
            .collect();
        self.redrive.consumer.commit_sync_offsets(offsets.clone()).await?;
        for (tp, committed) in offsets {
            self.done.entry(tp).or_default().committed(committed.offset);
        }
        Ok(())
    }
}
