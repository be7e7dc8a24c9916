//! `IncrementalAlterConfigs`: single settings of topics, brokers and groups set, deleted, or changed as lists (KIP-339).

use std::collections::BTreeMap;

use kafka_core::protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_core::protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_core::protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::alter_configs::{Failure, current_configs, replace_configs};
use super::describe_configs::{TOPIC, check};
use crate::access::AclOperation;
use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::{ConfigKind, TOPIC_CONFIGS};

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

impl Api for IncrementalAlterConfigsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<IncrementalAlterConfigsResponse> {
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
        Reply::Now(IncrementalAlterConfigsResponse { responses, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> IncrementalAlterConfigsResponse {
        let responses = self
            .resources
            .iter()
            .map(|resource| response(resource, Some((code, code.description().to_owned()))));
        IncrementalAlterConfigsResponse { responses: responses.collect(), ..Default::default() }
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
    let mut configs = current_configs(cluster, call, resource.resource_type, &resource.resource_name)?;
    for (place, config) in resource.configs.iter().enumerate() {
        if resource.configs.iter().take(place).any(|other| other.name == config.name) {
            let message = format!("Error due to duplicate config keys: {}", config.name);
            return Err((ErrorCode::INVALID_REQUEST, message));
        }
        change(&mut configs, config)?;
    }
    replace_configs(cluster, resource.resource_type, &resource.resource_name, configs, validate_only)
}

fn change(configs: &mut BTreeMap<String, String>, config: &AlterableConfig) -> Result<(), Failure> {
    let name = &config.name;
    if config.config_operation == DELETE {
        configs.remove(name);
        return Ok(());
    }
    let Some(value) = &config.value else {
        let message = format!("Null value not supported for : {name}");
        return Err((ErrorCode::INVALID_REQUEST, message));
    };
    match config.config_operation {
        SET => {
            configs.insert(name.clone(), value.clone());
        }
        APPEND | SUBTRACT => {
            let known = TOPIC_CONFIGS.iter().find(|known| known.name == name);
            let Some(known) =
                known.filter(|known| matches!(known.kind, ConfigKind::ListOf(_) | ConfigKind::Replicas))
            else {
                let message = format!("Can't append or subtract to key {name} because its type is not LIST.");
                return Err((ErrorCode::INVALID_CONFIG, message));
            };
            let current = configs.get(name).map_or(known.default, String::as_str);
            let mut words: Vec<&str> = current.split(',').filter(|word| !word.is_empty()).collect();
            for word in value.split(',') {
                words.retain(|have| *have != word);
                if config.config_operation == APPEND {
                    words.push(word);
                }
            }
            let changed = words.join(",");
            configs.insert(name.clone(), changed);
        }
        other => return Err((ErrorCode::INVALID_REQUEST, format!("Unknown operation type {other}"))),
    }
    Ok(())
}
