//! `AlterConfigs`: all settings of a topic, broker or group replaced; what is not named falls back to its default.

use std::collections::BTreeMap;

use kafka_core::protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_core::protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_core::protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::broker_configs::{broker_configs, replace_broker_configs};
use super::describe_configs::{BROKER, GROUP, TOPIC, check};
use super::group_configs::{group_configs, replace_group_configs};
use crate::access::AclOperation;
use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::check_config;

/// Why settings were not changed.
pub(super) type Failure = (ErrorCode, String);

impl Api for AlterConfigsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AlterConfigsResponse> {
        let responses = self.resources.iter().map(|resource| {
            let (kind, name) = (resource.resource_type, &resource.resource_name);
            let same =
                |other: &&AlterConfigsResource| (other.resource_type, &other.resource_name) == (kind, name);
            if self.resources.iter().filter(same).count() > 1 {
                let message = "Each resource must appear at most once.".to_owned();
                return response(resource, Some((ErrorCode::INVALID_REQUEST, message)));
            }
            let done = check(cluster, call, AclOperation::AlterConfigs, kind, name)
                .and_then(|()| alter(cluster, call, resource, self.validate_only));
            response(resource, done.err())
        });
        let responses = responses.collect();
        Reply::Now(AlterConfigsResponse { responses, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> AlterConfigsResponse {
        let responses = self
            .resources
            .iter()
            .map(|resource| response(resource, Some((code, code.description().to_owned()))));
        AlterConfigsResponse { responses: responses.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let topics = self.resources.iter().filter(|resource| resource.resource_type == TOPIC);
        topics.map(|resource| (resource.resource_name.as_str(), Uuid::ZERO)).collect()
    }
}

fn response(resource: &AlterConfigsResource, failure: Option<Failure>) -> AlterConfigsResourceResponse {
    let (code, error_message) = match failure {
        Some((code, message)) => (code, Some(message)),
        None => (ErrorCode::NONE, None),
    };
    AlterConfigsResourceResponse {
        error_code: code.0,
        error_message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
    }
}

fn alter(
    cluster: &mut Cluster,
    call: &Call,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Failure> {
    current_configs(cluster, call, resource.resource_type, &resource.resource_name)?;
    let mut configs = BTreeMap::new();
    for (place, config) in resource.configs.iter().enumerate() {
        if resource.configs.iter().take(place).any(|other| other.name == config.name) {
            let message = format!("Error due to duplicate config keys: {}", config.name);
            return Err((ErrorCode::INVALID_REQUEST, message));
        }
        let Some(value) = &config.value else {
            let message = format!("Null value not supported for : {}", config.name);
            return Err((ErrorCode::INVALID_REQUEST, message));
        };
        configs.insert(config.name.clone(), value.clone());
    }
    replace_configs(cluster, resource.resource_type, &resource.resource_name, configs, validate_only)
}

/// What is set for the topic, broker or group now. Nothing else has settings that change.
pub(super) fn current_configs(
    cluster: &Cluster,
    call: &Call,
    resource_type: i8,
    name: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    if resource_type == GROUP {
        return group_configs(cluster, name);
    }
    if resource_type == BROKER {
        return broker_configs(cluster, call.broker, name);
    }
    if resource_type != TOPIC {
        let message =
            format!("Settings of resources of type {resource_type} cannot be changed in this cluster");
        return Err((ErrorCode::INVALID_REQUEST, message));
    }
    if name.is_empty() {
        return Err((ErrorCode::INVALID_REQUEST, "Default topic resources are not allowed.".to_owned()));
    }
    match cluster.topics.get(name) {
        Some(topic) => Ok(topic.configs.clone()),
        None => Err((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("The topic '{name}' does not exist."))),
    }
}

/// Checks the settings and gives them to the topic, broker or group.
pub(super) fn replace_configs(
    cluster: &mut Cluster,
    resource_type: i8,
    name: &str,
    configs: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), Failure> {
    if resource_type == GROUP {
        return replace_group_configs(cluster, name, configs, validate_only);
    }
    if resource_type == BROKER {
        return replace_broker_configs(cluster, name, configs, validate_only);
    }
    for (name, value) in &configs {
        check_config(name, value).map_err(|message| (ErrorCode::INVALID_CONFIG, message))?;
    }
    if let Some(topic) = cluster.topics.get_mut(name).filter(|_| !validate_only) {
        topic.set_configs(configs);
    }
    Ok(())
}
