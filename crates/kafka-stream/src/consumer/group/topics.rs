//! What a member must know of the cluster's topics: which match its pattern, and how many partitions those have that it
//! assigns as leader.
//!
//! Asked for by requests of its own, so that an assignment starts from the cluster as it is, and a missing topic is
//! known to be missing without a wait; again when the client's metadata shows something else, and from time to time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::{Client, Metadata};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::MetadataRequest;
use kafka_core::protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_core::protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::watch;
use kafka_core::{Error, ErrorKind, Result, TopicPartition};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::TopicFilter;
use crate::consumer::ConsumerConfig;
use crate::consumer::assignor::{PartitionRacks, TopicPartitionCounts};

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// The partitions of the topics that are watched, and where they are; those that do not exist are left out.
    Counts(TopicPartitionCounts, PartitionRacks),
    /// The topics that match the pattern.
    Matching(BTreeSet<Arc<str>>),
}

/// What to find, and how.
#[derive(Clone)]
struct Question {
    counts_of: Option<BTreeSet<Arc<str>>>,
    pattern: Option<TopicFilter>,
    with_internal: bool,
    create: bool,
    timeout: Duration,
}

/// Keeps a member's knowledge of topics fresh.
pub(super) struct TopicWatch {
    client: Client,
    question: Question,
    backoff: ExponentialBackoff,
    changes: watch::Receiver<Arc<Metadata>>,
    /// The last answer on counts.
    known: TopicPartitionCounts,
    found: VecDeque<Found>,
    running: Option<JoinHandle<Result<Vec<Found>>>>,
    /// When to ask next.
    due: Option<Instant>,
    failures: u32,
}

impl TopicWatch {
    pub(super) fn new(client: Client, config: &ConsumerConfig, backoff: ExponentialBackoff) -> Self {
        let question = Question {
            counts_of: None,
            pattern: None,
            with_internal: !config.exclude_internal_topics,
            create: config.allow_auto_create_topics,
            timeout: config.request_timeout,
        };
        Self {
            changes: client.metadata_changes(),
            client,
            question,
            backoff,
            known: TopicPartitionCounts::new(),
            found: VecDeque::new(),
            running: None,
            due: None,
            failures: 0,
        }
    }

    /// Finds the partitions of these topics now, and again when they may have changed.
    pub(super) fn watch_counts(&mut self, topics: BTreeSet<Arc<str>>) {
        self.question.counts_of = Some(topics);
        self.ask();
    }

    /// Finds the topics that match now, and again from time to time.
    pub(super) fn watch_pattern(&mut self, filter: TopicFilter) {
        self.question.pattern = Some(filter);
        self.found.retain(|found| !matches!(found, Found::Matching(_)));
        self.ask();
    }

    pub(super) fn forget_pattern(&mut self) {
        self.question.pattern = None;
        self.found.retain(|found| !matches!(found, Found::Matching(_)));
        self.due = self.question.counts_of.is_some().then(|| self.next_time());
    }

    /// The next news. Cancel safe.
    pub(super) async fn changed(&mut self) -> Found {
        loop {
            if let Some(found) = self.found.pop_front() {
                if let Found::Counts(counts, _) = &found {
                    self.known.clone_from(counts);
                }
                return found;
            }
            let due = self.due;
            tokio::select! {
                biased;
                answer = running(&mut self.running) => self.answered(answer),
                () = sleep_until(due) => self.ask(),
                Ok(()) = self.changes.changed(), if self.running.is_none() => {
                    if self.is_outdated() {
                        let soon = Instant::now() + self.backoff.delay(0);
                        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
                    }
                }
            }
        }
    }

    fn ask(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
        self.due = None;
        self.running = Some(tokio::spawn(look_up(self.client.clone(), self.question.clone())));
    }

    fn answered(&mut self, answer: Result<Vec<Found>>) {
        self.running = None;
        match answer {
            Ok(found) => {
                self.failures = 0;
                self.due = Some(self.next_time());
                self.found.extend(found);
            }
            Err(error) => {
                tracing::warn!(%error, "looking up the topics of the consumer group failed; trying again");
                self.due = Some(Instant::now() + self.backoff.delay(self.failures));
                self.failures = self.failures.saturating_add(1);
            }
        }
    }

    fn next_time(&self) -> Instant {
        Instant::now() + self.client.config().metadata_max_age
    }

    /// Whether the client's metadata has another number of partitions for a watched topic.
    fn is_outdated(&mut self) -> bool {
        let metadata = self.changes.borrow_and_update();
        self.question.counts_of.iter().flatten().any(|topic| {
            let seen = metadata.topic(topic).map(|topic| count(topic.partitions.len()));
            seen.is_some() && seen != self.known.get(topic).copied()
        })
    }
}

impl Drop for TopicWatch {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

impl std::fmt::Debug for TopicWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicWatch").field("known", &self.known).finish_non_exhaustive()
    }
}

async fn look_up(client: Client, question: Question) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    if let Some(filter) = &question.pattern {
        let topics = client.list_all_topics().await?;
        let matching = topics
            .iter()
            .filter(|topic| (question.with_internal || !topic.is_internal) && filter(&topic.name));
        found.push(Found::Matching(matching.map(|topic| Arc::clone(&topic.name)).collect()));
    }
    if let Some(topics) = &question.counts_of {
        let (counts, racks) = counts_of(&client, &question, topics).await?;
        found.push(Found::Counts(counts, racks));
    }
    Ok(found)
}

async fn counts_of(
    client: &Client,
    question: &Question,
    topics: &BTreeSet<Arc<str>>,
) -> Result<(TopicPartitionCounts, PartitionRacks)> {
    if topics.is_empty() {
        // An empty list means all topics to the oldest brokers.
        return Ok(Default::default());
    }
    let named = |name: &Arc<str>| MetadataRequestTopic { name: Some(name.to_string()), ..Default::default() };
    let request = |version| MetadataRequest {
        topics: Some(topics.iter().map(named).collect()),
        // Older brokers always create.
        allow_auto_topic_creation: question.create || version < 4,
        ..Default::default()
    };
    let response = client.call_any(CallOptions::new(question.timeout), request).await?;
    let rack_of: BTreeMap<i32, Arc<str>> = response
        .brokers
        .into_iter()
        .filter_map(|broker| Some((broker.node_id, broker.rack.filter(|rack| !rack.is_empty())?.into())))
        .collect();
    let mut counts = TopicPartitionCounts::new();
    let mut places = PartitionRacks::new();
    for topic in response.topics {
        let name: Arc<str> = topic.name.unwrap_or_default().into();
        match ErrorCode(topic.error_code) {
            // Without a leader for the moment, but with all its partitions.
            ErrorCode::NONE | ErrorCode::LEADER_NOT_AVAILABLE if !topic.partitions.is_empty() => {
                counts.insert(Arc::clone(&name), count(topic.partitions.len()));
                for partition in topic.partitions {
                    let racks = partition.replica_nodes.iter().filter_map(|broker| rack_of.get(broker));
                    let racks: BTreeSet<Arc<str>> = racks.cloned().collect();
                    if !racks.is_empty() {
                        places
                            .insert(TopicPartition::new(Arc::clone(&name), partition.partition_index), racks);
                    }
                }
            }
            ErrorCode::NONE | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::LEADER_NOT_AVAILABLE => {}
            code => tracing::warn!(topic = &*name, %code, "a subscribed topic cannot be assigned"),
        }
    }
    Ok((counts, places))
}

/// The names of topics by their ids; those that do not exist are left out.
pub(super) async fn names_of(
    client: &Client,
    ids: BTreeSet<Uuid>,
    timeout: Duration,
) -> Result<BTreeMap<Uuid, Arc<str>>> {
    let request = |_| MetadataRequest {
        topics: Some(
            ids.iter().map(|id| MetadataRequestTopic { topic_id: *id, ..Default::default() }).collect(),
        ),
        ..Default::default()
    };
    let response = client.call_any(CallOptions::new(timeout), request).await?;
    let named = |topic: MetadataResponseTopic| {
        let name = topic.name.filter(|name| !name.is_empty())?;
        Some((topic.topic_id, name.into()))
    };
    Ok(response.topics.into_iter().filter_map(named).collect())
}

async fn running(task: &mut Option<JoinHandle<Result<Vec<Found>>>>) -> Result<Vec<Found>> {
    match task {
        Some(task) => task.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Closed, "the look-up of topics ended early").with_source(error))
        }),
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn count(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}
