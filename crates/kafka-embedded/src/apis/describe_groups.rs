//! `DescribeGroups`: the members of classic groups and what each has.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_core::protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{ClassicGroup, State};

/// From this version on a group that does not exist is an error.
const UNKNOWN_IS_ERROR: i16 = 6;

impl Api for DescribeGroupsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeGroupsResponse> {
        let groups = self.groups.iter().map(|id| {
            let checked = cluster
                .check(call, AclOperation::Describe, Resource::Group(id))
                .and_then(|()| cluster.check_group_coordinator(call.broker, id));
            let mut described = match checked {
                Ok(()) => match cluster.groups.get(id) {
                    None => unknown(id, "not found", call.version),
                    Some(group) => match group.classic() {
                        None => unknown(id, "is not a classic group", call.version),
                        Some(group) => describe(group, id),
                    },
                },
                Err(code) => refused(id, code),
            };
            if self.include_authorized_operations && described.error_code == 0 {
                described.authorized_operations = cluster.operations(call, Resource::Group(id));
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

fn unknown(id: &str, why: &str, version: i16) -> DescribedGroup {
    let unknown = version >= UNKNOWN_IS_ERROR;
    DescribedGroup {
        error_code: if unknown { ErrorCode::GROUP_ID_NOT_FOUND.0 } else { 0 },
        error_message: unknown.then(|| format!("Group {id} {why}.")),
        group_id: id.to_owned(),
        group_state: "Dead".to_owned(),
        ..Default::default()
    }
}

fn describe(group: &ClassicGroup, id: &str) -> DescribedGroup {
    // Who has what is known only once the leader has said it.
    let settled = group.state == State::Stable;
    let protocol = group.protocol.clone().filter(|_| settled).unwrap_or_default();
    let members = group.members.iter().map(|member| DescribedGroupMember {
        member_id: member.id.clone(),
        group_instance_id: member.instance.clone(),
        client_id: member.client_id.clone(),
        client_host: member.host.clone(),
        member_metadata: if settled { member.metadata_for(&protocol) } else { Default::default() },
        member_assignment: member.assignment.clone(),
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
