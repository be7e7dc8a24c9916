//! `ListGroups`: the groups that a broker coordinates.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::list_groups_response::ListedGroup;
use kafka_core::protocol::messages::{ListGroupsRequest, ListGroupsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for ListGroupsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ListGroupsResponse> {
        let sees_all = cluster.may(call, AclOperation::Describe, Resource::Cluster);
        let wanted = |filter: &[String], value: &str| {
            filter.is_empty() || filter.iter().any(|one| one.eq_ignore_ascii_case(value))
        };
        let groups = cluster
            .groups
            .iter()
            .filter(|group| cluster.check_group_coordinator(call.broker, &group.id).is_ok())
            .filter(|group| sees_all || cluster.may(call, AclOperation::Describe, Resource::Group(&group.id)))
            .filter(|group| wanted(&self.states_filter, group.state()))
            .filter(|group| wanted(&self.types_filter, group.kind_name()))
            .map(|group| ListedGroup {
                group_id: group.id.clone(),
                protocol_type: group.protocol_type().to_owned(),
                group_state: group.state().to_owned(),
                group_type: group.kind_name().to_owned(),
            });
        Reply::Now(ListGroupsResponse { groups: groups.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ListGroupsResponse {
        ListGroupsResponse { error_code: code.0, ..Default::default() }
    }
}
