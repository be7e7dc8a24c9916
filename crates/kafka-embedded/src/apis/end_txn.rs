//! `EndTxn`: a transaction is committed or aborted.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{EndTxnRequest, EndTxnResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, CoordinatorKind, Reply};
use crate::transactions::Identity;

/// From this version on the producer goes on with another epoch (KIP-890).
const NEW_EPOCH: i16 = 5;

impl Api for EndTxnRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<EndTxnResponse> {
        let id = &self.transactional_id;
        if let Err(code) = cluster.check(call, AclOperation::Write, Resource::TransactionalId(id)) {
            return self.refuse(call, code).into();
        }
        if let Err(code) = cluster.check_coordinator(CoordinatorKind::Transaction, call.broker, id) {
            return self.refuse(call, code).into();
        }
        let producer = Identity { producer_id: self.producer_id, epoch: self.producer_epoch };
        let new_epoch = call.version >= NEW_EPOCH;
        match cluster.end_transaction(id, producer, self.committed, call.version, new_epoch) {
            Ok(next) => Reply::Now(EndTxnResponse {
                producer_id: next.producer_id,
                producer_epoch: next.epoch,
                ..Default::default()
            }),
            Err(code) => self.refuse(call, code).into(),
        }
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> EndTxnResponse {
        EndTxnResponse { error_code: code.0, ..Default::default() }
    }
}
