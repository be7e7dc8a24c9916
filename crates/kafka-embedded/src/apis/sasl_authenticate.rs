//! `SaslAuthenticate`: one message of a sign-in.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};

use crate::core::{Api, Call, Cluster, Reply};

impl Api for SaslAuthenticateRequest {
    #[cfg_attr(not(feature = "security"), allow(unused_variables, reason = "nobody signs in then"))]
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<SaslAuthenticateResponse> {
        #[cfg(feature = "security")]
        if let Some(reply) = cluster.sasl_authenticate(call, &self.auth_bytes) {
            return reply;
        }
        Reply::Now(SaslAuthenticateResponse {
            error_code: ErrorCode::ILLEGAL_SASL_STATE.0,
            error_message: Some(
                "SaslAuthenticate request received after successful authentication".to_owned(),
            ),
            ..Default::default()
        })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> SaslAuthenticateResponse {
        SaslAuthenticateResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }
}
