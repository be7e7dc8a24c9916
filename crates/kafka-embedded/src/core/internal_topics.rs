//! The topics that decide which broker coordinates whom: `__consumer_offsets` and `__transaction_state`.

use kafka_core::protocol::ErrorCode;

use super::Cluster;

/// Its partitions' leaders are the coordinators of groups.
pub(crate) const GROUP_OFFSETS: &str = "__consumer_offsets";
/// Its partitions' leaders are the coordinators of transactions.
pub(crate) const TRANSACTIONS: &str = "__transaction_state";

/// What is coordinated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoordinatorKind {
    Group,
    Transaction,
}

impl CoordinatorKind {
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Group => GROUP_OFFSETS,
            Self::Transaction => TRANSACTIONS,
        }
    }
}

impl Cluster {
    /// The broker that coordinates `key`; the internal topic is created if it is not there yet.
    pub(crate) fn find_coordinator(&mut self, kind: CoordinatorKind, key: &str) -> Result<i32, ErrorCode> {
        let topic = kind.topic();
        if self.topics.get(topic).is_none() {
            self.create_internal_topic(topic);
        }
        match self.coordinator(kind, key) {
            Some(leader) if leader >= 0 => Ok(leader),
            _ => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        }
    }

    /// Whether `broker` coordinates the group, as each request of a member asks first.
    pub(crate) fn check_group_coordinator(&self, broker: i32, group: &str) -> Result<(), ErrorCode> {
        self.check_coordinator(CoordinatorKind::Group, broker, group)
    }

    pub(crate) fn check_coordinator(
        &self,
        kind: CoordinatorKind,
        broker: i32,
        key: &str,
    ) -> Result<(), ErrorCode> {
        match self.coordinator(kind, key) {
            Some(leader) if leader == broker => Ok(()),
            _ => Err(ErrorCode::NOT_COORDINATOR),
        }
    }

    /// The partition that a group's offsets belong to, if that is known yet.
    pub(crate) fn group_partition(&self, group: &str) -> Option<i32> {
        let topic = self.topics.get(GROUP_OFFSETS)?;
        coordinating_partition(group, topic.partitions.len()).and_then(|index| i32::try_from(index).ok())
    }

    fn coordinator(&self, kind: CoordinatorKind, key: &str) -> Option<i32> {
        let partition = self.coordinating_partition(kind, key)?;
        self.topics.partition(kind.topic(), partition).map(|partition| partition.leader)
    }

    /// The partition of the internal topic whose leader coordinates `key`.
    pub(super) fn coordinating_partition(&self, kind: CoordinatorKind, key: &str) -> Option<i32> {
        let topic = self.topics.get(kind.topic())?;
        let partition = coordinating_partition(key, topic.partitions.len())?;
        i32::try_from(partition).ok()
    }

    fn create_internal_topic(&mut self, name: &'static str) {
        let partitions = match name {
            GROUP_OFFSETS => self.settings.offsets_topic_partitions,
            _ => self.settings.transaction_topic_partitions,
        };
        let factor = self.live_brokers().count().min(3);
        if factor == 0 {
            // It would have no partitions, for good.
            return;
        }
        let configs =
            [("cleanup.policy", "compact"), ("compression.type", "producer"), ("segment.bytes", "104857600")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let assignment = self.place_replicas(partitions, factor, 0);
        self.add_topic(name, assignment, configs.into_iter().collect());
    }
}

/// Which partition of the internal topic is responsible for `key`: Java's hash code, as Kafka does.
fn coordinating_partition(key: &str, partitions: usize) -> Option<usize> {
    let hash = key.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    usize::try_from(hash & i32::MAX).ok()?.checked_rem(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hashed_as_java_does() {
        assert_eq!(coordinating_partition("a", 50), Some(97 % 50));
        assert_eq!(coordinating_partition("ab", 50), Some((97 * 31 + 98) % 50));
        assert_eq!(coordinating_partition("", 50), Some(0));
        assert_eq!(coordinating_partition("a", 0), None);
    }
}
