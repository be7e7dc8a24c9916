//! `SaslHandshake`: by which mechanism a client signs in.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};

use crate::core::{Api, Call, Cluster, Reply};

impl Api for SaslHandshakeRequest {
    #[cfg_attr(not(feature = "security"), allow(unused_variables, reason = "nobody signs in then"))]
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<SaslHandshakeResponse> {
        #[cfg(feature = "security")]
        if let Some(reply) = cluster.sasl_handshake(call, &self.mechanism) {
            return reply;
        }
        self.refuse(call, ErrorCode::ILLEGAL_SASL_STATE).into()
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> SaslHandshakeResponse {
        SaslHandshakeResponse { error_code: code.0, ..Default::default() }
    }
}
