use kafka_core::protocol::messages::CreatePartitionsRequest;
use kafka_core::protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_core::{Error, ErrorKind, Result, validate_topic_name};

use crate::admin::{Admin, TopicResult, check, missing_answer, moved, per_topic};

/// A topic that is to have more partitions.
///
/// Records with a key may land in another partition than before, since the partition follows from their number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewPartitions {
    /// The topic's name.
    pub topic: String,
    /// How many partitions the topic has afterwards, the present ones included.
    pub total: i32,
    /// The brokers of each new partition, in order; empty leaves it to the cluster.
    pub assignments: Vec<Vec<i32>>,
}

impl NewPartitions {
    /// `topic` is to have `total` partitions, placed by the cluster.
    pub fn new(topic: impl Into<String>, total: i32) -> Self {
        Self { topic: topic.into(), total, assignments: Vec::new() }
    }

    /// Names the brokers that hold the next new partition, the preferred leader first.
    #[must_use]
    pub fn assign_replicas(mut self, brokers: impl Into<Vec<i32>>) -> Self {
        self.assignments.push(brokers.into());
        self
    }

    fn validate(&self) -> Result<()> {
        validate_topic_name(&self.topic)?;
        if self.total < 1 {
            let message = format!("a topic cannot have {} partitions: give the total afterwards", self.total);
            return Err(Error::new(ErrorKind::InvalidInput, message).with_topic(&self.topic));
        }
        Ok(())
    }

    fn to_wire(&self) -> CreatePartitionsTopic {
        let assignment = |brokers: &Vec<i32>| CreatePartitionsAssignment { broker_ids: brokers.clone() };
        CreatePartitionsTopic {
            name: self.topic.clone(),
            count: self.total,
            assignments: (!self.assignments.is_empty())
                .then(|| self.assignments.iter().map(assignment).collect()),
        }
    }
}

impl Admin {
    /// Adds partitions to topics, each with its own outcome, in the order given.
    ///
    /// # Errors
    /// Where no broker could be asked. A topic's own failure stands in its result.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the partitions created or not.
    pub async fn create_partitions(&self, topics: &[NewPartitions]) -> Result<Vec<TopicResult<()>>> {
        self.add_partitions(topics, false).await
    }

    /// Has the broker check what [`create_partitions`](Self::create_partitions) would do, and changes nothing.
    ///
    /// # Errors
    /// As of [`create_partitions`](Self::create_partitions).
    pub async fn validate_partitions(&self, topics: &[NewPartitions]) -> Result<Vec<TopicResult<()>>> {
        self.add_partitions(topics, true).await
    }

    async fn add_partitions(
        &self,
        topics: &[NewPartitions],
        validate_only: bool,
    ) -> Result<Vec<TopicResult<()>>> {
        let invalid: Vec<_> = topics.iter().map(|topic| topic.validate().err()).collect();
        let valid = topics.iter().zip(&invalid).filter(|(_, error)| error.is_none());
        let wanted: Vec<_> = valid.map(|(topic, _)| topic.to_wire()).collect();
        let mut answers = Vec::new();
        if !wanted.is_empty() {
            let timeout_ms = self.timeout_ms();
            let request = CreatePartitionsRequest { topics: wanted, timeout_ms, validate_only };
            answers = self
                .client()
                .call_controller(
                    self.options(),
                    move |_| request.clone(),
                    |answer| moved(answer.results.iter().map(|part| part.error_code)),
                )
                .await?
                .results;
        }
        Ok(per_topic(topics.iter().map(|topic| topic.topic.as_str()), invalid, |name| {
            let answer =
                answers.iter().find(|answer| answer.name == name).ok_or_else(|| missing_answer(name))?;
            check(answer.error_code, answer.error_message.as_deref()).map_err(|error| error.with_topic(name))
        }))
    }
}
