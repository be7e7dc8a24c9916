//! `ConsumerGroupHeartbeat` (KIP-848): the request, and what its answer says.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_core::protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_core::protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::state::{Failure, GroupHeartbeat, Heard, Settings, Wish};

/// The first version in which members name themselves, and the broker matches patterns.
const WITH_OWN_MEMBER_ID: i16 = 1;

pub(super) fn request(
    settings: &Settings,
    heartbeat: &GroupHeartbeat,
    version: i16,
) -> ConsumerGroupHeartbeatRequest {
    let names_itself = version >= WITH_OWN_MEMBER_ID || heartbeat.epoch != 0;
    let mut request = ConsumerGroupHeartbeatRequest {
        group_id: settings.group_id.clone(),
        member_id: if names_itself { heartbeat.member_id.clone() } else { String::new() },
        member_epoch: heartbeat.epoch,
        ..Default::default()
    };
    if heartbeat.complete {
        request.instance_id.clone_from(&settings.instance_id);
        request.rack_id.clone_from(&settings.rack);
        let timeout = settings.max_poll_interval.as_millis();
        request.rebalance_timeout_ms = i32::try_from(timeout).unwrap_or(i32::MAX);
        request.server_assignor.clone_from(&settings.remote_assignor);
    }
    match &heartbeat.wish {
        // Either takes the place of the other.
        Some(Wish::Topics(topics)) => {
            request.subscribed_topic_names = Some(topics.iter().map(ToString::to_string).collect());
            request.subscribed_topic_regex =
                (version >= WITH_OWN_MEMBER_ID && !heartbeat.complete).then(String::new);
        }
        Some(Wish::Pattern(pattern)) => {
            request.subscribed_topic_names = Some(Vec::new());
            request.subscribed_topic_regex = Some(pattern.to_string());
        }
        None => {}
    }
    request.topic_partitions = heartbeat.owned.as_deref().map(by_topic);
    request
}

/// The last heartbeat of a membership.
pub(super) fn leave(settings: &Settings, member_id: String, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: settings.group_id.clone(),
        member_id,
        member_epoch: epoch,
        instance_id: settings.instance_id.clone(),
        ..Default::default()
    }
}

pub(super) fn heard(response: ConsumerGroupHeartbeatResponse) -> Result<Heard, Failure> {
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => {}
        code => {
            let words = response.error_message.unwrap_or_default();
            tracing::debug!(%code, words, "the group's coordinator refused a heartbeat");
            return Err(Failure::Code(code));
        }
    }
    let places =
        |assigned: kafka_core::protocol::messages::consumer_group_heartbeat_response::TopicPartitions| {
            let id = assigned.topic_id;
            assigned.partitions.into_iter().map(move |partition| (id, partition))
        };
    Ok(Heard {
        member_id: response.member_id.filter(|id| !id.is_empty()),
        epoch: response.member_epoch,
        interval: Duration::from_millis(u64::try_from(response.heartbeat_interval_ms).unwrap_or_default()),
        target: response.assignment.map(|a| a.topic_partitions.into_iter().flat_map(places).collect()),
    })
}

fn by_topic(owned: &[(Uuid, i32)]) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for (id, partition) in owned {
        topics.entry(*id).or_default().push(*partition);
    }
    let topic = |(topic_id, partitions)| TopicPartitions { topic_id, partitions };
    topics.into_iter().map(topic).collect()
}
