//! `PushTelemetry`: metrics of a client (KIP-714), which nobody asked for.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{PushTelemetryRequest, PushTelemetryResponse};

use crate::core::{Api, Call, Cluster, Reply};

/// The id of the subscription to nothing.
pub(super) const SUBSCRIPTION: i32 = 1;

impl Api for PushTelemetryRequest {
    fn handle(self, _: &mut Cluster, call: &Call) -> Reply<PushTelemetryResponse> {
        let code = if self.client_instance_id.is_zero() {
            ErrorCode::INVALID_REQUEST
        } else if self.subscription_id != SUBSCRIPTION {
            ErrorCode::UNKNOWN_SUBSCRIPTION_ID
        } else {
            ErrorCode::NONE
        };
        self.refuse(call, code).into()
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> PushTelemetryResponse {
        PushTelemetryResponse { error_code: code.0, ..Default::default() }
    }
}
