//! `ApiVersions`: what the broker offers.

use kafka_core::protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_core::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_core::protocol::{ApiKey, ErrorCode};

use super::features::{FEATURES, Feature};
use super::supported;
use super::table::Supported;
use crate::core::{Api, Call, Cluster, Reply};

/// From this version on clients can read a feature whose lowest level is 0.
const LEVEL_ZERO: i16 = 4;

impl Api for ApiVersionsRequest {
    fn handle(self, _: &mut Cluster, call: &Call) -> Reply<ApiVersionsResponse> {
        // KIP-511: names of client software are checked from the version that has them.
        if call.version >= 3
            && !(is_name(&self.client_software_name) && is_name(&self.client_software_version))
        {
            return self.refuse(call, ErrorCode::INVALID_REQUEST).into();
        }
        offer(call.version).into()
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ApiVersionsResponse {
        ApiVersionsResponse { error_code: code.0, ..Default::default() }
    }
}

/// The answer in version 0 to a request that is newer than we are: in which versions to ask again.
pub(crate) fn try_again() -> ApiVersionsResponse {
    let own = supported().iter().filter(|api| api.key == ApiKey::ApiVersions);
    ApiVersionsResponse {
        error_code: ErrorCode::UNSUPPORTED_VERSION.0,
        api_keys: own.map(described).collect(),
        ..Default::default()
    }
}

fn described(api: &Supported) -> ApiVersion {
    ApiVersion {
        api_key: api.key.code(),
        // Clients built on older librdkafka look for the first versions of Produce before they compress. Kafka says that it
        // has them, and does not (KAFKA-18659).
        min_version: if api.key == ApiKey::Produce { 0 } else { api.min },
        max_version: api.max,
    }
}

/// What the brokers offer. Metrics of clients are answered for and not asked for, as by a broker that has no use for them.
fn offer(version: i16) -> ApiVersionsResponse {
    let is_told =
        |api: &&Supported| ![ApiKey::GetTelemetrySubscriptions, ApiKey::PushTelemetry].contains(&api.key);
    let api_keys = supported().iter().filter(is_told).map(described);
    // Older clients cannot read a feature that may have level 0 (KIP-1022).
    let readable = |feature: &&Feature| version >= LEVEL_ZERO || feature.min > 0;
    let supported_features = FEATURES.iter().filter(readable).map(|feature| SupportedFeatureKey {
        name: feature.name.to_owned(),
        min_version: feature.min,
        max_version: feature.max,
    });
    let finalized_features =
        FEATURES.iter().filter(|feature| feature.level > 0).map(|feature| FinalizedFeatureKey {
            name: feature.name.to_owned(),
            max_version_level: feature.level,
            min_version_level: feature.level,
        });
    ApiVersionsResponse {
        api_keys: api_keys.collect(),
        supported_features: supported_features.collect(),
        finalized_features_epoch: 1,
        finalized_features: finalized_features.collect(),
        ..Default::default()
    }
}

fn is_name(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
        && name.chars().all(|c| alphanumeric(c) || c == '.' || c == '-')
}
