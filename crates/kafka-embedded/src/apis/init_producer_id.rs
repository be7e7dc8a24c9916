//! `InitProducerId`: an identity for an idempotent producer.

use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, CoordinatorKind, Reply};
use crate::transactions::Identity;

/// Stands for no id and for no epoch.
const NONE: i64 = -1;

impl Api for InitProducerIdRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<InitProducerIdResponse> {
        // An owner names both what it has, or neither.
        if (self.producer_id == NONE) != (i64::from(self.producer_epoch) == NONE) {
            return self.refuse(call, ErrorCode::INVALID_REQUEST).into();
        }
        match self.transactional_id.as_deref() {
            None if !may_number_records(cluster, call) => {
                self.refuse(call, ErrorCode::CLUSTER_AUTHORIZATION_FAILED).into()
            }
            None => Reply::Now(InitProducerIdResponse {
                producer_id: cluster.new_producer_id(),
                ..Default::default()
            }),
            Some("") if cluster.may(call, AclOperation::Write, Resource::TransactionalId("")) => {
                self.refuse(call, ErrorCode::INVALID_REQUEST).into()
            }
            Some(id) => match own(&self, id, cluster, call) {
                Ok(identity) => Reply::Now(InitProducerIdResponse {
                    producer_id: identity.producer_id,
                    producer_epoch: identity.epoch,
                    ..Default::default()
                }),
                Err(code) => self.refuse(call, code).into(),
            },
        }
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> InitProducerIdResponse {
        InitProducerIdResponse { error_code: code.0, producer_epoch: -1, ..Default::default() }
    }
}

/// Who may write somewhere may number what is written (KIP-679).
fn may_number_records(cluster: &Cluster, call: &Call) -> bool {
    cluster.may(call, AclOperation::IdempotentWrite, Resource::Cluster) || cluster.may_write_somewhere(call)
}

fn own(
    request: &InitProducerIdRequest,
    id: &str,
    cluster: &mut Cluster,
    call: &Call,
) -> Result<Identity, ErrorCode> {
    cluster.check(call, AclOperation::Write, Resource::TransactionalId(id))?;
    cluster.check_coordinator(CoordinatorKind::Transaction, call.broker, id)?;
    let timeout = Duration::from_millis(u64::try_from(request.transaction_timeout_ms).unwrap_or_default());
    if timeout.is_zero() || timeout > cluster.settings.max_transaction_timeout {
        return Err(ErrorCode::INVALID_TRANSACTION_TIMEOUT);
    }
    let known = (request.producer_id != NONE)
        .then_some(Identity { producer_id: request.producer_id, epoch: request.producer_epoch });
    // From version 4 on, a fenced producer is told by its own code.
    let told = if call.version >= 4 { i16::MAX } else { 0 };
    cluster.own_transactional_id(id, timeout, known, told)
}
