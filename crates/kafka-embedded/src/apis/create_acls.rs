//! `CreateAcls`: new access rules.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::create_acls_request::AclCreation;
use kafka_core::protocol::messages::create_acls_response::AclCreationResult;
use kafka_core::protocol::messages::{CreateAclsRequest, CreateAclsResponse};

use crate::access::{AclOperation, AclText, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for CreateAclsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<CreateAclsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Alter, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let Some(authorizer) = &mut cluster.authorizer else {
            let message = "No Authorizer is configured.".to_owned();
            return answer(&self, Some((ErrorCode::SECURITY_DISABLED, message))).into();
        };
        let results = self.creations.iter().map(|creation| match text(creation).rule() {
            Ok(rule) => {
                authorizer.acls.insert(rule);
                result(None)
            }
            Err(message) => result(Some((ErrorCode::INVALID_REQUEST, message))),
        });
        Reply::Now(CreateAclsResponse { results: results.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> CreateAclsResponse {
        answer(&self, Some((code, code.description().to_owned())))
    }
}

/// The same for each rule.
fn answer(request: &CreateAclsRequest, failure: Option<(ErrorCode, String)>) -> CreateAclsResponse {
    let results = request.creations.iter().map(|_| result(failure.clone())).collect();
    CreateAclsResponse { results, ..Default::default() }
}

fn result(failure: Option<(ErrorCode, String)>) -> AclCreationResult {
    let (code, error_message) = match failure {
        Some((code, message)) => (code, Some(message)),
        None => (ErrorCode::NONE, Some(String::new())),
    };
    AclCreationResult { error_code: code.0, error_message }
}

fn text(creation: &AclCreation) -> AclText<'_> {
    AclText {
        resource_type: creation.resource_type,
        name: Some(&creation.resource_name),
        pattern_type: creation.resource_pattern_type,
        principal: Some(&creation.principal),
        host: Some(&creation.host),
        operation: creation.operation,
        permission: creation.permission_type,
    }
}
