use kafka_core::protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_core::protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_core::protocol::messages::{MetadataRequest, MetadataResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::{Result, validate_topic_name};

use crate::admin::{Admin, TopicResult, check, missing_answer, per_topic};

/// A topic as it stands in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicListing {
    /// The topic's name.
    pub name: String,
    /// The topic's id; `None` from brokers before 2.8.
    pub topic_id: Option<Uuid>,
    /// Whether it is one of Kafka's own, such as `__consumer_offsets`.
    pub internal: bool,
    /// How many partitions it has.
    pub partitions: usize,
}

/// A topic and its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicDescription {
    /// The topic's name.
    pub name: String,
    /// The topic's id; `None` from brokers before 2.8.
    pub topic_id: Option<Uuid>,
    /// Whether it is one of Kafka's own, such as `__consumer_offsets`.
    pub internal: bool,
    /// The partitions, by index.
    pub partitions: Vec<PartitionDescription>,
}

/// One partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionDescription {
    /// The partition's index.
    pub partition: i32,
    /// The broker that leads it; `None` while there is none.
    pub leader: Option<i32>,
    /// How often the leader has changed; -1 where the broker does not say.
    pub leader_epoch: i32,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync with the leader.
    pub isr: Vec<i32>,
    /// Those of them that are down.
    pub offline_replicas: Vec<i32>,
}

impl Admin {
    /// Lists all topics that the user may see, Kafka's own included, by name.
    ///
    /// # Errors
    /// Where no broker answers.
    pub async fn list_topics(&self) -> Result<Vec<TopicListing>> {
        let request =
            MetadataRequest { topics: None, allow_auto_topic_creation: false, ..Default::default() };
        let answer = self.call_any(move |_| request.clone()).await?;
        let mut topics: Vec<_> = answer
            .topics
            .into_iter()
            .filter(|topic| ErrorCode(topic.error_code) == ErrorCode::NONE)
            .map(|topic| TopicListing {
                name: topic.name.unwrap_or_default(),
                topic_id: known(topic.topic_id),
                internal: topic.is_internal,
                partitions: topic.partitions.len(),
            })
            .collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// Describes topics, each with its own outcome, in the order given. None is created by asking.
    ///
    /// # Errors
    /// Where no broker answers. A topic's own failure stands in its result.
    pub async fn describe_topics<S: AsRef<str>>(
        &self,
        topics: &[S],
    ) -> Result<Vec<TopicResult<TopicDescription>>> {
        let invalid: Vec<_> = topics.iter().map(|topic| validate_topic_name(topic.as_ref()).err()).collect();
        let valid = topics.iter().zip(&invalid).filter(|(_, error)| error.is_none());
        let names: Vec<_> = valid
            .map(|(topic, _)| MetadataRequestTopic {
                name: Some(topic.as_ref().to_owned()),
                ..Default::default()
            })
            .collect();
        let mut answer = MetadataResponse::default();
        if !names.is_empty() {
            let request = MetadataRequest {
                topics: Some(names),
                allow_auto_topic_creation: false,
                ..Default::default()
            };
            answer = self.call_any(move |_| request.clone()).await?;
        }
        Ok(per_topic(topics.iter().map(AsRef::as_ref), invalid, |name| {
            let found = answer.topics.iter().find(|topic| topic.name.as_deref() == Some(name));
            describe(name, found.ok_or_else(|| missing_answer(name))?)
        }))
    }

    /// Describes one topic.
    ///
    /// # Errors
    /// [`ErrorCode::UNKNOWN_TOPIC_OR_PARTITION`] if it is not there, and whatever else the broker refuses.
    pub async fn describe_topic(&self, topic: &str) -> Result<TopicDescription> {
        let results = self.describe_topics(&[topic]).await?;
        results.into_iter().next().map_or_else(|| Err(missing_answer(topic)), |outcome| outcome.result)
    }
}

fn describe(name: &str, topic: &MetadataResponseTopic) -> Result<TopicDescription> {
    check(topic.error_code, None).map_err(|error| error.with_topic(name))?;
    let mut partitions: Vec<_> = topic
        .partitions
        .iter()
        .map(|partition| PartitionDescription {
            partition: partition.partition_index,
            leader: (partition.leader_id >= 0).then_some(partition.leader_id),
            leader_epoch: partition.leader_epoch,
            replicas: partition.replica_nodes.clone(),
            isr: partition.isr_nodes.clone(),
            offline_replicas: partition.offline_replicas.clone(),
        })
        .collect();
    partitions.sort_by_key(|partition| partition.partition);
    Ok(TopicDescription {
        name: name.to_owned(),
        topic_id: known(topic.topic_id),
        internal: topic.is_internal,
        partitions,
    })
}

fn known(id: Uuid) -> Option<Uuid> {
    (id != Uuid::ZERO).then_some(id)
}
