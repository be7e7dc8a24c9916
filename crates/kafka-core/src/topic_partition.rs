use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// One partition of a topic.
///
/// Cheap to clone: the name is shared. Displays as Kafka's tools print it, `topic-partition`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's index, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Names a partition of a topic; nothing is checked.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl Ord for TopicPartition {
    /// By topic, then by partition. Where the name is shared it need not be read: maps of many partitions of one topic
    /// compare it at every step.
    fn cmp(&self, other: &Self) -> Ordering {
        let same = Arc::ptr_eq(&self.topic, &other.topic);
        let topics = if same { Ordering::Equal } else { self.topic.cmp(&other.topic) };
        topics.then_with(|| self.partition.cmp(&other.partition))
    }
}

impl PartialOrd for TopicPartition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl<T: Into<Arc<str>>> From<(T, i32)> for TopicPartition {
    fn from((topic, partition): (T, i32)) -> Self {
        Self::new(topic, partition)
    }
}
