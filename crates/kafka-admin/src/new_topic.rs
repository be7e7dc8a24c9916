use std::collections::BTreeMap;

use kafka_core::{Error, ErrorKind, Result, validate_topic_name};

use crate::TopicConfigs;

/// A topic to be created.
///
/// ```
/// use kafka_admin::{NewTopic, TopicConfigs};
///
/// let topic = NewTopic::new("analytics-events")
///     .partitions(6)
///     .replication_factor(3)
///     .configs(TopicConfigs::production());
/// assert!(topic.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewTopic {
    /// The topic's name.
    pub name: String,
    /// How many partitions; `None` leaves the broker's `num.partitions`.
    pub partitions: Option<i32>,
    /// How many brokers hold each partition; `None` leaves the broker's `default.replication.factor`.
    pub replication_factor: Option<i16>,
    /// The brokers that hold each partition, the preferred leader first; empty leaves it to the cluster.
    pub replica_assignment: BTreeMap<i32, Vec<i32>>,
    /// The topic's own settings.
    pub configs: TopicConfigs,
}

impl NewTopic {
    /// A topic with the broker's defaults for all but its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partitions: None,
            replication_factor: None,
            replica_assignment: BTreeMap::new(),
            configs: TopicConfigs::new(),
        }
    }

    /// How many partitions the topic gets.
    #[must_use]
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// How many brokers hold each partition.
    #[must_use]
    pub fn replication_factor(mut self, replicas: i16) -> Self {
        self.replication_factor = Some(replicas);
        self
    }

    /// Names the brokers that hold `partition`, the preferred leader first. All partitions or none must be named, and
    /// neither [`partitions`](Self::partitions) nor [`replication_factor`](Self::replication_factor) goes with it.
    #[must_use]
    pub fn assign_replicas(mut self, partition: i32, brokers: impl Into<Vec<i32>>) -> Self {
        self.replica_assignment.insert(partition, brokers.into());
        self
    }

    /// Sets one of the topic's own settings.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.configs = self.configs.set(key, value);
        self
    }

    /// Replaces all of the topic's own settings.
    #[must_use]
    pub fn configs(mut self, configs: TopicConfigs) -> Self {
        self.configs = configs;
        self
    }

    /// Checks what can be checked without a broker.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], with the topic and what is wrong.
    pub fn validate(&self) -> Result<()> {
        validate_topic_name(&self.name)?;
        self.configs.validate().map_err(|error| error.with_topic(&self.name))?;
        let invalid = |what: String| Err(Error::new(ErrorKind::InvalidInput, what).with_topic(&self.name));
        if let Some(partitions) = self.partitions.filter(|n| *n < 1) {
            return invalid(format!("a topic needs at least 1 partition, not {partitions}"));
        }
        if let Some(replicas) = self.replication_factor.filter(|n| *n < 1) {
            return invalid(format!("the replication factor must be at least 1, not {replicas}"));
        }
        if self.replica_assignment.is_empty() {
            return Ok(());
        }
        if self.partitions.is_some() || self.replication_factor.is_some() {
            return invalid(
                "an explicit replica assignment already says how many partitions and replicas there are: \
                 leave `partitions` and `replication_factor` out"
                    .to_owned(),
            );
        }
        for (expected, (partition, brokers)) in (0..).zip(&self.replica_assignment) {
            if *partition != expected {
                return invalid(format!("the replica assignment skips partition {expected}"));
            }
            let mut distinct = brokers.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if brokers.is_empty() || distinct.len() != brokers.len() {
                return invalid(format!(
                    "partition {partition} needs one or more different brokers, not {brokers:?}"
                ));
            }
        }
        Ok(())
    }

    /// How many partitions are asked for, whichever way.
    pub(crate) fn wanted_partitions(&self) -> Option<i32> {
        match self.replica_assignment.len() {
            0 => self.partitions,
            n => i32::try_from(n).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_topic_is_refused_before_it_is_sent() {
        let cases = [
            (NewTopic::new("a b"), "not a valid topic name"),
            (NewTopic::new("t").partitions(0), "at least 1 partition"),
            (NewTopic::new("t").replication_factor(-1), "at least 1, not -1"),
            (NewTopic::new("t").config("retention.sm", 1), "did you mean `retention.ms`?"),
            (NewTopic::new("t").partitions(2).assign_replicas(0, [1]), "leave `partitions`"),
            (NewTopic::new("t").assign_replicas(1, [1]), "skips partition 0"),
            (NewTopic::new("t").assign_replicas(0, [1, 1]), "different brokers"),
            (NewTopic::new("t").assign_replicas(0, []), "different brokers"),
        ];
        for (topic, reason) in cases {
            let error = topic.validate().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
