//! `AlterUserScramCredentials`: passwords for SCRAM set or removed (KIP-554).

use std::collections::BTreeMap;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_core::protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_core::protocol::messages::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::sasl::{MAX_ITERATIONS, MIN_ITERATIONS, Salted, ScramMechanism};

type Failure = (ErrorCode, String);

/// What is to be done for a user.
#[derive(Clone, Copy)]
enum Change<'a> {
    Delete(&'a ScramCredentialDeletion),
    Upsert(&'a ScramCredentialUpsertion),
}

impl Api for AlterUserScramCredentialsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AlterUserScramCredentialsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Alter, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let results = changes(&self).into_iter().map(|(user, changes)| {
            let done = match changes[..] {
                [change] => apply(cluster, user, change),
                _ => Err((
                    ErrorCode::DUPLICATE_RESOURCE,
                    "A user credential cannot be altered twice in the same request".to_owned(),
                )),
            };
            result(user, done.err())
        });
        Reply::Now(AlterUserScramCredentialsResponse { results: results.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> AlterUserScramCredentialsResponse {
        let failure = || Some((code, code.description().to_owned()));
        let results = changes(&self).into_keys().map(|user| result(user, failure())).collect();
        AlterUserScramCredentialsResponse { results, ..Default::default() }
    }
}

fn changes(request: &AlterUserScramCredentialsRequest) -> BTreeMap<&str, Vec<Change<'_>>> {
    let mut changes: BTreeMap<&str, Vec<Change<'_>>> = BTreeMap::new();
    for deletion in &request.deletions {
        changes.entry(&deletion.name).or_default().push(Change::Delete(deletion));
    }
    for upsertion in &request.upsertions {
        changes.entry(&upsertion.name).or_default().push(Change::Upsert(upsertion));
    }
    changes
}

fn result(user: &str, failure: Option<Failure>) -> AlterUserScramCredentialsResult {
    let (code, error_message) = match failure {
        Some((code, message)) => (code, Some(message)),
        None => (ErrorCode::NONE, None),
    };
    AlterUserScramCredentialsResult { user: user.to_owned(), error_code: code.0, error_message }
}

fn apply(cluster: &mut Cluster, user: &str, change: Change<'_>) -> Result<(), Failure> {
    let unacceptable = |message: &str| Err((ErrorCode::UNACCEPTABLE_CREDENTIAL, message.to_owned()));
    if user.is_empty() {
        return unacceptable("Username must not be empty");
    }
    let (Change::Delete(ScramCredentialDeletion { mechanism, .. })
    | Change::Upsert(ScramCredentialUpsertion { mechanism, .. })) = change;
    let mechanism = ScramMechanism::from_code(*mechanism)
        .ok_or_else(|| (ErrorCode::UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism".to_owned()))?;
    match change {
        Change::Delete(_) => {
            let kept = cluster.scram_credentials.get_mut(user);
            let removed = kept.and_then(|kept| kept.remove(&mechanism));
            cluster.scram_credentials.retain(|_, kept| !kept.is_empty());
            removed.map(drop).ok_or_else(|| {
                let message = "Attempt to delete a user credential that does not exist".to_owned();
                (ErrorCode::RESOURCE_NOT_FOUND, message)
            })
        }
        Change::Upsert(upsertion) if upsertion.iterations < MIN_ITERATIONS => {
            unacceptable("Too few iterations")
        }
        Change::Upsert(upsertion) if upsertion.iterations > MAX_ITERATIONS => {
            unacceptable("Too many iterations")
        }
        Change::Upsert(upsertion) => {
            let salted = Salted {
                salt: upsertion.salt.clone(),
                password: upsertion.salted_password.clone(),
                iterations: upsertion.iterations,
            };
            cluster.scram_credentials.entry(user.to_owned()).or_default().insert(mechanism, salted);
            Ok(())
        }
    }
}
