//! Questions about places in logs: `ListOffsets`, asked of the partitions' leaders.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::{Client, Lane};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_core::protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_core::{Error, TopicPartition};
use tokio::time::Instant;

use super::positions::OffsetSpec;
use super::{ConsumerError, IsolationLevel};

/// The newest version that a consumer has use for; newer ones are about tiered storage and broker-side time-outs.
const MAX_VERSION: i16 = 8;
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// A place in a log, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// -1 if there is no record as new as asked for.
    pub(crate) offset: i64,
    /// Of the record there, when asked by time; -1 otherwise.
    pub(crate) timestamp: i64,
    pub(crate) leader_epoch: Option<i32>,
}

/// One question about one partition.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) tp: TopicPartition,
    pub(crate) spec: OffsetSpec,
    /// The leader's epoch as our metadata has it; -1 if unknown.
    pub(crate) leader_epoch: i32,
}

impl OffsetSpec {
    fn timestamp(self) -> i64 {
        match self {
            Self::Earliest => EARLIEST,
            Self::Latest => LATEST,
            Self::Timestamp(timestamp) => timestamp,
            Self::Ago(age) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(now.saturating_sub(age).as_millis()).unwrap_or(i64::MAX)
            }
        }
    }
}

fn request(questions: &[Question], level: IsolationLevel, version: i16) -> ListOffsetsRequest {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for question in questions {
        topics.entry(&question.tp.topic).or_default().push(ListOffsetsPartition {
            partition_index: question.tp.partition,
            current_leader_epoch: question.leader_epoch,
            timestamp: question.spec.timestamp(),
        });
    }
    ListOffsetsRequest {
        replica_id: -1,
        // Older brokers know no transactions' end to stop at.
        isolation_level: if version >= 2 && level == IsolationLevel::ReadCommitted { 1 } else { 0 },
        topics: topics
            .into_iter()
            .map(|(name, partitions)| ListOffsetsTopic { name: name.to_owned(), partitions })
            .collect(),
        ..ListOffsetsRequest::default()
    }
}

fn answers(response: ListOffsetsResponse) -> HashMap<TopicPartition, Result<Found, Error>> {
    let mut answers = HashMap::new();
    for topic in response.topics {
        let name: Arc<str> = topic.name.into();
        for part in topic.partitions {
            let tp = TopicPartition::new(Arc::clone(&name), part.partition_index);
            let code = ErrorCode(part.error_code);
            let answer = if code == ErrorCode::NONE {
                let leader_epoch = Some(part.leader_epoch).filter(|epoch| *epoch >= 0);
                Ok(Found { offset: part.offset, timestamp: part.timestamp, leader_epoch })
            } else {
                Err(Error::from_code(code).with_api(ApiKey::ListOffsets).with_partition(&tp))
            };
            answers.insert(tp, answer);
        }
    }
    answers
}

/// Asks one broker once.
pub(crate) async fn ask(
    client: &Client,
    broker: i32,
    questions: &[Question],
    level: IsolationLevel,
    timeout: Duration,
) -> Result<HashMap<TopicPartition, Result<Found, Error>>, Error> {
    let options = CallOptions::new(timeout).with_max_version(MAX_VERSION);
    client.call(broker, Lane::Admin, options, |version| request(questions, level, version)).await.map(answers)
}

/// Asks the leaders of all these partitions, again and again until each answered or the time is up.
pub(crate) async fn look_up(
    client: &Client,
    places: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>,
    level: IsolationLevel,
    timeout: Duration,
) -> Result<HashMap<TopicPartition, Found>, ConsumerError> {
    let deadline = Instant::now() + timeout;
    let backoff = ExponentialBackoff::new(client.config().retry_backoff, client.config().retry_backoff_max);
    let mut open: BTreeMap<TopicPartition, OffsetSpec> = places.into_iter().collect();
    let mut found = HashMap::new();
    let mut failures = 0;
    loop {
        let by_leader = leaders(client, &open, deadline).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let rounds = by_leader.iter().map(|(broker, questions)| ask(client, *broker, questions, level, left));
        let mut last_error = None;
        for round in join_all(rounds).await {
            match round {
                Ok(answers) => {
                    for (tp, answer) in answers {
                        match answer {
                            Ok(place) => {
                                open.remove(&tp);
                                found.insert(tp, place);
                            }
                            Err(error) if error.is_retriable() => last_error = Some(error),
                            Err(error) => return Err(error.into()),
                        }
                    }
                }
                Err(error) if error.is_retriable() => last_error = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        if open.is_empty() {
            return Ok(found);
        }
        client.request_metadata_update();
        let delay = backoff.delay(failures);
        if Instant::now() + delay >= deadline {
            return Err(match last_error {
                Some(error) => error.into(),
                None => ConsumerError::timeout("looking up offsets", timeout),
            });
        }
        failures += 1;
        tokio::time::sleep(delay).await;
    }
}

/// The questions by the broker that can answer them; partitions whose leader is unknown now are left out.
async fn leaders(
    client: &Client,
    open: &BTreeMap<TopicPartition, OffsetSpec>,
    deadline: Instant,
) -> Result<BTreeMap<i32, Vec<Question>>, ConsumerError> {
    let topics: BTreeSet<&Arc<str>> = open.keys().map(|tp| &tp.topic).collect();
    let mut known = HashMap::new();
    for topic in topics {
        known.insert(Arc::clone(topic), client.topic(topic, deadline).await.map_err(ConsumerError::from)?);
    }
    let mut by_leader: BTreeMap<i32, Vec<Question>> = BTreeMap::new();
    for (tp, spec) in open {
        let Some(partition) = known.get(&tp.topic).and_then(|topic| topic.partition(tp.partition)) else {
            return Err(ConsumerError::unknown_partition(tp));
        };
        if let Some(broker) = partition.leader {
            let question =
                Question { tp: tp.clone(), spec: *spec, leader_epoch: partition.leader_epoch.unwrap_or(-1) };
            by_leader.entry(broker).or_default().push(question);
        }
    }
    Ok(by_leader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_back_from_now() {
        let now = OffsetSpec::Ago(Duration::ZERO).timestamp();
        let hour_ago = OffsetSpec::Ago(Duration::from_secs(3600)).timestamp();
        assert!((now - hour_ago - 3_600_000).abs() < 10_000);
        assert_eq!(OffsetSpec::Ago(Duration::MAX).timestamp(), 0);
    }

    #[test]
    fn partitions_of_a_topic_are_asked_together_with_their_epochs() {
        let question = |partition, spec| Question { tp: ("t", partition).into(), spec, leader_epoch: 3 };
        let questions = [question(0, OffsetSpec::Earliest), question(1, OffsetSpec::Timestamp(77))];
        let request = request(&questions, IsolationLevel::ReadCommitted, 7);
        assert_eq!((request.replica_id, request.isolation_level, request.topics.len()), (-1, 1, 1));
        let asked: Vec<_> =
            request.topics[0].partitions.iter().map(|p| (p.timestamp, p.current_leader_epoch)).collect();
        assert_eq!(asked, [(-2, 3), (77, 3)]);
    }
}
