//! A session's plan as a message.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::protocol::Uuid;
use kafka_core::protocol::messages::FetchRequest;
use kafka_core::protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};

use super::{SessionPlan, TopicId};
use crate::consumer::{ConsumerConfig, IsolationLevel};

/// The newest version that names topics by name (KIP-516 came with 13).
pub(crate) const MAX_VERSION_BY_NAME: i16 = 12;

/// What a request asks besides its partitions.
#[derive(Clone, Debug)]
pub(crate) struct FetchTerms {
    pub(crate) max_wait: Duration,
    pub(crate) min_bytes: i32,
    pub(crate) max_bytes: i32,
    pub(crate) isolation_level: IsolationLevel,
    pub(crate) rack: String,
}

impl FetchTerms {
    /// Those of a request that asks for no records.
    pub(super) fn nothing(config: &ConsumerConfig) -> Self {
        Self {
            max_wait: Duration::ZERO,
            min_bytes: 0,
            max_bytes: 0,
            isolation_level: config.isolation_level,
            rack: String::new(),
        }
    }
}

/// The first version with the epoch of the last record (KIP-595), by which a broker notices that logs part.
const FIRST_VERSION_WITH_LAST_EPOCH: i16 = 12;

/// The request for a plan.
pub(crate) fn request(plan: &SessionPlan, terms: &FetchTerms, version: i16) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    let mut places: HashMap<(Arc<str>, TopicId), usize> = HashMap::new();
    for (tp, fetch) in &plan.send {
        let place = *places.entry((Arc::clone(&tp.topic), fetch.topic_id)).or_insert_with(|| {
            topics.push(FetchTopic {
                topic: tp.topic.to_string(),
                topic_id: Uuid(fetch.topic_id),
                ..FetchTopic::default()
            });
            topics.len() - 1
        });
        if let Some(topic) = topics.get_mut(place) {
            topic.partitions.push(FetchPartition {
                partition: tp.partition,
                current_leader_epoch: fetch.current_leader_epoch,
                fetch_offset: fetch.fetch_offset,
                last_fetched_epoch: if version >= FIRST_VERSION_WITH_LAST_EPOCH {
                    fetch.last_fetched_epoch
                } else {
                    -1
                },
                partition_max_bytes: fetch.max_bytes,
                ..FetchPartition::default()
            });
        }
    }
    let mut forgotten: Vec<ForgottenTopic> = Vec::new();
    let mut places: HashMap<(Arc<str>, TopicId), usize> = HashMap::new();
    for (tp, topic_id) in &plan.forget {
        let place = *places.entry((Arc::clone(&tp.topic), *topic_id)).or_insert_with(|| {
            forgotten.push(ForgottenTopic {
                topic: tp.topic.to_string(),
                topic_id: Uuid(*topic_id),
                ..ForgottenTopic::default()
            });
            forgotten.len() - 1
        });
        if let Some(topic) = forgotten.get_mut(place) {
            topic.partitions.push(tp.partition);
        }
    }
    FetchRequest {
        max_wait_ms: i32::try_from(terms.max_wait.as_millis()).unwrap_or(i32::MAX),
        min_bytes: terms.min_bytes,
        max_bytes: terms.max_bytes,
        isolation_level: match terms.isolation_level {
            IsolationLevel::ReadUncommitted => 0,
            IsolationLevel::ReadCommitted => 1,
        },
        session_id: plan.session_id,
        session_epoch: plan.epoch,
        topics,
        forgotten_topics_data: forgotten,
        rack_id: terms.rack.clone(),
        ..FetchRequest::default()
    }
}
