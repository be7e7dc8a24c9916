use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::time::timeout_at;
use tracing::debug;

use super::attempts::Attempts;
use super::{Broker, Client};
use crate::net::CallOptions;
use crate::protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use crate::protocol::{ApiKey, ErrorCode};
use crate::{Error, ErrorKind, Result};

/// From this version on the request carries several keys (KIP-699).
const BATCHED: i16 = 4;

/// What a coordinator coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoordinatorKind {
    /// A consumer group, by `group.id`.
    Group,
    /// Transactions, by `transactional.id`.
    Transaction,
}

/// The coordinators that were found.
#[derive(Debug, Default)]
pub(super) struct Coordinators {
    known: Mutex<HashMap<(CoordinatorKind, String), i32>>,
}

impl Coordinators {
    pub(super) fn forget(&self, kind: CoordinatorKind, key: &str) {
        self.known.lock().remove(&(kind, key.to_owned()));
    }

    pub(super) async fn find(&self, client: &Client, kind: CoordinatorKind, key: &str) -> Result<i32> {
        if let Some(&known) = self.known.lock().get(&(kind, key.to_owned())) {
            return Ok(known);
        }
        let options = CallOptions::new(client.config().request_timeout);
        let mut attempts = Attempts::within(options.timeout);
        let found = loop {
            let attempt = ask(client, options, kind, key);
            let outcome = timeout_at(attempts.deadline, attempt).await;
            if let Some(found) = attempts.settle(client, outcome).await? {
                break found;
            }
        };
        debug!(?kind, key, broker = found.id, address = %found.address, "coordinator");
        let id = found.id;
        client.learn_brokers(&[found]);
        self.known.lock().insert((kind, key.to_owned()), id);
        Ok(id)
    }
}

async fn ask(client: &Client, options: CallOptions, kind: CoordinatorKind, key: &str) -> Result<Broker> {
    let response = client.call_any(options, |version| request(kind, key, version)).await?;
    coordinator(response, kind, key)
}

fn request(kind: CoordinatorKind, key: &str, version: i16) -> FindCoordinatorRequest {
    let key_type = match kind {
        CoordinatorKind::Group => 0,
        CoordinatorKind::Transaction => 1,
    };
    if version >= BATCHED {
        FindCoordinatorRequest { key_type, coordinator_keys: vec![key.to_owned()], ..Default::default() }
    } else {
        FindCoordinatorRequest { key_type, key: key.to_owned(), ..Default::default() }
    }
}

/// The coordinator in an answer of either form.
fn coordinator(response: FindCoordinatorResponse, kind: CoordinatorKind, key: &str) -> Result<Broker> {
    let (code, message, id, host, port) =
        match response.coordinators.into_iter().find(|found| found.key == key) {
            Some(found) => (found.error_code, found.error_message, found.node_id, found.host, found.port),
            None => {
                (response.error_code, response.error_message, response.node_id, response.host, response.port)
            }
        };
    let code = ErrorCode(code);
    if !code.is_ok() {
        debug!(?kind, key, %code, message, "no coordinator");
        return Err(Error::from_code(code).with_api(ApiKey::FindCoordinator));
    }
    Broker::new(id, &host, port, None).ok_or_else(|| {
        let message = format!("the brokers name no coordinator for {key:?} yet");
        Error::new(ErrorKind::NotFound, message).with_api(ApiKey::FindCoordinator)
    })
}
