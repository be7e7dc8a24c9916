//! `ListGroups`: the groups that a broker coordinates.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::list_groups_response::ListedGroup;
use kafka_core::protocol::messages::{ListGroupsRequest, ListGroupsResponse};

use crate::core::{Api, Call, Cluster, Reply};

/// The type of all groups here.
const CLASSIC: &str = "Classic";

impl Api for ListGroupsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ListGroupsResponse> {
        let wanted = |filter: &[String], value: &str| {
            filter.is_empty() || filter.iter().any(|one| one.eq_ignore_ascii_case(value))
        };
        let groups = cluster
            .groups
            .iter()
            .filter(|group| cluster.check_group_coordinator(call.broker, &group.id).is_ok())
            .filter(|group| wanted(&self.states_filter, group.state.name()))
            .filter(|_| wanted(&self.types_filter, CLASSIC))
            .map(|group| ListedGroup {
                group_id: group.id.clone(),
                protocol_type: group.protocol_type.clone().unwrap_or_default(),
                group_state: group.state.name().to_owned(),
                group_type: CLASSIC.to_lowercase(),
            });
        Reply::Now(ListGroupsResponse { groups: groups.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ListGroupsResponse {
        ListGroupsResponse { error_code: code.0, ..Default::default() }
    }
}
