//! `AddOffsetsToTxn`: a transaction is about to commit a group's offsets.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, CoordinatorKind, Reply};
use crate::transactions::Identity;

impl Api for AddOffsetsToTxnRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AddOffsetsToTxnResponse> {
        let code = add(&self, cluster, call).err().unwrap_or(ErrorCode::NONE);
        self.refuse(call, code).into()
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> AddOffsetsToTxnResponse {
        AddOffsetsToTxnResponse { error_code: code.0, ..Default::default() }
    }
}

fn add(request: &AddOffsetsToTxnRequest, cluster: &mut Cluster, call: &Call) -> Result<(), ErrorCode> {
    let id = &request.transactional_id;
    cluster.check(call, AclOperation::Write, Resource::TransactionalId(id))?;
    cluster.check(call, AclOperation::Read, Resource::Group(&request.group_id))?;
    cluster.check_coordinator(CoordinatorKind::Transaction, call.broker, id)?;
    let producer = Identity { producer_id: request.producer_id, epoch: request.producer_epoch };
    cluster.join_transaction(id, producer, call.version, |transaction| {
        transaction.groups.insert(request.group_id.clone());
    })
}
