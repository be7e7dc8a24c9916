use kafka_core::cluster::Lane;
use kafka_core::protocol::messages::DescribeConfigsRequest;
use kafka_core::protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_core::protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_core::{Error, ErrorKind, Result};

use crate::admin::{Admin, check};
use crate::{ConfigResource, ResourceResult};

/// The configs of one resource, by key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceConfigs {
    /// The configs, sorted by key.
    pub entries: Vec<ConfigEntry>,
}

/// One config of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigEntry {
    /// The key, in Kafka's dotted spelling.
    pub key: String,
    /// The value in force; `None` where it is sensitive or not set.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it can be changed at all.
    pub read_only: bool,
    /// Whether brokers hide the value.
    pub sensitive: bool,
    /// The values it would have without those before, the one in force first.
    pub synonyms: Vec<ConfigSynonym>,
}

/// A value that a config has, or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigSynonym {
    /// The key at that place, such as the broker's `log.retention.ms` for a topic's `retention.ms`.
    pub key: String,
    /// The value; `None` where it is sensitive or not set.
    pub value: Option<String>,
    /// The place.
    pub source: ConfigSource,
}

/// Where a config's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigSource {
    /// Set for this topic.
    Topic,
    /// Set for this broker while it runs.
    DynamicBroker,
    /// Set for all brokers while they run.
    DynamicDefaultBroker,
    /// In the broker's properties file.
    StaticBroker,
    /// Kafka's own default.
    Default,
    /// Set for this broker's loggers.
    DynamicBrokerLogger,
    /// A place that this client does not know, by the wire's number.
    Other(i8),
}

impl ConfigSource {
    fn from_wire(source: i8) -> Self {
        match source {
            1 => Self::Topic,
            2 => Self::DynamicBroker,
            3 => Self::DynamicDefaultBroker,
            4 => Self::StaticBroker,
            5 => Self::Default,
            6 => Self::DynamicBrokerLogger,
            other => Self::Other(other),
        }
    }
}

impl ResourceConfigs {
    /// The config with this key.
    pub fn get(&self, key: &str) -> Option<&ConfigEntry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Admin {
    /// Describes the configs of topics and brokers, each with its own outcome, in the order given.
    ///
    /// Each broker is asked for its own configs, so one that is down fails alone.
    pub async fn describe_configs(
        &self,
        resources: &[ConfigResource],
    ) -> Vec<ResourceResult<ResourceConfigs>> {
        let mut results = Vec::with_capacity(resources.len());
        for resource in resources {
            let result = self.describe_config(resource).await;
            results.push(ResourceResult { resource: resource.clone(), result });
        }
        results
    }

    /// Describes the configs of one topic or broker.
    ///
    /// # Errors
    /// Where the broker cannot be asked or refuses.
    pub async fn describe_config(&self, resource: &ConfigResource) -> Result<ResourceConfigs> {
        resource.validate()?;
        let (resource_type, resource_name) = resource.to_wire();
        let wanted = DescribeConfigsResource { resource_type, resource_name, configuration_keys: None };
        let request =
            DescribeConfigsRequest { resources: vec![wanted], include_synonyms: true, ..Default::default() };
        let answer = match resource.broker() {
            Some(broker) => self.client().call(broker, Lane::Admin, self.options(), move |_| request).await?,
            None => self.call_any(move |_| request.clone()).await?,
        };
        let missing =
            || Error::new(ErrorKind::Malformed, format!("the broker's answer does not mention {resource}"));
        let result = answer.results.into_iter().next().ok_or_else(missing)?;
        from_wire(resource, result)
    }
}

fn from_wire(resource: &ConfigResource, result: DescribeConfigsResult) -> Result<ResourceConfigs> {
    check(result.error_code, result.error_message.as_deref()).map_err(|error| resource.add_to(error))?;
    let mut entries: Vec<_> = result.configs.into_iter().map(entry).collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(ResourceConfigs { entries })
}

fn entry(config: DescribeConfigsResourceResult) -> ConfigEntry {
    let synonym = |synonym: DescribeConfigsSynonym| ConfigSynonym {
        key: synonym.name,
        value: synonym.value,
        source: ConfigSource::from_wire(synonym.source),
    };
    ConfigEntry {
        key: config.name,
        value: config.value,
        source: ConfigSource::from_wire(config.config_source),
        read_only: config.read_only,
        sensitive: config.is_sensitive,
        synonyms: config.synonyms.into_iter().map(synonym).collect(),
    }
}
