//! The state machine's requests as Kafka's messages, and the coordinator's answers as what the machine understands.

use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_core::protocol::messages::leave_group_request::MemberIdentity;
use kafka_core::protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_core::protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    SyncGroupRequest, SyncGroupResponse,
};

use super::state::{Failure, JoinRequest, Joined, JoinedMember, Settings, Synced};

const PROTOCOL_TYPE: &str = "consumer";

/// The versions from which on static members can be told of (KIP-345).
const JOIN_WITH_INSTANCE: i16 = 5;
const SYNC_WITH_INSTANCE: i16 = 3;
const HEARTBEAT_WITH_INSTANCE: i16 = 3;
const LEAVE_WITH_MEMBERS: i16 = 3;

/// Kafka cuts reasons off where they are longer (KIP-800).
const MAX_REASON: usize = 255;

pub(super) fn join(settings: &Settings, join: &JoinRequest, version: i16) -> JoinGroupRequest {
    let protocols = join
        .protocols
        .iter()
        .map(|(name, metadata)| JoinGroupRequestProtocol { name: name.clone(), metadata: metadata.clone() });
    JoinGroupRequest {
        group_id: settings.group_id.clone(),
        session_timeout_ms: millis(settings.session_timeout),
        rebalance_timeout_ms: millis(settings.max_poll_interval),
        member_id: join.member_id.clone(),
        group_instance_id: instance(settings, version, JOIN_WITH_INSTANCE),
        protocol_type: PROTOCOL_TYPE.to_owned(),
        protocols: protocols.collect(),
        reason: Some(reason(&join.reason)),
    }
}

pub(super) fn joined(response: JoinGroupResponse) -> Result<Joined, Failure> {
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => {}
        ErrorCode::MEMBER_ID_REQUIRED => return Err(Failure::MemberIdRequired(response.member_id)),
        code => return Err(Failure::Code(code)),
    }
    let members = response.members.into_iter().map(|member| JoinedMember {
        member_id: member.member_id,
        instance_id: member.group_instance_id,
        subscription: member.metadata,
    });
    Ok(Joined {
        generation: response.generation_id,
        member_id: response.member_id,
        leader: response.leader,
        protocol_name: response.protocol_name.unwrap_or_default(),
        skip_assignment: response.skip_assignment,
        members: members.collect(),
    })
}

pub(super) fn sync(
    settings: &Settings,
    member_id: &str,
    generation: i32,
    protocol_name: &str,
    assignments: &[(String, bytes::Bytes)],
    version: i16,
) -> SyncGroupRequest {
    let assignments = assignments.iter().map(|(member_id, assignment)| SyncGroupRequestAssignment {
        member_id: member_id.clone(),
        assignment: assignment.clone(),
    });
    SyncGroupRequest {
        group_id: settings.group_id.clone(),
        generation_id: generation,
        member_id: member_id.to_owned(),
        group_instance_id: instance(settings, version, SYNC_WITH_INSTANCE),
        protocol_type: Some(PROTOCOL_TYPE.to_owned()),
        protocol_name: Some(protocol_name.to_owned()),
        assignments: assignments.collect(),
    }
}

pub(super) fn synced(response: SyncGroupResponse) -> Result<Synced, Failure> {
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => Ok(Synced { assignment: response.assignment }),
        code => Err(Failure::Code(code)),
    }
}

pub(super) fn heartbeat(
    settings: &Settings,
    member_id: &str,
    generation: i32,
    version: i16,
) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: settings.group_id.clone(),
        generation_id: generation,
        member_id: member_id.to_owned(),
        group_instance_id: instance(settings, version, HEARTBEAT_WITH_INSTANCE),
    }
}

pub(super) fn heard(response: &HeartbeatResponse) -> Result<(), Failure> {
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => Ok(()),
        code => Err(Failure::Code(code)),
    }
}

/// Only dynamic members leave.
pub(super) fn leave(settings: &Settings, member_id: &str, why: &str, version: i16) -> LeaveGroupRequest {
    let group_id = settings.group_id.clone();
    if version < LEAVE_WITH_MEMBERS {
        return LeaveGroupRequest { group_id, member_id: member_id.to_owned(), ..Default::default() };
    }
    let member = MemberIdentity {
        member_id: member_id.to_owned(),
        group_instance_id: None,
        reason: Some(reason(why)),
    };
    LeaveGroupRequest { group_id, members: vec![member], ..Default::default() }
}

fn instance(settings: &Settings, version: i16, first: i16) -> Option<String> {
    settings.instance_id.clone().filter(|_| version >= first)
}

fn reason(reason: &str) -> String {
    reason.chars().take(MAX_REASON).collect()
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kafka_core::backoff::ExponentialBackoff;
    use kafka_core::protocol::{ApiVersion, Encoder, Int16, Message, WriteVersionedType};

    fn settings() -> Settings {
        Settings {
            protocol: crate::consumer::GroupProtocol::Classic,
            remote_assignor: None,
            group_id: "g".into(),
            instance_id: Some("i".into()),
            rack: None,
            session_timeout: Duration::from_secs(30),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::MAX,
            request_timeout: Duration::from_secs(30),
            backoff: ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(1)),
            assignors: Vec::new(),
        }
    }

    fn written<M: WriteVersionedType<Encoder> + Message>(make: impl Fn(i16) -> M) {
        for version in M::VERSIONS {
            let result = make(version).write_versioned(&mut Encoder::new(), ApiVersion(Int16(version)));
            assert!(result.is_ok(), "{} version {version}", M::NAME);
        }
    }

    #[test]
    fn every_request_can_be_written_in_every_version() {
        let settings = settings();
        let long = "x".repeat(1_000);
        let request = JoinRequest {
            member_id: "m".into(),
            protocols: vec![("range".into(), Bytes::from_static(b"s"))],
            reason: long.clone(),
        };
        written(|version| join(&settings, &request, version));
        written(|version| sync(&settings, "m", 1, "range", &[("m".into(), Bytes::new())], version));
        written(|version| heartbeat(&settings, "m", 1, version));
        written(|version| leave(&settings, "m", &long, version));
        let join = join(&settings, &request, 9);
        assert_eq!(join.reason.map(|reason| reason.len()), Some(255));
        assert_eq!(join.rebalance_timeout_ms, i32::MAX);
    }

    #[test]
    fn a_required_member_id_and_error_codes_come_out_of_answers() {
        let answer = JoinGroupResponse {
            error_code: ErrorCode::MEMBER_ID_REQUIRED.0,
            member_id: "m".into(),
            ..Default::default()
        };
        assert!(matches!(joined(answer), Err(Failure::MemberIdRequired(id)) if id == "m"));
        let code = ErrorCode::ILLEGAL_GENERATION.0;
        let failed = [
            joined(JoinGroupResponse { error_code: code, ..Default::default() }).err(),
            synced(SyncGroupResponse { error_code: code, ..Default::default() }).err(),
            heard(&HeartbeatResponse { error_code: code, ..Default::default() }).err(),
        ];
        for failure in failed {
            assert!(matches!(failure, Some(Failure::Code(ErrorCode::ILLEGAL_GENERATION))));
        }
    }
}
