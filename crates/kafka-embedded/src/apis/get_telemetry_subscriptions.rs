//! `GetTelemetrySubscriptions`: a client asks which of its metrics to send (KIP-714). None: nobody would read them.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse};

use crate::core::{Api, Call, Cluster, Reply};

/// zstd, LZ4, gzip, snappy.
const COMPRESSION_TYPES: [i8; 4] = [4, 3, 1, 2];
const PUSH_INTERVAL_MS: i32 = 300_000;
/// `telemetry.max.bytes`
const MAX_BYTES: i32 = 1_048_576;

impl Api for GetTelemetrySubscriptionsRequest {
    fn handle(self, cluster: &mut Cluster, _: &Call) -> Reply<GetTelemetrySubscriptionsResponse> {
        let id = self.client_instance_id;
        Reply::Now(GetTelemetrySubscriptionsResponse {
            client_instance_id: if id.is_zero() { cluster.new_uuid() } else { id },
            subscription_id: super::push_telemetry::SUBSCRIPTION,
            accepted_compression_types: COMPRESSION_TYPES.to_vec(),
            push_interval_ms: PUSH_INTERVAL_MS,
            telemetry_max_bytes: MAX_BYTES,
            delta_temporality: true,
            ..Default::default()
        })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> GetTelemetrySubscriptionsResponse {
        GetTelemetrySubscriptionsResponse { error_code: code.0, ..Default::default() }
    }
}
