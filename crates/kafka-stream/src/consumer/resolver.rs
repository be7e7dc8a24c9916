//! The task that gets every assigned partition to the point where it can be fetched, and keeps it there.
//!
//! It follows the metadata (leaders, recreated topics), looks up committed offsets and places in logs, starts one fetch
//! task per broker that leads an assigned partition, and asks again, after a pause, where an answer was an error. It
//! works whether or not the user polls, and says what it cannot solve through the problems that `poll` returns.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::{Client, Metadata};
use kafka_core::protocol::ErrorCode;
use kafka_core::{Error, TopicPartition};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tracing::debug;

use super::epoch_ends::{self, EpochEnds};
use super::group::{OffsetAndMetadata, Offsets};
use super::list_offsets::{self, Found, Question};
use super::positions::{Leader, OffsetSpec, Unproven};
use super::shared::Shared;
use super::{ConsumerError, fetch};

/// How long a broker may say that a topic or partition is missing before that is an error: a new one is not known to all
/// brokers at once.
const MISSING_AFTER: Duration = Duration::from_secs(5);

/// A partition and the stamp under which its question was asked.
type Asked = (TopicPartition, u64);

/// Questions for the partitions that one broker leads.
type Batch = (Vec<(Asked, OffsetSpec)>, Vec<Question>);

enum Answer {
    Topic(Arc<str>, Result<(), ConsumerError>),
    Committed(Vec<Asked>, Result<HashMap<TopicPartition, Option<OffsetAndMetadata>>, Error>),
    EpochEnds(Vec<Unproven>, Result<Option<EpochEnds>, Error>),
    Places(Vec<(Asked, OffsetSpec)>, Result<HashMap<TopicPartition, Result<Found, Error>>, Error>),
}

/// Runs until aborted; the fetch tasks end with it.
pub(crate) async fn run(shared: Arc<Shared>, offsets: Option<Offsets>) {
    let backoff = ExponentialBackoff::new(
        shared.client.config().retry_backoff,
        shared.client.config().retry_backoff_max,
    );
    let mut metadata = shared.client.metadata_changes();
    let mut resolver = Resolver {
        shared: Arc::clone(&shared),
        offsets,
        backoff,
        fetchers: Fetchers::default(),
        questions: JoinSet::new(),
        asked: HashSet::new(),
        asked_topics: BTreeSet::new(),
        asked_epochs: HashSet::new(),
        tracked: BTreeSet::new(),
        first_known: HashMap::new(),
        missing_since: HashMap::new(),
        absent: HashMap::new(),
    };
    loop {
        let mut changed = pin!(shared.for_resolver.notified());
        changed.as_mut().enable();
        let now = Instant::now();
        resolver.track_topics();
        resolver.follow_leaders();
        resolver.start_fetchers(now);
        resolver.ask_for_topics(now);
        resolver.ask_for_committed(now);
        resolver.ask_for_places(now);
        resolver.ask_for_epoch_ends(now);
        let retry_at = resolver.next_retry(now);
        tokio::select! {
            biased;
            Some(answer) = resolver.questions.join_next() => {
                if let Ok(answer) = answer {
                    resolver.take_in(answer);
                }
            }
            () = changed => {}
            _ = metadata.changed() => {}
            () = sleep_until(retry_at) => {}
        }
    }
}

/// Waits until a topic is known, or known to be missing.
async fn find_topic(client: &Client, topic: &str) -> Result<(), ConsumerError> {
    let config = client.config();
    let deadline = Instant::now() + config.request_timeout + config.connection_setup_timeout_max;
    let mut found = pin!(client.topic(topic, deadline));
    let mut changes = client.metadata_changes();
    // From the first answer on: connecting and signing in may take longer than that.
    let patience = async {
        let _ = changes.wait_for(|metadata| is_missing(metadata, topic)).await;
        tokio::time::sleep(MISSING_AFTER).await;
    };
    tokio::select! {
        biased;
        answer = &mut found => return Ok(answer.map(drop)?),
        () = patience => {}
    }
    if is_missing(&client.metadata(), topic) {
        return Err(ConsumerError::unknown_topic(topic));
    }
    Ok(found.await.map(drop)?)
}

fn is_missing(metadata: &Metadata, topic: &str) -> bool {
    metadata.topic_error(topic) == Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The fetch tasks by broker; dropping it ends them.
#[derive(Default)]
struct Fetchers(BTreeMap<i32, AbortHandle>);

impl Drop for Fetchers {
    fn drop(&mut self) {
        self.0.values().for_each(AbortHandle::abort);
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.client.untrack_topics(self.tracked.iter().map(|topic| &**topic));
    }
}

struct Resolver {
    shared: Arc<Shared>,
    offsets: Option<Offsets>,
    backoff: ExponentialBackoff,
    fetchers: Fetchers,
    questions: JoinSet<Answer>,
    asked: HashSet<Asked>,
    asked_topics: BTreeSet<Arc<str>>,
    /// Epoch ends that are being asked for, by partition, stamp and the leader's epoch.
    asked_epochs: HashSet<(TopicPartition, u64, i32)>,
    /// Topics that the client keeps fresh for this consumer.
    tracked: BTreeSet<Arc<str>>,
    /// How many partitions each topic had when this consumer first knew it.
    first_known: HashMap<Arc<str>, usize>,
    /// Since when a topic has lacked a partition that is assigned.
    missing_since: HashMap<Arc<str>, Instant>,
    /// Topics that could not be found: failures in a row, and when to look again.
    absent: HashMap<Arc<str>, (u32, Instant)>,
}

impl Resolver {
    /// Tells the client which topics are in use, so that it neither forgets nor asks for more.
    fn track_topics(&mut self) {
        let mut wanted: BTreeSet<Arc<str>> = self.shared.topics.lock().iter().cloned().collect();
        for (tp, _) in self.shared.positions.lock().iter() {
            if !wanted.contains(&tp.topic) {
                wanted.insert(Arc::clone(&tp.topic));
            }
        }
        let client = &self.shared.client;
        client.track_topics(wanted.difference(&self.tracked).map(|topic| &**topic));
        client.untrack_topics(self.tracked.difference(&wanted).map(|topic| &**topic));
        self.tracked = wanted;
        let metadata = client.metadata();
        self.first_known.retain(|topic, _| self.tracked.contains(topic));
        for topic in &self.tracked {
            if let Some(known) = metadata.topic(topic) {
                self.first_known.entry(Arc::clone(topic)).or_insert(known.partitions.len());
            }
        }
    }

    /// Where a partition without a commit starts. One that was added while its topic was read starts at its beginning,
    /// so that what was written before it was noticed is not missed.
    fn start_of(&self, tp: &TopicPartition, policy: OffsetSpec) -> OffsetSpec {
        let added = self
            .first_known
            .get(&tp.topic)
            .is_some_and(|&count| usize::try_from(tp.partition).is_ok_and(|index| index >= count));
        if added && policy == OffsetSpec::Latest { OffsetSpec::Earliest } else { policy }
    }

    fn follow_leaders(&mut self) {
        let metadata = self.shared.client.metadata();
        let policy = self.shared.reset_policy();
        let mut positions = self.shared.positions.lock();
        let recreated = positions.update_leaders(|tp| {
            let topic = metadata.topic(&tp.topic)?;
            let partition = topic.partition(tp.partition)?;
            let broker = partition.leader?;
            let epoch = partition.leader_epoch.unwrap_or(-1);
            Some(Leader { broker, epoch, topic_id: topic.id.map(|id| id.0).unwrap_or_default() })
        });
        for tp in recreated {
            positions.on_recreated(&tp, policy);
        }
    }

    fn start_fetchers(&mut self, now: Instant) {
        let brokers: BTreeSet<i32> = self.shared.positions.lock().sources(now).collect();
        for broker in brokers {
            self.fetchers.0.entry(broker).or_insert_with(|| {
                debug!(broker, "starting to fetch");
                tokio::spawn(fetch::run(Arc::clone(&self.shared), broker)).abort_handle()
            });
        }
        self.shared.for_fetchers.notify_waiters();
    }

    /// Topics of which the metadata says nothing.
    fn ask_for_topics(&mut self, now: Instant) {
        let metadata = self.shared.client.metadata();
        let mut unknown = self.shared.topics.lock().clone();
        unknown.retain(|topic| metadata.topic(topic).is_none());
        unknown.extend({
            let positions = self.shared.positions.lock();
            // One that was deleted may be created anew, of which nobody else tells.
            let unknown = positions
                .iter()
                .filter(|(tp, assigned)| assigned.leader.is_none() || metadata.topic(&tp.topic).is_none());
            unknown.map(|(tp, _)| Arc::clone(&tp.topic)).collect::<Vec<_>>()
        });
        self.absent.retain(|topic, _| unknown.contains(topic));
        self.missing_since.retain(|topic, _| unknown.contains(topic));
        for topic in unknown {
            if self.absent.get(&topic).is_some_and(|(_, at)| now < *at)
                || !self.asked_topics.insert(Arc::clone(&topic))
            {
                continue;
            }
            let client = self.shared.client.clone();
            self.questions.spawn(async move {
                let answer = find_topic(&client, &topic).await;
                Answer::Topic(topic, answer)
            });
        }
    }

    fn ask_for_committed(&mut self, now: Instant) {
        let Some(offsets) = self.offsets.clone() else { return };
        let waiting = self.shared.positions.lock().without_committed(now);
        let asked: Vec<Asked> =
            waiting.into_iter().filter(|asked| self.asked.insert(asked.clone())).collect();
        if asked.is_empty() {
            return;
        }
        let timeout = self.shared.config.default_api_timeout;
        self.questions.spawn(async move {
            let partitions: Vec<TopicPartition> = asked.iter().map(|(tp, _)| tp.clone()).collect();
            let answer = offsets.committed(&partitions, timeout).await;
            Answer::Committed(asked, answer.map(|committed| committed.into_iter().collect()))
        });
    }

    fn ask_for_places(&mut self, now: Instant) {
        let mut by_leader: BTreeMap<i32, Batch> = BTreeMap::new();
        {
            let positions = self.shared.positions.lock();
            for (tp, stamp, spec) in positions.to_reset(now) {
                let Some(leader) = positions.get(&tp).and_then(|assigned| assigned.leader) else { continue };
                if leader.broker >= 0 && self.asked.insert((tp.clone(), stamp)) {
                    let (asked, questions) = by_leader.entry(leader.broker).or_default();
                    questions.push(Question { tp: tp.clone(), spec, leader_epoch: leader.epoch });
                    asked.push(((tp, stamp), spec));
                }
            }
        }
        for (broker, (asked, questions)) in by_leader {
            let client = self.shared.client.clone();
            let level = self.shared.config.isolation_level;
            let timeout = self.shared.config.request_timeout;
            self.questions.spawn(async move {
                let answer = list_offsets::ask(&client, broker, &questions, level, timeout).await;
                Answer::Places(asked, answer)
            });
        }
    }

    fn ask_for_epoch_ends(&mut self, now: Instant) {
        let mut by_leader: BTreeMap<i32, Vec<Unproven>> = BTreeMap::new();
        for question in self.shared.positions.lock().to_prove(now) {
            if self.asked_epochs.insert((question.tp.clone(), question.stamp, question.leader_epoch)) {
                by_leader.entry(question.broker).or_default().push(question);
            }
        }
        for (broker, questions) in by_leader {
            let client = self.shared.client.clone();
            let timeout = self.shared.config.request_timeout;
            self.questions.spawn(async move {
                let answer = epoch_ends::ask(&client, broker, &questions, timeout).await;
                Answer::EpochEnds(questions, answer)
            });
        }
    }

    fn next_retry(&self, now: Instant) -> Option<Instant> {
        let absent = self.absent.values().map(|(_, at)| *at);
        let positions = self.shared.positions.lock().next_retry(now);
        absent.chain(positions).filter(|at| *at > now).min()
    }

    fn take_in(&mut self, answer: Answer) {
        match answer {
            Answer::Topic(topic, answer) => self.topic_answered(topic, answer),
            Answer::Committed(asked, answer) => self.committed_answered(asked, answer),
            Answer::EpochEnds(asked, answer) => self.epoch_ends_answered(asked, answer),
            Answer::Places(asked, answer) => self.places_answered(asked, answer),
        }
    }

    fn topic_answered(&mut self, topic: Arc<str>, answer: Result<(), ConsumerError>) {
        self.asked_topics.remove(&topic);
        let now = Instant::now();
        let (failures, _) = self.absent.get(&topic).copied().unwrap_or((0, now));
        self.absent.insert(Arc::clone(&topic), (failures + 1, now + self.backoff.delay(failures)));
        match answer {
            Err(error) => self.shared.report(error),
            Ok(()) => {
                // The topic is there; are its partitions?
                let metadata = self.shared.client.metadata();
                let missing = {
                    let positions = self.shared.positions.lock();
                    positions
                        .iter()
                        .map(|(tp, _)| tp)
                        .find(|tp| {
                            tp.topic == topic
                                && metadata.topic(&topic).is_some_and(|t| t.partition(tp.partition).is_none())
                        })
                        .cloned()
                };
                let Some(tp) = missing else {
                    self.missing_since.remove(&topic);
                    return;
                };
                // The coordinator may assign one that was just added, before this client has heard of it.
                let since = *self.missing_since.entry(topic).or_insert(now);
                if now >= since + MISSING_AFTER {
                    self.shared.report(ConsumerError::unknown_partition(&tp));
                }
                self.shared.client.request_metadata_update();
            }
        }
    }

    fn committed_answered(
        &mut self,
        asked: Vec<Asked>,
        answer: Result<HashMap<TopicPartition, Option<OffsetAndMetadata>>, Error>,
    ) {
        let policy = self.shared.reset_policy();
        let now = Instant::now();
        let mut positions = self.shared.positions.lock();
        match answer {
            Ok(mut committed) => {
                for (tp, stamp) in asked {
                    self.asked.remove(&(tp.clone(), stamp));
                    match (committed.remove(&tp).flatten(), policy) {
                        (Some(at), _) => positions.resolved(&tp, stamp, at.offset, at.leader_epoch),
                        (None, Some(spec)) => positions.uncommitted(&tp, stamp, self.start_of(&tp, spec)),
                        (None, None) => positions.on_no_offset(&tp, stamp),
                    }
                }
            }
            Err(error) => {
                for (tp, stamp) in asked {
                    let retry_at = now + self.backoff.delay(positions.failures(&tp));
                    positions.retry_after(&tp, stamp, retry_at);
                    self.asked.remove(&(tp, stamp));
                }
                drop(positions);
                self.shared.report(error);
            }
        }
        self.shared.for_poll.notify_one();
    }

    fn epoch_ends_answered(&mut self, asked: Vec<Unproven>, answer: Result<Option<EpochEnds>, Error>) {
        let policy = self.shared.reset_policy();
        let now = Instant::now();
        let mut failed = Vec::new();
        let mut answers = match answer {
            Ok(answers) => answers,
            Err(error) => {
                failed.push(error);
                Some(HashMap::new())
            }
        };
        {
            let mut positions = self.shared.positions.lock();
            for question in asked {
                self.asked_epochs.remove(&(question.tp.clone(), question.stamp, question.leader_epoch));
                let retry_at = now + self.backoff.delay(positions.failures(&question.tp));
                match answers.as_mut().map(|answers| answers.remove(&question.tp)) {
                    // Too old to be asked, or it need not be.
                    None => positions.proven(&question),
                    Some(Some(Ok((epoch, end)))) => {
                        positions.on_epoch_end(&question, epoch, end, policy, retry_at);
                    }
                    Some(other) => {
                        positions.retry_after(&question.tp, question.stamp, retry_at);
                        failed.extend(other.and_then(Result::err));
                    }
                }
            }
        }
        self.asking_failed(failed, "asking for the end of an epoch failed");
        self.shared.for_fetchers.notify_waiters();
        self.shared.for_poll.notify_one();
    }

    fn places_answered(
        &mut self,
        asked: Vec<(Asked, OffsetSpec)>,
        answer: Result<HashMap<TopicPartition, Result<Found, Error>>, Error>,
    ) {
        let now = Instant::now();
        let mut failed = Vec::new();
        {
            let mut positions = self.shared.positions.lock();
            let mut answers = match answer {
                Ok(answers) => answers,
                Err(error) => {
                    failed.push(error);
                    HashMap::new()
                }
            };
            for ((tp, stamp), spec) in asked {
                self.asked.remove(&(tp.clone(), stamp));
                match answers.remove(&tp) {
                    Some(Ok(found)) if found.offset >= 0 => {
                        positions.resolved(&tp, stamp, found.offset, None);
                    }
                    // No record is as new as asked for: the end is where such a one will be.
                    Some(Ok(_)) if spec != OffsetSpec::Latest => {
                        positions.uncommitted(&tp, stamp, OffsetSpec::Latest)
                    }
                    other => {
                        let retry_at = now + self.backoff.delay(positions.failures(&tp));
                        positions.retry_after(&tp, stamp, retry_at);
                        if let Some(Err(error)) = other {
                            failed.push(error);
                        }
                    }
                }
            }
        }
        self.asking_failed(failed, "looking up offsets failed");
    }

    fn asking_failed(&self, errors: Vec<Error>, what: &str) {
        for error in errors {
            self.shared.client.request_metadata_update();
            if error.is_retriable() {
                debug!(%error, what);
            } else {
                self.shared.report(error);
            }
        }
    }
}
