//! `UpdateFeatures`: levels of the cluster's features (KIP-584). They can be checked, and set to what they are.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_core::protocol::messages::update_features_response::UpdatableFeatureResult;
use kafka_core::protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use super::features::FEATURES;
use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

const UPGRADE: i8 = 1;
const UNSAFE_DOWNGRADE: i8 = 3;
/// From this version on only the whole request fails or succeeds.
const ALL_OR_NONE: i16 = 2;

impl Api for UpdateFeaturesRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<UpdateFeaturesResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Alter, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        for update in &self.feature_updates {
            if let Err((code, message)) = check(update, self.validate_only) {
                return Reply::Now(UpdateFeaturesResponse {
                    error_code: code.0,
                    error_message: Some(message),
                    ..Default::default()
                });
            }
        }
        let results = self.feature_updates.into_iter().map(|update| UpdatableFeatureResult {
            feature: update.feature,
            error_code: 0,
            // The name of the code.
            error_message: Some("NONE".to_owned()),
        });
        let results = if call.version < ALL_OR_NONE { results.collect() } else { Vec::new() };
        Reply::Now(UpdateFeaturesResponse { error_message: None, results, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> UpdateFeaturesResponse {
        UpdateFeaturesResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }
}

fn check(update: &FeatureUpdateKey, validate_only: bool) -> Result<(), (ErrorCode, String)> {
    let invalid = |why: &str| Err((ErrorCode::INVALID_UPDATE_VERSION, format!("{}: {why}", update.feature)));
    let level = update.max_version_level;
    let Some(feature) = FEATURES.iter().find(|feature| feature.name == update.feature) else {
        return invalid("no broker supports this feature");
    };
    if !(UPGRADE..=UNSAFE_DOWNGRADE).contains(&update.upgrade_type) {
        return invalid("there is no such kind of update");
    }
    if !(feature.min..=feature.max).contains(&level) {
        return invalid("no broker supports this level");
    }
    if level < feature.level && update.upgrade_type == UPGRADE {
        return invalid("the level is lower than the one in force, and a downgrade was not asked for");
    }
    if level != feature.level && !validate_only {
        return invalid("the levels of an embedded cluster are fixed");
    }
    Ok(())
}
