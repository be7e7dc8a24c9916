//! `ConsumerGroupHeartbeat`: all that a member says to a coordinator that assigns (KIP-848).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{Pattern, Refusal, assignor_names};

/// From this version on members make their ids themselves (KIP-1082).
const OWN_ID: i16 = 1;

impl Api for ConsumerGroupHeartbeatRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ConsumerGroupHeartbeatResponse> {
        let response =
            beat(&self, cluster, call).unwrap_or_else(|refusal| refused(refusal.code, refusal.message));
        Reply::Now(response)
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ConsumerGroupHeartbeatResponse {
        refused(code, code.description().to_owned())
    }
}

fn refused(code: ErrorCode, message: String) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        error_code: code.0,
        error_message: Some(message).filter(|words| !words.is_empty()),
        ..Default::default()
    }
}

fn beat(
    request: &ConsumerGroupHeartbeatRequest,
    cluster: &mut Cluster,
    call: &Call,
) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
    let id = &request.group_id;
    // Who may not is told the code alone.
    may(request, cluster, call).map_err(|code| Refusal::new(code, ""))?;
    check(request, call.version)?;
    cluster
        .check_group_coordinator(call.broker, id)
        .map_err(|code| Refusal::new(code, code.description()))?;
    let pattern = request.subscribed_topic_regex.as_deref().map(pattern).transpose()?;
    if request.member_epoch == 0 {
        cluster.groups.get_or_create(id);
    }
    let beat =
        cluster.in_group(id, |group, effects| group.consumer_heartbeat(request, pattern, call, effects));
    let kind = if request.member_epoch < 0 { "Group" } else { "Consumer group" };
    let unknown = || Refusal::new(ErrorCode::GROUP_ID_NOT_FOUND, format!("{kind} {id} not found."));
    beat.unwrap_or_else(|| Err(unknown()))
}

/// Who may not see a topic may not subscribe to it.
fn may(request: &ConsumerGroupHeartbeatRequest, cluster: &Cluster, call: &Call) -> Result<(), ErrorCode> {
    cluster.check(call, AclOperation::Read, Resource::Group(&request.group_id))?;
    let mut topics = request.subscribed_topic_names.iter().flatten();
    topics.try_for_each(|topic| cluster.check(call, AclOperation::Describe, Resource::Topic(topic)))
}

/// What can be said of a request without knowing the group.
fn check(request: &ConsumerGroupHeartbeatRequest, version: i16) -> Result<(), Refusal> {
    let invalid = |message: &str| Err(Refusal::new(ErrorCode::INVALID_REQUEST, message));
    let blank = |text: &str| text.trim().is_empty();
    let epoch = request.member_epoch;
    if blank(&request.member_id) && (version >= OWN_ID || epoch > 0 || epoch == -1) {
        return invalid("MemberId can't be empty.");
    }
    if blank(&request.group_id) {
        return invalid("GroupId can't be empty.");
    }
    if request.instance_id.as_deref().is_some_and(blank) {
        return invalid("InstanceId can't be empty.");
    }
    if request.rack_id.as_deref().is_some_and(blank) {
        return invalid("RackId can't be empty.");
    }
    match epoch {
        0 => {
            if request.rebalance_timeout_ms == -1 {
                return invalid("RebalanceTimeoutMs must be provided in first request.");
            }
            if request.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty()) {
                return invalid("TopicPartitions must be empty when (re-)joining.");
            }
            if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() {
                return invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
                );
            }
        }
        -2 if request.instance_id.is_none() => return invalid("InstanceId can't be null."),
        ..-2 => return invalid("MemberEpoch is invalid."),
        _ => {}
    }
    match request.server_assignor.as_deref() {
        Some(name) if !assignor_names().any(|known| known == name) => {
            let known: Vec<&str> = assignor_names().collect();
            let message =
                format!("ServerAssignor {name} is not supported. Supported assignors: {}.", known.join(", "));
            Err(Refusal::new(ErrorCode::UNSUPPORTED_ASSIGNOR, message))
        }
        _ => Ok(()),
    }
}

fn pattern(text: &str) -> Result<Pattern, Refusal> {
    Pattern::new(text).map_err(|wrong| {
        let message = format!("SubscribedTopicRegex `{text}` is not a valid regular expression: {wrong}.");
        Refusal::new(ErrorCode::INVALID_REGULAR_EXPRESSION, message)
    })
}
