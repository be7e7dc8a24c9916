//! `FindCoordinator`: which broker is responsible for a group or a transactional id.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::find_coordinator_response::Coordinator;
use kafka_core::protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

use crate::core::{Api, Call, Cluster, CoordinatorKind, Reply};

/// From this version on several keys are asked for at once.
const BATCHED: i16 = 4;

impl Api for FindCoordinatorRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<FindCoordinatorResponse> {
        let kind = match self.key_type {
            0 => CoordinatorKind::Group,
            1 => CoordinatorKind::Transaction,
            _ => return self.refuse(call, ErrorCode::INVALID_REQUEST).into(),
        };
        let found = keys(self, call).into_iter().map(|key| find(cluster, kind, key)).collect();
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

fn find(cluster: &mut Cluster, kind: CoordinatorKind, key: String) -> Coordinator {
    let broker = match cluster.find_coordinator(kind, &key) {
        Ok(id) => cluster.brokers.get(&id),
        Err(code) => return nowhere(key, code),
    };
    match broker {
        Some(broker) => Coordinator {
            key,
            node_id: broker.id,
            host: broker.host(),
            port: broker.port(),
            error_code: 0,
            error_message: Some(String::new()),
        },
        None => nowhere(key, ErrorCode::COORDINATOR_NOT_AVAILABLE),
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
        error_message: if call.version >= 1 { found.error_message } else { Some(String::new()) },
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
}
