//! `DescribeConfigs`: the settings of topics and brokers, and where each comes from.

use std::collections::BTreeMap;

use kafka_core::protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_core::protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_core::protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::validate_topic_name;

use super::broker_configs::{broker_entries, default_broker_entries};
use super::group_configs::group_entries;
use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::TOPIC_CONFIGS;

/// A resource's type in requests.
pub(super) const TOPIC: i8 = 2;
/// A resource's type in requests.
pub(super) const BROKER: i8 = 4;

/// A resource's type in requests.
pub(super) const GROUP: i8 = 32;

/// Where a value comes from: it was set for the topic.
const DYNAMIC_TOPIC_CONFIG: i8 = 1;
/// Where a value comes from: it is in the broker's settings.
pub(super) const STATIC_BROKER_CONFIG: i8 = 4;
/// Where a value comes from: nobody set it.
pub(super) const DEFAULT_CONFIG: i8 = 5;

/// One setting as it is described.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) source: i8,
    pub(super) kind: i8,
    pub(super) read_only: bool,
    /// What the value in effect is called where it comes from; nothing where it was never set anywhere.
    pub(super) called: Option<&'static str>,
    /// The values that it would have without the one in effect: what each is called, and where it comes from.
    pub(super) beneath: Vec<(&'static str, String, i8)>,
}

impl Api for DescribeConfigsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeConfigsResponse> {
        let results = self.resources.iter().map(|resource| match entries(cluster, call, resource) {
            Ok(entries) => described(resource, entries, self.include_synonyms),
            Err((code, message)) => failed(resource, code, message),
        });
        Reply::Now(DescribeConfigsResponse { results: results.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeConfigsResponse {
        let results =
            self.resources.iter().map(|resource| failed(resource, code, code.description().to_owned()));
        DescribeConfigsResponse { results: results.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let topics = self.resources.iter().filter(|resource| resource.resource_type == TOPIC);
        topics.map(|resource| (resource.resource_name.as_str(), Uuid::ZERO)).collect()
    }
}

/// Whether who asks may do this with the settings of a resource.
pub(super) fn check(
    cluster: &Cluster,
    call: &Call,
    operation: AclOperation,
    resource_type: i8,
    name: &str,
) -> Result<(), (ErrorCode, String)> {
    let resource = match resource_type {
        TOPIC => Resource::Topic(name),
        GROUP => Resource::Group(name),
        _ => Resource::Cluster,
    };
    let checked = cluster.check(call, operation, resource);
    checked.map_err(|code| (code, code.description().to_owned()))
}

fn failed(resource: &DescribeConfigsResource, code: ErrorCode, message: String) -> DescribeConfigsResult {
    DescribeConfigsResult {
        error_code: code.0,
        error_message: Some(message),
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        configs: Vec::new(),
    }
}

fn entries(
    cluster: &Cluster,
    call: &Call,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Entry>, (ErrorCode, String)> {
    let name = &resource.resource_name;
    check(cluster, call, AclOperation::DescribeConfigs, resource.resource_type, name)?;
    match resource.resource_type {
        TOPIC => match cluster.topics.get(name) {
            Some(topic) => Ok(topic_entries(&topic.configs)),
            None => match validate_topic_name(name) {
                Ok(()) => Err((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, String::new())),
                Err(error) => Err((ErrorCode::INVALID_TOPIC_EXCEPTION, error.to_string())),
            },
        },
        BROKER if name.is_empty() => Ok(default_broker_entries(cluster)),
        BROKER if *name == call.broker.to_string() => Ok(broker_entries(cluster, call.broker)),
        BROKER => Err((
            ErrorCode::INVALID_REQUEST,
            format!("Unexpected broker id, expected {} or empty string, but received {name}", call.broker),
        )),
        GROUP if name.is_empty() => {
            Err((ErrorCode::INVALID_REQUEST, "Group name must not be empty".to_owned()))
        }
        GROUP => Ok(group_entries(cluster, name)),
        other => Err((ErrorCode::INVALID_REQUEST, format!("Unsupported resource type: {other}"))),
    }
}

fn described(
    resource: &DescribeConfigsResource,
    entries: Vec<Entry>,
    synonyms: bool,
) -> DescribeConfigsResult {
    let wanted = |entry: &Entry| {
        let keys = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
        keys.is_none_or(|keys| keys.iter().any(|key| key == entry.name))
    };
    let configs = entries.into_iter().filter(wanted).map(|entry| {
        let synonyms = if synonyms { synonyms_of(&entry) } else { Vec::new() };
        DescribeConfigsResourceResult {
            name: entry.name.to_owned(),
            value: Some(entry.value),
            read_only: entry.read_only,
            config_source: entry.source,
            is_sensitive: false,
            synonyms,
            config_type: entry.kind,
            documentation: None,
        }
    });
    DescribeConfigsResult {
        error_code: 0,
        error_message: Some(String::new()),
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        configs: configs.collect(),
    }
}

/// All settings of a topic that has the given ones of its own.
pub(super) fn topic_entries(configs: &BTreeMap<String, String>) -> Vec<Entry> {
    let entries = TOPIC_CONFIGS.iter().map(|config| {
        let own = configs.get(config.name);
        Entry {
            name: config.name,
            value: own.cloned().unwrap_or_else(|| config.default.to_owned()),
            source: if own.is_some() { DYNAMIC_TOPIC_CONFIG } else { DEFAULT_CONFIG },
            kind: config.kind.code(),
            read_only: false,
            called: own.map_or(config.of_brokers, |_| Some(config.name)),
            beneath: own
                .and(config.of_brokers)
                .map(|name| (name, config.default.to_owned(), DEFAULT_CONFIG))
                .into_iter()
                .collect(),
        }
    });
    entries.collect()
}

/// The value that the setting has, and those that it would have without it.
fn synonyms_of(entry: &Entry) -> Vec<DescribeConfigsSynonym> {
    let in_effect = entry.called.iter().map(|name| (*name, &entry.value, entry.source));
    let beneath = entry.beneath.iter().map(|(name, value, source)| (*name, value, *source));
    let synonyms = in_effect.chain(beneath).map(|(name, value, source)| DescribeConfigsSynonym {
        name: name.to_owned(),
        value: Some(value.clone()),
        source,
    });
    synonyms.collect()
}
