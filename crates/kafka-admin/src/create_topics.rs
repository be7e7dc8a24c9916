use std::collections::HashSet;
use std::fmt;

use kafka_core::protocol::messages::CreateTopicsRequest;
use kafka_core::protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_core::protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::{Error, ErrorKind, Result};

use crate::admin::{Admin, TopicResult, check, missing_answer, moved, per_topic};
use crate::{ConfigResource, NewTopic, TopicDescription};

/// A topic as the broker created it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedTopic {
    /// The topic's id; `None` from brokers before 2.8, and where the topic was only validated.
    pub topic_id: Option<Uuid>,
    /// How many partitions it has; `None` where the broker does not say.
    pub partitions: Option<i32>,
    /// How many brokers hold each partition; `None` where the broker does not say.
    pub replication_factor: Option<i16>,
}

/// What [`Admin::create_topic_if_absent`] found or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The topic was not there, and is now.
    New(CreatedTopic),
    /// The topic was there, with all that was asked for.
    Same,
    /// The topic was there, with another shape; nothing was changed.
    Other(Vec<Difference>),
}

/// How a topic differs from what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// Another number of partitions.
    Partitions {
        /// As asked for.
        wanted: i32,
        /// As it is.
        found: i32,
    },
    /// Another number of replicas of a partition.
    ReplicationFactor {
        /// The first partition that differs.
        partition: i32,
        /// As asked for.
        wanted: i16,
        /// As it is.
        found: usize,
    },
    /// Other brokers hold a partition.
    Replicas {
        /// The partition.
        partition: i32,
        /// As asked for.
        wanted: Vec<i32>,
        /// As it is.
        found: Vec<i32>,
    },
    /// Another value of a config.
    Config {
        /// The config's key.
        key: String,
        /// As asked for.
        wanted: String,
        /// As it is; `None` where the broker does not know the key or hides the value.
        found: Option<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partitions { wanted, found } => write!(f, "{found} partitions, not {wanted}"),
            Self::ReplicationFactor { partition, wanted, found } => {
                write!(f, "{found} replicas of partition {partition}, not {wanted}")
            }
            Self::Replicas { partition, wanted, found } => {
                write!(f, "partition {partition} on brokers {found:?}, not {wanted:?}")
            }
            Self::Config { key, wanted, found: Some(found) } => write!(f, "{key}={found}, not {wanted}"),
            Self::Config { key, wanted, found: None } => write!(f, "{key} is not shown, not {wanted}"),
        }
    }
}

impl Admin {
    /// Creates topics, each with its own outcome, in the order given.
    ///
    /// Topics that are not valid get their error without being sent; the others are sent in one request.
    ///
    /// # Errors
    /// Where no broker could be asked. A topic's own failure stands in its result.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the topics created or not.
    pub async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicResult<CreatedTopic>>> {
        self.create(topics, false).await
    }

    /// Has the broker check topics as [`create_topics`](Self::create_topics) would, and creates none (`validate_only`).
    ///
    /// # Errors
    /// As of [`create_topics`](Self::create_topics).
    pub async fn validate_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicResult<CreatedTopic>>> {
        self.create(topics, true).await
    }

    /// Creates one topic.
    ///
    /// # Errors
    /// [`ErrorCode::TOPIC_ALREADY_EXISTS`] if it is there, and whatever else the broker refuses.
    pub async fn create_topic(&self, topic: &NewTopic) -> Result<CreatedTopic> {
        let results = self.create(std::slice::from_ref(topic), false).await?;
        results.into_iter().next().map_or_else(|| Err(missing_answer(&topic.name)), |outcome| outcome.result)
    }

    /// Creates a topic unless it is there, and says whether what is there has the shape that was asked for.
    ///
    /// Only what `topic` names is compared: a count or a config that it leaves to the broker differs from nothing.
    ///
    /// # Errors
    /// As of [`create_topic`](Self::create_topic), except that a topic that exists is none.
    pub async fn create_topic_if_absent(&self, topic: &NewTopic) -> Result<Created> {
        match self.create_topic(topic).await {
            Ok(created) => Ok(Created::New(created)),
            Err(error) if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {
                let differences = self.compare(topic).await?;
                Ok(if differences.is_empty() { Created::Same } else { Created::Other(differences) })
            }
            Err(error) => Err(error),
        }
    }

    async fn create(
        &self,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> Result<Vec<TopicResult<CreatedTopic>>> {
        let mut seen = HashSet::new();
        let invalid: Vec<_> = topics
            .iter()
            .map(|topic| match topic.validate() {
                // Brokers refuse both of two topics with one name; here the first one goes on.
                Ok(()) if !seen.insert(&topic.name) => Some(
                    Error::new(ErrorKind::InvalidInput, "the topic is named twice in one request")
                        .with_topic(&topic.name),
                ),
                checked => checked.err(),
            })
            .collect();
        let valid = topics.iter().zip(&invalid).filter(|(_, error)| error.is_none());
        let wanted: Vec<_> = valid.map(|(topic, _)| to_wire(topic)).collect();
        let mut answers = Vec::new();
        if !wanted.is_empty() {
            let timeout_ms = self.timeout_ms();
            let request = CreateTopicsRequest { topics: wanted, timeout_ms, validate_only };
            answers = self
                .client()
                .call_controller(
                    self.options(),
                    move |_| request.clone(),
                    |answer| moved(answer.topics.iter().map(|part| part.error_code)),
                )
                .await?
                .topics;
        }
        let names = topics.iter().map(|topic| topic.name.as_str());
        Ok(per_topic(names, invalid, |name| outcome(name, &answers, validate_only)))
    }

    async fn compare(&self, topic: &NewTopic) -> Result<Vec<Difference>> {
        let found = self.describe_topic(&topic.name).await?;
        let mut differences = compare_shape(topic, &found);
        if !topic.configs.is_empty() {
            let configs = self.describe_config(&ConfigResource::Topic(topic.name.clone())).await?;
            differences.extend(topic.configs.iter().filter_map(|(key, wanted)| {
                let found = configs.get(key).and_then(|entry| entry.value.clone());
                (found.as_deref() != Some(wanted)).then(|| Difference::Config {
                    key: key.to_owned(),
                    wanted: wanted.to_owned(),
                    found,
                })
            }));
        }
        Ok(differences)
    }
}

fn to_wire(topic: &NewTopic) -> CreatableTopic {
    // An explicit assignment goes with -1 for both counts, which also stand for the broker's defaults.
    CreatableTopic {
        name: topic.name.clone(),
        num_partitions: topic.partitions.unwrap_or(-1),
        replication_factor: topic.replication_factor.unwrap_or(-1),
        assignments: topic
            .replica_assignment
            .iter()
            .map(|(partition, brokers)| CreatableReplicaAssignment {
                partition_index: *partition,
                broker_ids: brokers.clone(),
            })
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|(key, value)| CreatableTopicConfig { name: key.to_owned(), value: Some(value.to_owned()) })
            .collect(),
    }
}

fn outcome(name: &str, answers: &[CreatableTopicResult], validate_only: bool) -> Result<CreatedTopic> {
    let answer = answers.iter().find(|answer| answer.name == name).ok_or_else(|| missing_answer(name))?;
    check(answer.error_code, answer.error_message.as_deref()).map_err(|error| error.with_topic(name))?;
    Ok(CreatedTopic {
        topic_id: (!validate_only && answer.topic_id != Uuid::ZERO).then_some(answer.topic_id),
        partitions: (answer.num_partitions >= 0).then_some(answer.num_partitions),
        replication_factor: (answer.replication_factor >= 0).then_some(answer.replication_factor),
    })
}

fn compare_shape(topic: &NewTopic, found: &TopicDescription) -> Vec<Difference> {
    let mut differences = Vec::new();
    let count = i32::try_from(found.partitions.len()).unwrap_or(i32::MAX);
    if let Some(wanted) = topic.wanted_partitions().filter(|wanted| *wanted != count) {
        differences.push(Difference::Partitions { wanted, found: count });
    }
    if let Some(wanted) = topic.replication_factor {
        let other = found.partitions.iter().find(|p| i16::try_from(p.replicas.len()) != Ok(wanted));
        differences.extend(other.map(|p| Difference::ReplicationFactor {
            partition: p.partition,
            wanted,
            found: p.replicas.len(),
        }));
    }
    for partition in &found.partitions {
        if let Some(wanted) = topic.replica_assignment.get(&partition.partition)
            && *wanted != partition.replicas
        {
            differences.push(Difference::Replicas {
                partition: partition.partition,
                wanted: wanted.clone(),
                found: partition.replicas.clone(),
            });
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PartitionDescription;

    fn found(replicas: &[&[i32]]) -> TopicDescription {
        let partitions = (0..).zip(replicas).map(|(partition, replicas)| PartitionDescription {
            partition,
            leader: replicas.first().copied(),
            leader_epoch: 0,
            replicas: replicas.to_vec(),
            isr: replicas.to_vec(),
            offline_replicas: Vec::new(),
        });
        TopicDescription {
            name: "t".into(),
            topic_id: None,
            internal: false,
            partitions: partitions.collect(),
        }
    }

    #[test]
    fn only_what_was_asked_for_is_compared() {
        assert_eq!(compare_shape(&NewTopic::new("t"), &found(&[&[1, 2], &[2, 1]])), []);
        assert_eq!(compare_shape(&NewTopic::new("t").partitions(1), &found(&[&[1]])), []);
    }

    #[test]
    fn each_difference_is_named() {
        let wanted = NewTopic::new("t").partitions(3).replication_factor(2);
        assert_eq!(
            compare_shape(&wanted, &found(&[&[1, 2], &[2]])),
            [
                Difference::Partitions { wanted: 3, found: 2 },
                Difference::ReplicationFactor { partition: 1, wanted: 2, found: 1 },
            ]
        );
        let wanted = NewTopic::new("t").assign_replicas(0, [2, 1]);
        assert_eq!(
            compare_shape(&wanted, &found(&[&[1, 2]])),
            [Difference::Replicas { partition: 0, wanted: vec![2, 1], found: vec![1, 2] }]
        );
    }

    #[test]
    fn a_topic_that_the_broker_does_not_mention_is_an_error_of_that_topic() {
        let error = outcome("t", &[], false).unwrap_err();
        assert_eq!(error.topic(), Some("t"));
    }
}
