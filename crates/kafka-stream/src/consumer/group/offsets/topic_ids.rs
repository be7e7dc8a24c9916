use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_core::TopicPartition;
use kafka_core::protocol::Uuid;

/// The newest versions of `OffsetCommit` and `OffsetFetch` that name topics.
const LAST_VERSION_WITH_NAMES: i16 = 9;

/// The ids of the topics in a request (KIP-516); newer versions name topics by them alone.
#[derive(Debug)]
pub(super) struct TopicIds(BTreeMap<Arc<str>, Uuid>);

impl TopicIds {
    /// The topics of these partitions, with what `id_of` knows.
    pub(super) fn new<'a>(
        partitions: impl IntoIterator<Item = &'a TopicPartition>,
        id_of: impl Fn(&str) -> Option<Uuid>,
    ) -> Self {
        let mut ids = BTreeMap::new();
        for tp in partitions {
            ids.entry(Arc::clone(&tp.topic)).or_insert_with(|| id_of(&tp.topic).unwrap_or(Uuid::ZERO));
        }
        Self(ids)
    }

    /// The newest version that can name all these topics; `None` if any.
    pub(super) fn max_version(&self) -> Option<i16> {
        self.0.values().any(|id| id.is_zero()).then_some(LAST_VERSION_WITH_NAMES)
    }

    /// Whether a topic has another id `now`.
    pub(super) fn are_outdated(&self, now: &Self) -> bool {
        self.0.iter().any(|(topic, id)| {
            let now = now.id(topic);
            !id.is_zero() && !now.is_zero() && *id != now
        })
    }

    pub(super) fn id(&self, topic: &str) -> Uuid {
        self.0.get(topic).copied().unwrap_or(Uuid::ZERO)
    }

    /// The name of a topic in an answer, which has either.
    pub(super) fn name(&self, name: &str, id: Uuid) -> Arc<str> {
        let by_id = self.0.iter().find(|(_, known)| !id.is_zero() && **known == id);
        by_id.map_or_else(|| name.into(), |(name, _)| Arc::clone(name))
    }
}
