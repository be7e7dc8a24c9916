//! What the cluster knows: topics, and places in their logs.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_core::TopicPartition;
use kafka_core::cluster::TopicMetadata;
use tokio::time::Instant;

use super::handle::{check_timestamp, check_topic};
use super::list_offsets::{Found, look_up};
use super::positions::OffsetSpec;
use super::{ConsumerError, ConsumerHandle};

/// The first record at or behind a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffsetAndTimestamp {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970.
    pub timestamp: i64,
    /// The leader's epoch when it was appended, if known.
    pub leader_epoch: Option<i32>,
}

impl ConsumerHandle {
    /// The offset of the first record of each partition.
    ///
    /// # Errors
    /// [`UnknownTopic`](super::ConsumerErrorKind::UnknownTopic), [`Timeout`](super::ConsumerErrorKind::Timeout) after
    /// `default_api_timeout`, and what the cluster answers.
    pub async fn beginning_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<HashMap<TopicPartition, i64>, ConsumerError> {
        self.ends(partitions, OffsetSpec::Earliest).await
    }

    /// The offset behind the last record of each partition; behind the last one that is decided, when reading committed
    /// records.
    ///
    /// # Errors
    /// As [`beginning_offsets`](Self::beginning_offsets).
    pub async fn end_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<HashMap<TopicPartition, i64>, ConsumerError> {
        self.ends(partitions, OffsetSpec::Latest).await
    }

    async fn ends(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<HashMap<TopicPartition, i64>, ConsumerError> {
        let places = partitions.iter().map(|tp| (tp.clone(), spec));
        let found = self.look_up(places).await?;
        Ok(found.into_iter().map(|(tp, place)| (tp, place.offset)).collect())
    }

    /// For each partition the first record with its timestamp (milliseconds since 1970) or a later one; `None` where there
    /// is no such record.
    ///
    /// # Errors
    /// As [`beginning_offsets`](Self::beginning_offsets), and [`InvalidInput`](super::ConsumerErrorKind::InvalidInput) for a
    /// negative timestamp.
    pub async fn offsets_for_times(
        &self,
        times: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Result<HashMap<TopicPartition, Option<OffsetAndTimestamp>>, ConsumerError> {
        let mut places = Vec::new();
        for (tp, timestamp) in times {
            check_timestamp(timestamp)?;
            places.push((tp, OffsetSpec::Timestamp(timestamp)));
        }
        let found = self.look_up(places).await?;
        let of = |place: Found| {
            let Found { offset, timestamp, leader_epoch } = place;
            (offset >= 0).then_some(OffsetAndTimestamp { offset, timestamp, leader_epoch })
        };
        Ok(found.into_iter().map(|(tp, place)| (tp, of(place))).collect())
    }

    async fn look_up(
        &self,
        places: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>,
    ) -> Result<HashMap<TopicPartition, Found>, ConsumerError> {
        let places: Vec<_> = places.into_iter().collect();
        for (tp, _) in &places {
            check_topic(&tp.topic)?;
        }
        let config = &self.shared.config;
        look_up(&self.shared.client, places, config.isolation_level, config.default_api_timeout).await
    }

    /// The partitions of a topic.
    ///
    /// # Errors
    /// [`UnknownTopic`](super::ConsumerErrorKind::UnknownTopic), [`InvalidInput`](super::ConsumerErrorKind::InvalidInput) for a name that
    /// Kafka does not allow, and what the cluster answers.
    pub async fn partitions_for(&self, topic: &str) -> Result<Vec<TopicPartition>, ConsumerError> {
        check_topic(topic)?;
        let deadline = Instant::now() + self.shared.config.default_api_timeout;
        let metadata = self.shared.client.topic(topic, deadline).await?;
        let name: Arc<str> = topic.into();
        Ok(metadata
            .partitions
            .iter()
            .map(|partition| TopicPartition::new(Arc::clone(&name), partition.index))
            .collect())
    }

    /// All topics that this consumer may see, with their partitions.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn list_topics(&self) -> Result<Vec<Arc<TopicMetadata>>, ConsumerError> {
        Ok(self.shared.client.list_all_topics().await?)
    }
}
