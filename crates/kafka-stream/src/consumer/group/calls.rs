//! The member's requests to its coordinator.

use std::time::Duration;

use kafka_core::cluster::{Client, CoordinatorKind, Lane};
use kafka_core::net::CallOptions;
use kafka_core::protocol::Request as Message;
use kafka_core::{Error, ErrorKind, Result};

use super::state::{Answer, Failure, Request, Settings};
use super::{group_heartbeat, messages, topics};

/// How much longer than the rebalance may take the answer to a join is waited for, as Java does.
const JOIN_GRACE: Duration = Duration::from_secs(5);

pub(super) async fn call(client: &Client, settings: &Settings, request: Request) -> Answer {
    let usual = settings.request_timeout;
    match request {
        Request::Join(join) => {
            // The coordinator answers when all members have joined.
            let timeout = usual.max(settings.max_poll_interval.saturating_add(JOIN_GRACE));
            let build = |version| messages::join(settings, &join, version);
            let answer = to_coordinator(client, settings, Lane::Coordinator, timeout, build).await;
            Answer::Join(answer.map_err(failure).and_then(messages::joined))
        }
        Request::Sync { member_id, generation, protocol_name, assignments } => {
            // The coordinator answers when the leader has assigned, or its session is over.
            let timeout = usual.max(settings.session_timeout.saturating_add(JOIN_GRACE));
            let build = |version| {
                messages::sync(settings, &member_id, generation, &protocol_name, &assignments, version)
            };
            let answer = to_coordinator(client, settings, Lane::Coordinator, timeout, build).await;
            Answer::Sync(answer.map_err(failure).and_then(messages::synced))
        }
        Request::Heartbeat { member_id, generation } => {
            let build = |version| messages::heartbeat(settings, &member_id, generation, version);
            let timeout = usual.min(settings.session_timeout);
            let answer = to_coordinator(client, settings, Lane::Coordinator, timeout, build).await;
            Answer::Heartbeat(answer.map_err(failure).and_then(|response| messages::heard(&response)))
        }
        Request::Leave { member_id, reason } => {
            leave(client, settings, &member_id, &reason).await;
            Answer::Heartbeat(Ok(()))
        }
        Request::Group(heartbeat) => {
            let build = |version| group_heartbeat::request(settings, &heartbeat, version);
            let answer = to_coordinator(client, settings, Lane::Coordinator, usual, build).await;
            Answer::Group(answer.map_err(failure).and_then(group_heartbeat::heard))
        }
        Request::LeaveByEpoch { member_id, epoch, reason } => {
            // Behind a heartbeat that may be on its way: otherwise that would join again.
            let build = |_| group_heartbeat::leave(settings, member_id, epoch);
            match to_coordinator(client, settings, Lane::Coordinator, usual, build).await {
                Ok(_) => tracing::debug!(group = settings.group_id, reason, "left the group"),
                Err(error) => tracing::warn!(group = settings.group_id, %error, "leaving the group failed"),
            }
            Answer::Heartbeat(Ok(()))
        }
        Request::NameTopics(ids) => Answer::Names(topics::names_of(client, ids, usual).await),
    }
}

/// Leaves as well as it can; the session's end does the rest. Not behind a join that the coordinator may hold for long.
async fn leave(client: &Client, settings: &Settings, member_id: &str, reason: &str) {
    let build = |version| messages::leave(settings, member_id, reason, version);
    let timeout = settings.request_timeout;
    if let Err(error) = to_coordinator(client, settings, Lane::Admin, timeout, build).await {
        tracing::warn!(group = settings.group_id, %error, "leaving the group failed");
    }
}

async fn to_coordinator<R: Message>(
    client: &Client,
    settings: &Settings,
    lane: Lane,
    timeout: Duration,
    build: impl FnOnce(i16) -> R + Send,
) -> Result<R::ResponseBody> {
    let broker = client.coordinator(CoordinatorKind::Group, &settings.group_id).await?;
    client.call(broker, lane, CallOptions::new(timeout), build).await
}

fn failure(error: Error) -> Failure {
    tracing::debug!(%error, "a request to the group's coordinator failed");
    match (error.code(), error.kind()) {
        (Some(code), _) => Failure::Code(code),
        (None, ErrorKind::Unsupported) => Failure::Fatal(error),
        (None, _) if error.is_fatal() => Failure::Fatal(error),
        _ => Failure::Unreachable,
    }
}
