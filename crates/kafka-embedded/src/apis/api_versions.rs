//! `ApiVersions`: what the broker offers.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_core::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::supported;
use crate::core::{Api, Call, Cluster, Reply};

/// Each transaction has an epoch of its own (KIP-890).
const TRANSACTION_VERSION: &str = "transaction.version";

impl Api for ApiVersionsRequest {
    fn handle(self, _: &mut Cluster, call: &Call) -> Reply<ApiVersionsResponse> {
        // KIP-511: names of client software are checked from the version that has them.
        if call.version >= 3
            && !(is_name(&self.client_software_name) && is_name(&self.client_software_version))
        {
            return self.refuse(call, ErrorCode::INVALID_REQUEST).into();
        }
        offer(ErrorCode::NONE).into()
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ApiVersionsResponse {
        ApiVersionsResponse { error_code: code.0, ..Default::default() }
    }
}

/// The answer in version 0 to a request that is newer than we are.
pub(crate) fn offer(code: ErrorCode) -> ApiVersionsResponse {
    let api_keys = supported().iter().map(|api| ApiVersion {
        api_key: api.key.code(),
        min_version: api.min,
        max_version: api.max,
    });
    ApiVersionsResponse {
        error_code: code.0,
        api_keys: api_keys.collect(),
        supported_features: vec![SupportedFeatureKey {
            name: TRANSACTION_VERSION.to_owned(),
            min_version: 0,
            max_version: 2,
        }],
        finalized_features_epoch: 1,
        finalized_features: vec![FinalizedFeatureKey {
            name: TRANSACTION_VERSION.to_owned(),
            max_version_level: 2,
            min_version_level: 2,
        }],
        ..Default::default()
    }
}

fn is_name(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
        && name.chars().all(|c| alphanumeric(c) || c == '.' || c == '-')
}
