//! `FindCoordinator`: which broker is responsible for a group or a transactional id.

use kafka_core::protocol::messages::find_coordinator_response::Coordinator;
use kafka_core::protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Broker, Call, Cluster, CoordinatorKind, Reply};

/// From this version on several keys are asked for at once.
const BATCHED: i16 = 4;

/// The type of keys that name a share of a partition: group, topic id and partition (KIP-932).
const SHARE: i8 = 2;

impl Api for FindCoordinatorRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<FindCoordinatorResponse> {
        let kind = match self.key_type {
            0 => CoordinatorKind::Group,
            1 => CoordinatorKind::Transaction,
            SHARE if call.version >= BATCHED => {
                let found = keys(self, call).into_iter().map(|key| find_share(cluster, call, key)).collect();
                return Reply::Now(answer(found, call));
            }
            _ => return self.refuse(call, ErrorCode::INVALID_REQUEST).into(),
        };
        let found = keys(self, call).into_iter().map(|key| find(cluster, call, kind, key)).collect();
        Reply::Now(answer(found, call))
    }

    fn refuse(self, call: &Call, code: ErrorCode) -> FindCoordinatorResponse {
        let refused = keys(self, call).into_iter().map(|key| nowhere(key, code)).collect();
        answer(refused, call)
    }
}

fn keys(request: FindCoordinatorRequest, call: &Call) -> Vec<String> {
    if call.version >= BATCHED { request.coordinator_keys } else { vec![request.key] }
}

fn find(cluster: &mut Cluster, call: &Call, kind: CoordinatorKind, key: String) -> Coordinator {
    let resource = match kind {
        CoordinatorKind::Group => Resource::Group(&key),
        CoordinatorKind::Transaction => Resource::TransactionalId(&key),
    };
    if let Err(code) = cluster.check(call, AclOperation::Describe, resource) {
        let told = nowhere(key, code);
        // Only one key of several goes without words.
        return if call.version >= BATCHED {
            Coordinator { error_message: Some(String::new()), ..told }
        } else {
            told
        };
    }
    let broker = match cluster.find_coordinator(kind, &key) {
        Ok(id) => cluster.brokers.get(&id),
        Err(code) => return nowhere(key, code),
    };
    match broker {
        Some(broker) => somewhere(key, call, broker),
        None => nowhere(key, ErrorCode::COORDINATOR_NOT_AVAILABLE),
    }
}

/// Where a share's state would be kept. It is with the leader of the partition here, and any broker passes it on.
fn find_share(cluster: &Cluster, call: &Call, key: String) -> Coordinator {
    let mut parts = key.split(':');
    let is_share = parts.next().is_some_and(|group| !group.is_empty())
        && parts.next().is_some_and(|topic| topic.parse::<Uuid>().is_ok())
        && parts.next().is_some_and(|partition| partition.parse::<i32>().is_ok())
        && parts.next().is_none();
    let broker = cluster.live_brokers().next().filter(|_| is_share);
    match broker {
        Some(broker) => somewhere(key, call, broker),
        None => {
            Coordinator { error_message: Some(String::new()), ..nowhere(key, ErrorCode::INVALID_REQUEST) }
        }
    }
}

fn somewhere(key: String, call: &Call, broker: &Broker) -> Coordinator {
    Coordinator {
        key,
        node_id: broker.id,
        host: broker.host(call.listener),
        port: broker.port(call.listener),
        error_code: 0,
        error_message: Some(String::new()),
    }
}

fn nowhere(key: String, code: ErrorCode) -> Coordinator {
    Coordinator {
        key,
        node_id: -1,
        host: String::new(),
        port: -1,
        error_code: code.0,
        error_message: Some(code.description().to_owned()),
    }
}

fn answer(coordinators: Vec<Coordinator>, call: &Call) -> FindCoordinatorResponse {
    if call.version >= BATCHED {
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let Some(found) = coordinators.into_iter().next() else { return FindCoordinatorResponse::default() };
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: match (call.version, found.error_code) {
            (0, _) => Some(String::new()),
            // The name of the code.
            (_, 0) => Some("NONE".to_owned()),
            _ => found.error_message,
        },
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
}
