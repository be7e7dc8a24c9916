use kafka_core::cluster::Lane;
use kafka_core::protocol::messages::IncrementalAlterConfigsRequest;
use kafka_core::protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_core::{Error, ErrorKind, Result};

use crate::admin::{Admin, check, moved};
use crate::topic_configs::validate_key;
use crate::{ConfigResource, ResourceResult};

/// Changes to the configs of one resource; what is not named stays as it is (KIP-339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfig {
    resource: ConfigResource,
    operations: Vec<(String, ConfigOperation)>,
    unchecked: bool,
}

/// What becomes of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOperation {
    /// It gets this value.
    Set(String),
    /// It goes back to its default.
    Delete,
    /// A list gets these entries too.
    Append(String),
    /// A list loses these entries.
    Subtract(String),
}

impl AlterConfig {
    /// No changes yet to the configs of `resource`.
    pub fn new(resource: ConfigResource) -> Self {
        Self { resource, operations: Vec::new(), unchecked: false }
    }

    /// No changes yet to the configs of a topic.
    pub fn topic(name: impl Into<String>) -> Self {
        Self::new(ConfigResource::Topic(name.into()))
    }

    /// No changes yet to the configs of a broker.
    pub fn broker(id: i32) -> Self {
        Self::new(ConfigResource::Broker(id))
    }

    /// Gives `key` a value.
    #[must_use]
    pub fn set(self, key: impl Into<String>, value: impl ToString) -> Self {
        self.operation(key, ConfigOperation::Set(value.to_string()))
    }

    /// Puts `key` back to its default.
    #[must_use]
    pub fn delete(self, key: impl Into<String>) -> Self {
        self.operation(key, ConfigOperation::Delete)
    }

    /// Adds entries to the list `key`.
    #[must_use]
    pub fn append(self, key: impl Into<String>, entries: impl Into<String>) -> Self {
        self.operation(key, ConfigOperation::Append(entries.into()))
    }

    /// Removes entries from the list `key`.
    #[must_use]
    pub fn subtract(self, key: impl Into<String>, entries: impl Into<String>) -> Self {
        self.operation(key, ConfigOperation::Subtract(entries.into()))
    }

    /// Leaves topic keys that this client does not know to the broker.
    #[must_use]
    pub fn allow_unknown_keys(mut self) -> Self {
        self.unchecked = true;
        self
    }

    fn operation(mut self, key: impl Into<String>, operation: ConfigOperation) -> Self {
        self.operations.push((key.into(), operation));
        self
    }

    fn validate(&self) -> Result<()> {
        self.resource.validate()?;
        let invalid =
            |message: String| Err(self.resource.add_to(Error::new(ErrorKind::InvalidInput, message)));
        if self.operations.is_empty() {
            return invalid(format!("no change to the configs of {} is named", self.resource));
        }
        for (index, (key, _)) in self.operations.iter().enumerate() {
            if key.is_empty() {
                return invalid("a config's key is empty".to_owned());
            }
            if self.operations.iter().take(index).any(|(earlier, _)| earlier == key) {
                return invalid(format!("`{key}` is changed twice in one request"));
            }
            // Brokers have hundreds of settings, more with plug-ins: only they can judge their own keys.
            if !self.unchecked && matches!(self.resource, ConfigResource::Topic(_)) {
                validate_key(key).map_err(|error| self.resource.add_to(error))?;
            }
        }
        Ok(())
    }

    fn to_wire(&self) -> AlterConfigsResource {
        let (resource_type, resource_name) = self.resource.to_wire();
        let configs = self.operations.iter().map(|(key, operation)| {
            let (config_operation, value) = match operation {
                ConfigOperation::Set(value) => (0, Some(value)),
                ConfigOperation::Delete => (1, None),
                ConfigOperation::Append(entries) => (2, Some(entries)),
                ConfigOperation::Subtract(entries) => (3, Some(entries)),
            };
            AlterableConfig { name: key.clone(), config_operation, value: value.cloned() }
        });
        AlterConfigsResource { resource_type, resource_name, configs: configs.collect() }
    }
}

impl Admin {
    /// Changes configs of topics and brokers, each resource with its own outcome, in the order given.
    ///
    /// A resource's changes are all made or none; each broker is asked for its own.
    ///
    /// # Cancel safety
    /// Dropping the future may leave each resource changed or not.
    pub async fn incremental_alter_configs(&self, changes: &[AlterConfig]) -> Vec<ResourceResult<()>> {
        self.alter(changes, false).await
    }

    /// Has the broker check changes as [`incremental_alter_configs`](Self::incremental_alter_configs) would, and makes
    /// none.
    pub async fn validate_alter_configs(&self, changes: &[AlterConfig]) -> Vec<ResourceResult<()>> {
        self.alter(changes, true).await
    }

    async fn alter(&self, changes: &[AlterConfig], validate_only: bool) -> Vec<ResourceResult<()>> {
        let mut results = Vec::with_capacity(changes.len());
        for change in changes {
            let result = self.alter_one(change, validate_only).await;
            results.push(ResourceResult { resource: change.resource.clone(), result });
        }
        results
    }

    async fn alter_one(&self, change: &AlterConfig, validate_only: bool) -> Result<()> {
        change.validate()?;
        let request = IncrementalAlterConfigsRequest { resources: vec![change.to_wire()], validate_only };
        let answer = match change.resource.broker() {
            Some(broker) => self.client().call(broker, Lane::Admin, self.options(), move |_| request).await?,
            None => {
                self.client()
                    .call_controller(
                        self.options(),
                        move |_| request.clone(),
                        |answer| moved(answer.responses.iter().map(|part| part.error_code)),
                    )
                    .await?
            }
        };
        let missing = || {
            Error::new(
                ErrorKind::Malformed,
                format!("the broker's answer does not mention {}", change.resource),
            )
        };
        let response = answer.responses.first().ok_or_else(missing)?;
        check(response.error_code, response.error_message.as_deref())
            .map_err(|error| change.resource.add_to(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_make_no_sense_are_refused_before_they_are_sent() {
        let cases = [
            (AlterConfig::topic("t"), "no change"),
            (AlterConfig::topic("a b").set("retention.ms", 1), "not a valid topic name"),
            (AlterConfig::topic("t").set("retention.m", 1), "did you mean `retention.ms`?"),
            (AlterConfig::topic("t").set("retention.ms", 1).delete("retention.ms"), "changed twice"),
            (AlterConfig::broker(-1).set("log.retention.ms", 1), "not a broker id"),
            (AlterConfig::broker(1).set("", 1), "key is empty"),
        ];
        for (change, reason) in cases {
            let error = change.validate().unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert!(AlterConfig::broker(1).append("listeners", "x").validate().is_ok());
    }

    #[test]
    fn operations_have_the_numbers_of_the_wire() {
        let change = AlterConfig::topic("t").set("a", 1).delete("b").append("c", "x").subtract("d", "y");
        let wire: Vec<_> =
            change.to_wire().configs.into_iter().map(|c| (c.config_operation, c.value)).collect();
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(wire, [(0, text("1")), (1, None), (2, text("x")), (3, text("y"))]);
    }
}
