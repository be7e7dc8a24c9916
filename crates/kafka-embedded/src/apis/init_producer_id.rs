//! `InitProducerId`: an identity for an idempotent producer.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::core::{Api, Call, Cluster, Reply};

impl Api for InitProducerIdRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<InitProducerIdResponse> {
        match self.transactional_id.as_deref() {
            None => Reply::Now(InitProducerIdResponse {
                producer_id: cluster.new_producer_id(),
                ..Default::default()
            }),
            Some("") => self.refuse(call, ErrorCode::INVALID_REQUEST).into(),
            // There are no transactions here: a code that no client takes for something passing.
            Some(_) => self.refuse(call, ErrorCode::UNSUPPORTED_VERSION).into(),
        }
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> InitProducerIdResponse {
        InitProducerIdResponse { error_code: code.0, producer_epoch: -1, ..Default::default() }
    }
}
