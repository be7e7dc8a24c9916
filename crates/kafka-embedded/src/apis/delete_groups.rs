//! `DeleteGroups`: groups without members, and what they committed.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_core::protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for DeleteGroupsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DeleteGroupsResponse> {
        let mut names = Vec::with_capacity(self.groups_names.len());
        for name in self.groups_names {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let results = names.into_iter().map(|id| {
            let code = delete(cluster, call, &id).err().unwrap_or(ErrorCode::NONE);
            DeletableGroupResult { group_id: id, error_code: code.0 }
        });
        let results = results.collect();
        Reply::Now(DeleteGroupsResponse { results, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DeleteGroupsResponse {
        let results = self
            .groups_names
            .into_iter()
            .map(|group_id| DeletableGroupResult { group_id, error_code: code.0 });
        DeleteGroupsResponse { results: results.collect(), ..Default::default() }
    }
}

fn delete(cluster: &mut Cluster, call: &Call, id: &str) -> Result<(), ErrorCode> {
    cluster.check(call, AclOperation::Delete, Resource::Group(id))?;
    cluster.check_group_coordinator(call.broker, id)?;
    match cluster.groups.get(id) {
        None => Err(ErrorCode::GROUP_ID_NOT_FOUND),
        Some(group) if !group.is_empty() => Err(ErrorCode::NON_EMPTY_GROUP),
        Some(_) => {
            cluster.groups.remove(id);
            Ok(())
        }
    }
}
