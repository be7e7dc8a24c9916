//! Where epochs end in a leader's log: `OffsetForLeaderEpoch` (KIP-320).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kafka_core::cluster::{Client, Lane};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_core::protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_core::{Error, TopicPartition};

use super::positions::Unproven;

/// The first version that a consumer may use: before, it took a right on the whole cluster.
const FIRST_VERSION: i16 = 3;
/// The first version of Fetch whose answers say where logs part (KIP-595).
const FETCH_TELLS: i16 = 12;

/// The end of an epoch: the epoch asked for or the last one before it, and the offset behind its last record; both -1 if
/// the leader does not know.
pub(crate) type EpochEnd = (i32, i64);

/// What a leader said of each partition.
pub(crate) type EpochEnds = HashMap<TopicPartition, Result<EpochEnd, Error>>;

/// Asks one broker once; `None` if it is too old to be asked. Where the fetch itself tells, only another leader is asked.
pub(crate) async fn ask(
    client: &Client,
    broker: i32,
    questions: &[Unproven],
    timeout: Duration,
) -> Result<Option<EpochEnds>, Error> {
    let known = client.api_version_range(broker, ApiKey::OffsetForLeaderEpoch).await?;
    if known.is_none_or(|versions| *versions.end() < FIRST_VERSION) {
        return Ok(None);
    }
    let fetch = client.api_version_range(broker, ApiKey::Fetch).await?;
    let fetch_tells = fetch.is_some_and(|versions| *versions.end() >= FETCH_TELLS);
    if fetch_tells && questions.iter().all(|question| !question.moved) {
        return Ok(None);
    }
    let response =
        client.call(broker, Lane::Admin, CallOptions::new(timeout), |_| request(questions)).await?;
    Ok(Some(answers(response)))
}

fn request(questions: &[Unproven]) -> OffsetForLeaderEpochRequest {
    let mut topics: BTreeMap<&str, Vec<OffsetForLeaderPartition>> = BTreeMap::new();
    for question in questions {
        topics.entry(&question.tp.topic).or_default().push(OffsetForLeaderPartition {
            partition: question.tp.partition,
            current_leader_epoch: question.leader_epoch,
            leader_epoch: question.epoch,
        });
    }
    let topics = topics
        .into_iter()
        .map(|(topic, partitions)| OffsetForLeaderTopic { topic: topic.to_owned(), partitions });
    OffsetForLeaderEpochRequest { replica_id: -1, topics: topics.collect() }
}

fn answers(response: OffsetForLeaderEpochResponse) -> EpochEnds {
    let mut answers = HashMap::new();
    for topic in response.topics {
        let name: Arc<str> = topic.topic.into();
        for part in topic.partitions {
            let tp = TopicPartition::new(Arc::clone(&name), part.partition);
            let answer = match ErrorCode(part.error_code) {
                ErrorCode::NONE => Ok((part.leader_epoch, part.end_offset)),
                code => {
                    Err(Error::from_code(code).with_api(ApiKey::OffsetForLeaderEpoch).with_partition(&tp))
                }
            };
            answers.insert(tp, answer);
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_core::protocol::messages::offset_for_leader_epoch_response::{
        EpochEndOffset, OffsetForLeaderTopicResult,
    };

    #[test]
    fn each_partition_is_asked_with_both_epochs_and_answered_by_itself() {
        let question = |partition| Unproven {
            tp: ("t", partition).into(),
            stamp: 1,
            broker: 1,
            leader_epoch: 5,
            epoch: 4,
            fetch_offset: 10,
            moved: true,
        };
        let request = request(&[question(0), question(1)]);
        assert_eq!(request.replica_id, -1);
        let asked: Vec<_> = request.topics[0]
            .partitions
            .iter()
            .map(|p| (p.partition, p.current_leader_epoch, p.leader_epoch))
            .collect();
        assert_eq!(asked, [(0, 5, 4), (1, 5, 4)]);

        let end = EpochEndOffset { partition: 0, leader_epoch: 4, end_offset: 9, error_code: 0 };
        let moved = EpochEndOffset {
            partition: 1,
            error_code: ErrorCode::FENCED_LEADER_EPOCH.0,
            ..Default::default()
        };
        let topic = OffsetForLeaderTopicResult { topic: "t".into(), partitions: vec![end, moved] };
        let mut answers = answers(OffsetForLeaderEpochResponse { throttle_time_ms: 0, topics: vec![topic] });
        assert_eq!(answers.remove(&("t", 0).into()).unwrap().unwrap(), (4, 9));
        let error = answers.remove(&("t", 1).into()).unwrap().unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::FENCED_LEADER_EPOCH));
    }
}
