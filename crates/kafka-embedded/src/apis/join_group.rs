//! `JoinGroup`: becoming a member of a group; answered when all members are there.

use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{JoinGroupRequest, JoinGroupResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::refused_join;

impl Api for JoinGroupRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<JoinGroupResponse> {
        if let Err(code) = check(&self, cluster, call) {
            return self.refuse(call, code).into();
        }
        if self.member_id.is_empty() {
            cluster.groups.get_or_create(&self.group_id);
        }
        let reply = cluster.in_group(&self.group_id, |group, effects| group.join(&self, call, effects));
        reply.unwrap_or_else(|| self.refuse(call, ErrorCode::UNKNOWN_MEMBER_ID).into())
    }

    fn refuse(self, call: &Call, code: ErrorCode) -> JoinGroupResponse {
        refused_join(call.version, &self.member_id, code)
    }
}

fn check(request: &JoinGroupRequest, cluster: &Cluster, call: &Call) -> Result<(), ErrorCode> {
    cluster.check(call, AclOperation::Read, Resource::Group(&request.group_id))?;
    if request.group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    cluster.check_group_coordinator(call.broker, &request.group_id)?;
    let timeout = Duration::from_millis(u64::try_from(request.session_timeout_ms).unwrap_or_default());
    let settings = &cluster.settings;
    if !(settings.min_session_timeout..=settings.max_session_timeout).contains(&timeout) {
        return Err(ErrorCode::INVALID_SESSION_TIMEOUT);
    }
    Ok(())
}
