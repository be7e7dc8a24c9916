//! `ShareGroupHeartbeat`: all that a member of a share group says to its coordinator (KIP-932).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::Refusal;

impl Api for ShareGroupHeartbeatRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ShareGroupHeartbeatResponse> {
        let response = beat(&self, cluster, call);
        Reply::Now(response.unwrap_or_else(|refusal| refused(refusal.code, refusal.message)))
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ShareGroupHeartbeatResponse {
        refused(code, code.description().to_owned())
    }
}

fn refused(code: ErrorCode, message: String) -> ShareGroupHeartbeatResponse {
    ShareGroupHeartbeatResponse {
        error_code: code.0,
        error_message: Some(message).filter(|words| !words.is_empty()),
        ..Default::default()
    }
}

fn beat(
    request: &ShareGroupHeartbeatRequest,
    cluster: &mut Cluster,
    call: &Call,
) -> Result<ShareGroupHeartbeatResponse, Refusal> {
    // Who may not is told the code alone.
    may(request, cluster, call).map_err(|code| Refusal::new(code, ""))?;
    check(request)?;
    let id = &request.group_id;
    cluster
        .check_group_coordinator(call.broker, id)
        .map_err(|code| Refusal::new(code, code.description()))?;
    if request.member_epoch == 0 {
        cluster.groups.get_or_create(id);
    }
    let beat = cluster.in_group(id, |group, effects| group.share_heartbeat(request, call, effects));
    let unknown = || Refusal::new(ErrorCode::GROUP_ID_NOT_FOUND, format!("Share group {id} not found."));
    beat.unwrap_or_else(|| Err(unknown()))
}

/// Who may not see a topic may not subscribe to it.
fn may(request: &ShareGroupHeartbeatRequest, cluster: &Cluster, call: &Call) -> Result<(), ErrorCode> {
    cluster.check(call, AclOperation::Read, Resource::Group(&request.group_id))?;
    let mut topics = request.subscribed_topic_names.iter().flatten();
    topics.try_for_each(|topic| cluster.check(call, AclOperation::Describe, Resource::Topic(topic)))
}

/// What can be said of a request without knowing the group.
fn check(request: &ShareGroupHeartbeatRequest) -> Result<(), Refusal> {
    let invalid = |message: &str| Err(Refusal::new(ErrorCode::INVALID_REQUEST, message));
    let blank = |text: &str| text.trim().is_empty();
    if blank(&request.member_id) {
        return invalid("MemberId can't be empty.");
    }
    if blank(&request.group_id) {
        return invalid("GroupId can't be empty.");
    }
    if request.rack_id.as_deref().is_some_and(blank) {
        return invalid("RackId can't be empty.");
    }
    match request.member_epoch {
        0 if request.subscribed_topic_names.as_ref().is_none_or(Vec::is_empty) => {
            invalid("SubscribedTopicNames must be set in first request.")
        }
        ..=-2 => invalid("MemberEpoch is invalid."),
        _ => Ok(()),
    }
}
