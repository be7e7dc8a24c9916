//! `DescribeGroups`: the members of classic groups and what each has.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_core::protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

use super::operations;
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{Group, State};

/// From this version on a group that does not exist is an error.
const UNKNOWN_IS_ERROR: i16 = 6;

impl Api for DescribeGroupsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeGroupsResponse> {
        let groups = self.groups.iter().map(|id| {
            let mut described = match cluster.check_group_coordinator(call.broker, id) {
                Ok(()) => describe(cluster.groups.get(id), id, call.version),
                Err(code) => refused(id, code),
            };
            if self.include_authorized_operations && described.error_code == 0 {
                described.authorized_operations = operations::ON_GROUP;
            }
            described
        });
        Reply::Now(DescribeGroupsResponse { groups: groups.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeGroupsResponse {
        let groups = self.groups.iter().map(|id| refused(id, code)).collect();
        DescribeGroupsResponse { groups, ..Default::default() }
    }
}

fn refused(id: &str, code: ErrorCode) -> DescribedGroup {
    DescribedGroup { error_code: code.0, group_id: id.to_owned(), ..Default::default() }
}

fn describe(group: Option<&Group>, id: &str, version: i16) -> DescribedGroup {
    let Some(group) = group else {
        let unknown = version >= UNKNOWN_IS_ERROR;
        return DescribedGroup {
            error_code: if unknown { ErrorCode::GROUP_ID_NOT_FOUND.0 } else { 0 },
            error_message: unknown.then(|| format!("Group {id} not found.")),
            group_id: id.to_owned(),
            group_state: "Dead".to_owned(),
            ..Default::default()
        };
    };
    // Who has what is known only once the leader has said it.
    let settled = group.state == State::Stable;
    let protocol = group.protocol.clone().filter(|_| settled).unwrap_or_default();
    let members = group.members.iter().map(|member| DescribedGroupMember {
        member_id: member.id.clone(),
        group_instance_id: member.instance.clone(),
        client_id: member.client_id.clone(),
        client_host: member.host.clone(),
        member_metadata: if settled { member.metadata_for(&protocol) } else { Default::default() },
        member_assignment: if settled { member.assignment.clone() } else { Default::default() },
    });
    DescribedGroup {
        group_id: id.to_owned(),
        group_state: group.state.name().to_owned(),
        protocol_type: group.protocol_type.clone().unwrap_or_default(),
        members: members.collect(),
        protocol_data: protocol,
        ..Default::default()
    }
}
