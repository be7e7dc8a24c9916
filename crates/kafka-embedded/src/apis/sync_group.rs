//! `SyncGroup`: the leader hands out what everybody is assigned.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for SyncGroupRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<SyncGroupResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Read, Resource::Group(&self.group_id)) {
            return self.refuse(call, code).into();
        }
        if self.group_id.is_empty() {
            return self.refuse(call, ErrorCode::INVALID_GROUP_ID).into();
        }
        if call.version >= 5 && (self.protocol_type.is_none() || self.protocol_name.is_none()) {
            return self.refuse(call, ErrorCode::INCONSISTENT_GROUP_PROTOCOL).into();
        }
        if let Err(code) = cluster.check_group_coordinator(call.broker, &self.group_id) {
            return self.refuse(call, code).into();
        }
        let reply = cluster.in_group(&self.group_id, |group, effects| group.sync(&self, call, effects));
        reply.unwrap_or_else(|| self.refuse(call, ErrorCode::UNKNOWN_MEMBER_ID).into())
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> SyncGroupResponse {
        SyncGroupResponse { error_code: code.0, ..Default::default() }
    }
}
