//! `Heartbeat`: a member lives, and hears whether it is to join again.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for HeartbeatRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<HeartbeatResponse> {
        let code = match beat(&self, cluster, call) {
            Ok(()) => ErrorCode::NONE,
            Err(code) => code,
        };
        self.refuse(call, code).into()
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> HeartbeatResponse {
        HeartbeatResponse { error_code: code.0, ..Default::default() }
    }
}

fn beat(request: &HeartbeatRequest, cluster: &mut Cluster, call: &Call) -> Result<(), ErrorCode> {
    cluster.check(call, AclOperation::Read, Resource::Group(&request.group_id))?;
    if request.group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    cluster.check_group_coordinator(call.broker, &request.group_id)?;
    let instance = request.group_instance_id.as_deref();
    let beat = cluster.in_group(&request.group_id, |group, effects| {
        group.heartbeat(&request.member_id, instance, request.generation_id, effects)
    });
    beat.unwrap_or(Err(ErrorCode::UNKNOWN_MEMBER_ID))
}
