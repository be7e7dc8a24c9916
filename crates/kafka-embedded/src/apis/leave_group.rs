//! `LeaveGroup`: members go, or are removed by their instance ids.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::leave_group_request::MemberIdentity;
use kafka_core::protocol::messages::leave_group_response::MemberResponse;
use kafka_core::protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

/// From this version on several members leave at once.
const BATCHED: i16 = 3;

impl Api for LeaveGroupRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<LeaveGroupResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Read, Resource::Group(&self.group_id)) {
            return self.refuse(call, code).into();
        }
        if self.group_id.is_empty() {
            return self.refuse(call, ErrorCode::INVALID_GROUP_ID).into();
        }
        if let Err(code) = cluster.check_group_coordinator(call.broker, &self.group_id) {
            return self.refuse(call, code).into();
        }
        let leaving = if call.version >= BATCHED {
            self.members.clone()
        } else {
            vec![MemberIdentity { member_id: self.member_id.clone(), ..Default::default() }]
        };
        let members: Vec<MemberResponse> =
            leaving.into_iter().map(|member| leave(cluster, &self.group_id, member)).collect();
        let response = if call.version >= BATCHED {
            LeaveGroupResponse { members, ..Default::default() }
        } else {
            let error_code = members.first().map_or(0, |member| member.error_code);
            LeaveGroupResponse { error_code, ..Default::default() }
        };
        Reply::Now(response)
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> LeaveGroupResponse {
        LeaveGroupResponse { error_code: code.0, ..Default::default() }
    }
}

fn leave(cluster: &mut Cluster, group: &str, member: MemberIdentity) -> MemberResponse {
    let left = cluster.in_group(group, |group, effects| group.leave(&member, effects));
    let code = left.unwrap_or(Err(ErrorCode::UNKNOWN_MEMBER_ID)).err().unwrap_or(ErrorCode::NONE);
    MemberResponse {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error_code: code.0,
    }
}
