//! Produce requests and their answers, in every version.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_core::cluster::Metadata;
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::messages::produce_response::PartitionProduceResponse;
use kafka_core::protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::{Error, ErrorKind};

use super::answers::{Heard, Leader};
use super::partition::Part;
use crate::producer::Acks;

/// The last version that names topics instead of using their ids (KIP-516).
pub(super) const MAX_VERSION_BY_NAME: i16 = 12;
/// The first version that may carry Zstandard (KIP-110).
pub(super) const MIN_VERSION_FOR_ZSTD: i16 = 7;

/// The ids of the parts' topics; `None` where one is not known.
pub(super) fn topic_ids(parts: &[Part], metadata: &Metadata) -> Option<HashMap<Arc<str>, Uuid>> {
    let mut ids = HashMap::new();
    for part in parts {
        if !ids.contains_key(&part.topic) {
            let id = metadata.topic(&part.topic)?.id?;
            ids.insert(part.topic.clone(), id);
        }
    }
    Some(ids)
}

/// The request that carries `parts`.
pub(super) fn request(
    parts: &[Part],
    ids: Option<&HashMap<Arc<str>, Uuid>>,
    acks: Acks,
    timeout_ms: i32,
) -> ProduceRequest {
    let mut topic_data: Vec<TopicProduceData> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for part in parts {
        let place = *places.entry(&part.topic).or_insert_with(|| {
            topic_data.push(TopicProduceData {
                name: part.topic.to_string(),
                topic_id: ids.and_then(|ids| ids.get(&part.topic)).copied().unwrap_or_default(),
                partition_data: Vec::new(),
            });
            topic_data.len() - 1
        });
        if let Some(topic) = topic_data.get_mut(place) {
            let (index, records) = (part.partition, Some(part.records.clone()));
            topic.partition_data.push(PartitionProduceData { index, records });
        }
    }
    let acks = match acks {
        Acks::None => 0,
        Acks::Leader => 1,
        Acks::All => -1,
    };
    ProduceRequest { transactional_id: None, acks, timeout_ms, topic_data }
}

/// What `response` says of each of `parts`, in their order.
pub(super) fn heard(
    parts: &[Part],
    ids: Option<&HashMap<Arc<str>, Uuid>>,
    response: ProduceResponse,
) -> Vec<Heard> {
    let mut answers: HashMap<(usize, i32), PartitionProduceResponse> = HashMap::with_capacity(parts.len());
    let mut topics = Vec::with_capacity(response.responses.len());
    for (place, topic) in response.responses.into_iter().enumerate() {
        topics.push((topic.name, topic.topic_id));
        answers.extend(topic.partition_responses.into_iter().map(|answer| ((place, answer.index), answer)));
    }
    // Versions up to 12 answer with names, later ones with ids.
    let place_of = |topic: &Arc<str>| {
        let id = ids.and_then(|ids| ids.get(topic)).copied().unwrap_or_default();
        let found = |(name, topic_id): &(String, Uuid)| match name.as_str() {
            "" => *topic_id == id,
            name => name == topic.as_ref(),
        };
        topics.iter().position(found)
    };
    let mut last: Option<(&Arc<str>, Option<usize>)> = None;
    parts
        .iter()
        .map(|part| {
            let place = match last {
                Some((topic, place)) if Arc::ptr_eq(topic, &part.topic) => place,
                _ => place_of(&part.topic),
            };
            last = Some((&part.topic, place));
            let answer = place.and_then(|place| answers.remove(&(place, part.partition)));
            answer.map_or_else(|| missing(part), of_partition)
        })
        .collect()
}

fn of_partition(answer: PartitionProduceResponse) -> Heard {
    let code = ErrorCode(answer.error_code);
    if code.is_ok() {
        return Heard::Written {
            base_offset: Some(answer.base_offset).filter(|offset| *offset >= 0),
            log_append_time: Some(answer.log_append_time_ms).filter(|time| *time >= 0),
        };
    }
    let message = answer.error_message.or_else(|| {
        let first = answer.record_errors.first()?;
        let reason = first.batch_index_error_message.as_deref().unwrap_or("no reason given");
        Some(format!("record {} of the batch: {reason}", first.batch_index))
    });
    let leader = answer.current_leader;
    let leader = (leader.leader_id >= 0 && leader.leader_epoch >= 0)
        .then_some(Leader { broker: leader.leader_id, epoch: leader.leader_epoch });
    Heard::Refused { code, message, leader }
}

fn missing(part: &Part) -> Heard {
    let message = format!("the broker's answer leaves out {}-{}", part.topic, part.partition);
    Heard::Lost(Arc::new(Error::new(ErrorKind::Malformed, message)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_core::protocol::messages::produce_response::{LeaderIdAndEpoch, TopicProduceResponse};

    use super::*;

    fn part(topic: &str, partition: i32) -> Part {
        let leader = Leader { broker: 1, epoch: 1 };
        Part { id: 0, number: 0, topic: topic.into(), partition, leader, records: Bytes::from_static(b"r") }
    }

    fn answer(index: i32, error_code: i16, base_offset: i64) -> PartitionProduceResponse {
        PartitionProduceResponse { index, error_code, base_offset, ..Default::default() }
    }

    #[test]
    fn parts_of_one_topic_go_together() {
        let parts = [part("a", 0), part("b", 1), part("a", 2)];
        let request = request(&parts, None, Acks::All, 30_000);
        assert_eq!(request.acks, -1);
        let topics: Vec<_> = request
            .topic_data
            .iter()
            .map(|topic| {
                (topic.name.as_str(), topic.partition_data.iter().map(|p| p.index).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(topics, [("a", vec![0, 2]), ("b", vec![1])]);
    }

    #[test]
    fn answers_find_their_parts_by_name_and_by_id() {
        let parts = [part("a", 0), part("a", 1), part("a", 2)];
        let id = Uuid([7; 16]);
        let ids = HashMap::from([(Arc::from("a"), id)]);
        let moved = PartitionProduceResponse {
            current_leader: LeaderIdAndEpoch { leader_id: 3, leader_epoch: 9 },
            ..answer(0, 6, -1)
        };
        for (name, topic_id) in [("a", Uuid::default()), ("", id)] {
            let partition_responses = vec![answer(1, 0, 40), moved.clone()];
            let response = ProduceResponse {
                responses: vec![TopicProduceResponse {
                    name: name.to_owned(),
                    topic_id,
                    partition_responses,
                }],
                ..Default::default()
            };
            let heard = heard(&parts, Some(&ids), response);
            assert!(matches!(
                heard[0],
                Heard::Refused {
                    code: ErrorCode::NOT_LEADER_OR_FOLLOWER,
                    leader: Some(Leader { broker: 3, epoch: 9 }),
                    ..
                }
            ));
            assert!(matches!(heard[1], Heard::Written { base_offset: Some(40), log_append_time: None }));
            assert!(matches!(heard[2], Heard::Lost(_)), "a part without an answer has an unknown outcome");
        }
    }
}
