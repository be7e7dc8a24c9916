//! `DescribeAcls`: the access rules that a filter means, by resource.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_core::protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};

use crate::access::{Acl, AclFilter, AclOperation, AclText, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for DescribeAclsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeAclsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Describe, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let Some(authorizer) = &cluster.authorizer else {
            let message = "No Authorizer is configured on the broker";
            return failed(ErrorCode::SECURITY_DISABLED, message).into();
        };
        match AclFilter::new(text(&self)) {
            Ok(filter) => {
                let meant = authorizer.acls.iter().filter(|acl| filter.matches(acl));
                Reply::Now(DescribeAclsResponse {
                    error_message: Some(String::new()),
                    resources: by_resource(meant),
                    ..Default::default()
                })
            }
            Err(message) => failed(ErrorCode::INVALID_REQUEST, &message).into(),
        }
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeAclsResponse {
        failed(code, code.description())
    }
}

fn failed(code: ErrorCode, message: &str) -> DescribeAclsResponse {
    DescribeAclsResponse { error_code: code.0, error_message: Some(message.to_owned()), ..Default::default() }
}

/// Rules of one resource stand next to each other.
fn by_resource<'a>(acls: impl Iterator<Item = &'a Acl>) -> Vec<DescribeAclsResource> {
    let mut resources: Vec<DescribeAclsResource> = Vec::new();
    for acl in acls {
        let (resource_type, pattern_type) =
            (acl.resource.resource_type.code(), acl.resource.pattern_type.code());
        let described = AclDescription {
            principal: acl.principal.clone(),
            host: acl.host.clone(),
            operation: acl.operation.code(),
            permission_type: acl.permission.code(),
        };
        match resources.last_mut() {
            Some(last)
                if last.resource_type == resource_type
                    && last.pattern_type == pattern_type
                    && last.resource_name == acl.resource.name =>
            {
                last.acls.push(described);
            }
            _ => resources.push(DescribeAclsResource {
                resource_type,
                resource_name: acl.resource.name.clone(),
                pattern_type,
                acls: vec![described],
            }),
        }
    }
    resources
}

fn text(request: &DescribeAclsRequest) -> AclText<'_> {
    AclText {
        resource_type: request.resource_type_filter,
        name: request.resource_name_filter.as_deref(),
        pattern_type: request.pattern_type_filter,
        principal: request.principal_filter.as_deref(),
        host: request.host_filter.as_deref(),
        operation: request.operation,
        permission: request.permission_type,
    }
}
