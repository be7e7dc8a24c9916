//! `DescribeUserScramCredentials`: who has a password for SCRAM, and how often it is hashed (KIP-554).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_core::protocol::messages::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for DescribeUserScramCredentialsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeUserScramCredentialsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Describe, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let named = self.users.unwrap_or_default().into_iter().map(|user| user.name);
        let mut names: Vec<String> = named.collect();
        if names.is_empty() {
            names = cluster.scram_credentials.keys().cloned().collect();
        }
        let mut results: Vec<DescribeUserScramCredentialsResult> = Vec::with_capacity(names.len());
        for name in &names {
            if !results.iter().any(|result| result.user == *name) {
                let is_twice = names.iter().filter(|other| *other == name).count() > 1;
                results.push(if is_twice { twice(name) } else { describe(cluster, name) });
            }
        }
        Reply::Now(DescribeUserScramCredentialsResponse {
            error_message: Some(String::new()),
            results,
            ..Default::default()
        })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeUserScramCredentialsResponse {
        DescribeUserScramCredentialsResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }
}

fn twice(user: &str) -> DescribeUserScramCredentialsResult {
    let message =
        format!("Cannot describe SCRAM credentials for the same user twice in a single request: {user}");
    failed(user, ErrorCode::DUPLICATE_RESOURCE, message)
}

fn failed(user: &str, code: ErrorCode, message: String) -> DescribeUserScramCredentialsResult {
    DescribeUserScramCredentialsResult {
        user: user.to_owned(),
        error_code: code.0,
        error_message: Some(message),
        credential_infos: Vec::new(),
    }
}

fn describe(cluster: &Cluster, user: &str) -> DescribeUserScramCredentialsResult {
    let kept = cluster.scram_credentials.get(user).filter(|kept| !kept.is_empty());
    let Some(kept) = kept else {
        let message = format!("Attempt to describe a user credential that does not exist: {user}");
        return failed(user, ErrorCode::RESOURCE_NOT_FOUND, message);
    };
    let infos = kept.iter().map(|(mechanism, salted)| CredentialInfo {
        mechanism: mechanism.code(),
        iterations: salted.iterations,
    });
    DescribeUserScramCredentialsResult {
        user: user.to_owned(),
        error_code: 0,
        error_message: Some(String::new()),
        credential_infos: infos.collect(),
    }
}
