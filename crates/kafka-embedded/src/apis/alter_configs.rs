//! `AlterConfigs`: all settings of topics replaced; what is not named falls back to its default.

use std::collections::BTreeMap;

use kafka_core::protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_core::protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_core::protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::describe_configs::TOPIC;
use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::check_config;

/// Why settings were not changed.
pub(super) type Failure = (ErrorCode, String);

impl Api for AlterConfigsRequest {
    fn handle(self, cluster: &mut Cluster, _: &Call) -> Reply<AlterConfigsResponse> {
        let responses = self.resources.iter().map(|resource| {
            let done = alter(cluster, resource, self.validate_only);
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

fn alter(cluster: &mut Cluster, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), Failure> {
    topic_configs(cluster, resource.resource_type, &resource.resource_name)?;
    let mut configs = BTreeMap::new();
    for config in &resource.configs {
        let Some(value) = &config.value else {
            let message = format!("Null value not supported for : {}", config.name);
            return Err((ErrorCode::INVALID_REQUEST, message));
        };
        configs.insert(config.name.clone(), value.clone());
    }
    replace_configs(cluster, &resource.resource_name, configs, validate_only)
}

/// What is set for the topic now. Only topics have settings that change.
pub(super) fn topic_configs(
    cluster: &Cluster,
    resource_type: i8,
    name: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    if resource_type != TOPIC {
        let message =
            format!("Settings of resources of type {resource_type} cannot be changed in this cluster");
        return Err((ErrorCode::INVALID_REQUEST, message));
    }
    match cluster.topics.get(name) {
        Some(topic) => Ok(topic.configs.clone()),
        None => Err((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("The topic '{name}' does not exist."))),
    }
}

/// Checks the settings and gives them to the topic.
pub(super) fn replace_configs(
    cluster: &mut Cluster,
    name: &str,
    configs: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), Failure> {
    for (name, value) in &configs {
        check_config(name, value).map_err(|message| (ErrorCode::INVALID_CONFIG, message))?;
    }
    if let Some(topic) = cluster.topics.get_mut(name).filter(|_| !validate_only) {
        topic.set_configs(configs);
    }
    Ok(())
}
