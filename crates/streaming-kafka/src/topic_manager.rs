use kafka_admin::{Admin, Created, NewPartitions, NewTopic, TopicConfigs, TopicDescription, TopicListing};
use kafka_core::cluster::Client;

use crate::{Error, KafkaConfig, Result};

/// Creates and looks after the system's topics. Cheap to clone.
///
/// ```no_run
/// use streaming_kafka::{KafkaConfig, KafkaTopicManager, TopicConfigs};
///
/// # async fn example() -> streaming_kafka::Result<()> {
/// let topics = KafkaTopicManager::new(&KafkaConfig::from_env()?)?;
/// let configs = TopicConfigs::from_iter([
///     ("cleanup.policy", "delete"),
///     ("retention.ms", "604800000"),
///     ("compression.type", "gzip"),
///     ("min.insync.replicas", "2"),
/// ]);
/// topics.create_topic("analytics-events", 6, 3, configs).await?;
/// # Ok(())
/// # }
/// ```
///
/// For what is not here, such as the configs of topics that exist, see [`admin`](Self::admin).
#[derive(Clone, Debug)]
pub struct KafkaTopicManager {
    admin: Admin,
    config: KafkaConfig,
}

/// What came of one of several topics.
#[derive(Debug)]
#[non_exhaustive]
pub struct TopicOutcome {
    /// The topic's name.
    pub topic: String,
    /// Whether it was created, was there, or was there with another shape.
    pub result: Result<Created>,
}

impl KafkaTopicManager {
    /// A manager of the topics of the cluster that `config` names. Nothing is connected to until the first call.
    ///
    /// Each call may take as long as the producer's `request.timeout.ms`.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is not right; [`Error::Kafka`] outside of a tokio runtime.
    pub fn new(config: &KafkaConfig) -> Result<Self> {
        let (client, producer) = config.producer_settings()?;
        let admin = Admin::new(Client::new(client)?).with_timeout(producer.request_timeout);
        Ok(Self { admin, config: config.clone() })
    }

    /// As [`new`](Self::new), set up from the environment.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is not right.
    pub fn from_env() -> Result<Self> {
        Self::new(&KafkaConfig::from_env()?)
    }

    /// Creates a topic unless it is there, and says which; of a topic that is there nothing is changed.
    ///
    /// # Errors
    /// The name, a count or a config is not valid, or the broker refuses.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the topic created or not.
    pub async fn create_topic(
        &self,
        topic_name: &str,
        num_partitions: i32,
        replication_factor: i16,
        config: TopicConfigs,
    ) -> Result<Created> {
        let topic = NewTopic::new(topic_name)
            .partitions(num_partitions)
            .replication_factor(replication_factor)
            .configs(config);
        Ok(self.admin.create_topic_if_absent(&topic).await?)
    }

    /// Creates the topics of events, metrics, alerts and predictions, each unless it is there, as
    /// [`create_topic`](Self::create_topic). One outcome per topic: a failure hides no success.
    pub async fn create_default_topics(
        &self,
        num_partitions: i32,
        replication_factor: i16,
        config: TopicConfigs,
    ) -> Vec<TopicOutcome> {
        let topics = self.config.topics.all().map(|topic| {
            let config = config.clone();
            async move {
                let result = self.create_topic(topic, num_partitions, replication_factor, config).await;
                TopicOutcome { topic: topic.to_owned(), result }
            }
        });
        futures_util::future::join_all(topics).await
    }

    /// Raises a topic's number of partitions to `total`. Keys may move to other partitions by that.
    ///
    /// # Errors
    /// The topic does not exist, has as many already, or the broker refuses.
    pub async fn add_partitions(&self, topic_name: &str, total: i32) -> Result<()> {
        let results = self.admin.create_partitions(&[NewPartitions::new(topic_name, total)]).await?;
        results.into_iter().try_for_each(|outcome| outcome.result).map_err(Error::from)
    }

    /// Deletes a topic with all its records.
    ///
    /// # Errors
    /// The topic does not exist, or the broker refuses.
    pub async fn delete_topic(&self, topic_name: &str) -> Result<()> {
        let results = self.admin.delete_topics(&[topic_name]).await?;
        results.into_iter().try_for_each(|outcome| outcome.result).map_err(Error::from)
    }

    /// Lists all topics that the user may see.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn list_topics(&self) -> Result<Vec<TopicListing>> {
        Ok(self.admin.list_topics().await?)
    }

    /// Describes a topic and its partitions.
    ///
    /// # Errors
    /// The topic does not exist, or no broker answers.
    pub async fn describe_topic(&self, topic_name: &str) -> Result<TopicDescription> {
        Ok(self.admin.describe_topic(topic_name).await?)
    }

    /// Everything else that can be done to a cluster.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }
}
