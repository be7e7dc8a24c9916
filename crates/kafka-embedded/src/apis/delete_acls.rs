//! `DeleteAcls`: the access rules that filters mean are gone.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_core::protocol::messages::delete_acls_response::{DeleteAclsFilterResult, DeleteAclsMatchingAcl};
use kafka_core::protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};

use crate::access::{Acl, AclFilter, AclOperation, AclText, Acls, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for DeleteAclsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DeleteAclsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Alter, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let Some(authorizer) = &mut cluster.authorizer else {
            return answer(&self, ErrorCode::SECURITY_DISABLED, "No Authorizer is configured.").into();
        };
        // A rule that several filters mean is an answer to each of them.
        let before = authorizer.acls.clone();
        let results = self.filters.iter().map(|filter| delete(&before, &mut authorizer.acls, filter));
        Reply::Now(DeleteAclsResponse { filter_results: results.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DeleteAclsResponse {
        answer(&self, code, code.description())
    }
}

/// The same for each filter.
fn answer(request: &DeleteAclsRequest, code: ErrorCode, message: &str) -> DeleteAclsResponse {
    let filter_results = request.filters.iter().map(|_| failed(code, message.to_owned())).collect();
    DeleteAclsResponse { filter_results, ..Default::default() }
}

fn failed(code: ErrorCode, message: String) -> DeleteAclsFilterResult {
    DeleteAclsFilterResult { error_code: code.0, error_message: Some(message), matching_acls: Vec::new() }
}

fn delete(before: &Acls, now: &mut Acls, filter: &DeleteAclsFilter) -> DeleteAclsFilterResult {
    let text = AclText {
        resource_type: filter.resource_type_filter,
        name: filter.resource_name_filter.as_deref(),
        pattern_type: filter.pattern_type_filter,
        principal: filter.principal_filter.as_deref(),
        host: filter.host_filter.as_deref(),
        operation: filter.operation,
        permission: filter.permission_type,
    };
    let filter = match AclFilter::new(text) {
        Ok(filter) => filter,
        Err(message) => return failed(ErrorCode::INVALID_REQUEST, message),
    };
    let meant = before.iter().filter(|acl| filter.matches(acl));
    let matching_acls = meant.map(|acl| {
        now.remove(acl);
        deleted(acl)
    });
    DeleteAclsFilterResult { error_code: 0, error_message: None, matching_acls: matching_acls.collect() }
}

fn deleted(acl: &Acl) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl {
        error_code: 0,
        error_message: None,
        resource_type: acl.resource.resource_type.code(),
        resource_name: acl.resource.name.clone(),
        pattern_type: acl.resource.pattern_type.code(),
        principal: acl.principal.clone(),
        host: acl.host.clone(),
        operation: acl.operation.code(),
        permission_type: acl.permission.code(),
    }
}
