use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::TopicPartition;
use crate::net::Address;
use crate::protocol::messages::MetadataResponse;
use crate::protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use crate::protocol::{ErrorCode, Uuid};

/// What the client knows of the cluster at one moment; never changes, a newer one takes its place.
///
/// It holds the topics in use, not all that exist.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// Rises with every change, from 1; 0 while nothing is known.
    pub version: u64,
    /// The cluster's id, if it has one.
    pub cluster_id: Option<Arc<str>>,
    /// The broker that takes the controller's requests; `None` while there is none.
    pub controller_id: Option<i32>,
    /// The live brokers by id.
    pub brokers: BTreeMap<i32, Broker>,
    topics: BTreeMap<Arc<str>, Arc<TopicMetadata>>,
    names: HashMap<Uuid, Arc<str>>,
    errors: HashMap<Arc<str>, ErrorCode>,
}

/// A broker as clients reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broker {
    /// `node.id` (`broker.id`).
    pub id: i32,
    /// Where it listens.
    pub address: Address,
    /// `broker.rack`, if set.
    pub rack: Option<Arc<str>>,
}

impl Broker {
    /// A broker from what an answer says of it; `None` if there is no such port.
    pub fn new(id: i32, host: &str, port: i32, rack: Option<&str>) -> Option<Self> {
        let port = u16::try_from(port).ok().filter(|&port| port > 0 && id >= 0 && !host.is_empty())?;
        Some(Self { id, address: Address::new(host, port), rack: rack.map(Arc::from) })
    }
}

/// A topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicMetadata {
    /// Its name.
    pub name: Arc<str>,
    /// Its id (KIP-516), which a topic that is deleted and created again does not keep; `None` before Kafka 2.8.
    pub id: Option<Uuid>,
    /// Whether it belongs to Kafka itself, such as `__consumer_offsets`.
    pub is_internal: bool,
    /// Its partitions by rising index.
    pub partitions: Vec<PartitionMetadata>,
}

impl TopicMetadata {
    /// The partition with this index.
    pub fn partition(&self, index: i32) -> Option<&PartitionMetadata> {
        let place = usize::try_from(index).ok()?;
        // Partitions are numbered without gaps, unless an answer left some out.
        self.partitions.get(place).filter(|partition| partition.index == index).or_else(|| {
            let place = self.partitions.binary_search_by_key(&index, |partition| partition.index).ok()?;
            self.partitions.get(place)
        })
    }
}

/// A partition and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionMetadata {
    /// Its index within the topic, from 0.
    pub index: i32,
    /// The broker that leads it; `None` while there is none.
    pub leader: Option<i32>,
    /// How often its leader has changed (KIP-320); `None` if the broker does not say.
    pub leader_epoch: Option<i32>,
    /// The brokers that hold a replica.
    pub replicas: Vec<i32>,
    /// Of those, the ones in sync.
    pub isr: Vec<i32>,
    /// Of the replicas, the ones that are offline.
    pub offline: Vec<i32>,
}

/// Who leads a partition, and since which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The broker.
    pub id: i32,
    /// The leader's epoch, if known.
    pub epoch: Option<i32>,
}

impl Metadata {
    /// A topic by name, if it is known.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicMetadata>> {
        self.topics.get(name)
    }

    /// A topic by id, if it is known.
    pub fn topic_by_id(&self, id: Uuid) -> Option<&Arc<TopicMetadata>> {
        self.names.get(&id).and_then(|name| self.topics.get(name))
    }

    /// All known topics, by name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicMetadata>> {
        self.topics.values()
    }

    /// Why the topic is not known, as far as the broker said.
    pub fn topic_error(&self, name: &str) -> Option<ErrorCode> {
        self.errors.get(name).copied()
    }

    /// Who leads a partition; `None` if it is unknown or has no leader.
    pub fn leader(&self, partition: &TopicPartition) -> Option<Leader> {
        let partition = self.topic(&partition.topic)?.partition(partition.partition)?;
        Some(Leader { id: partition.leader?, epoch: partition.leader_epoch })
    }

    /// What is known after a broker's answer.
    ///
    /// `keep` says which topics stay that the answer does not mention. A partition whose epoch is older than the known
    /// one stays as it was: the answer came from a broker that lags behind.
    pub(super) fn updated(&self, response: MetadataResponse, keep: impl Fn(&str) -> bool) -> Self {
        let mut next = Self {
            version: self.version + 1,
            cluster_id: response.cluster_id.map(Arc::from).or_else(|| self.cluster_id.clone()),
            controller_id: Some(response.controller_id).filter(|&id| id >= 0),
            brokers: response
                .brokers
                .into_iter()
                .filter_map(|broker| {
                    Broker::new(broker.node_id, &broker.host, broker.port, broker.rack.as_deref())
                })
                .map(|broker| (broker.id, broker))
                .collect(),
            topics: self.topics.clone(),
            names: HashMap::new(),
            errors: self.errors.clone(),
        };
        next.topics.retain(|name, _| keep(name));
        next.errors.retain(|name, _| keep(name));
        for topic in response.topics {
            let Some(name) = topic.name.as_deref().map(Arc::<str>::from) else {
                continue;
            };
            let code = ErrorCode(topic.error_code);
            if code.is_ok() {
                next.errors.remove(&name);
                let known = self.topics.get(&name).map(Arc::as_ref);
                next.topics.insert(name.clone(), Arc::new(topic_metadata(name, topic, known)));
            } else {
                next.topics.remove(&name);
                next.errors.insert(name, code);
            }
        }
        next.names = next.topics.values().filter_map(|topic| Some((topic.id?, topic.name.clone()))).collect();
        next
    }

    /// What is known after a broker named a partition's newer leader (KIP-951); `None` if that is no news.
    pub(super) fn with_leader(
        &self,
        partition: &TopicPartition,
        topic_id: Option<Uuid>,
        leader: Leader,
        brokers: &[Broker],
    ) -> Option<Self> {
        let topic = self.topic(&partition.topic)?;
        if topic_id.is_some() && topic_id != topic.id {
            return None;
        }
        let known = topic.partition(partition.partition)?;
        if leader.epoch.is_none() || leader.epoch <= known.leader_epoch {
            return None;
        }
        let mut next = self.with_brokers(brokers).unwrap_or_else(|| self.clone());
        if !next.brokers.contains_key(&leader.id) {
            return None;
        }
        let mut topic = TopicMetadata::clone(topic);
        for changed in topic.partitions.iter_mut().filter(|changed| changed.index == partition.partition) {
            changed.leader = Some(leader.id);
            changed.leader_epoch = leader.epoch;
        }
        next.version = self.version + 1;
        next.topics.insert(topic.name.clone(), Arc::new(topic));
        Some(next)
    }

    /// What is known after an answer mentioned `brokers`; `None` if that is no news.
    pub(super) fn with_brokers(&self, brokers: &[Broker]) -> Option<Self> {
        // The answer does not always carry the rack.
        let known = |broker: &Broker| {
            self.brokers.get(&broker.id).is_some_and(|known| known.address == broker.address)
        };
        if brokers.iter().all(known) {
            return None;
        }
        let mut next = self.clone();
        next.version += 1;
        next.brokers.extend(brokers.iter().map(|broker| (broker.id, broker.clone())));
        Some(next)
    }

    /// The same without what was said of a topic's absence, so that an old answer does not pass for a new one.
    pub(super) fn without_error(&self, topic: &str) -> Option<Self> {
        self.errors.contains_key(topic).then(|| {
            let mut next = self.clone();
            next.errors.remove(topic);
            next
        })
    }
}

/// A topic from an answer, over what was known of it.
pub(super) fn topic_metadata(
    name: Arc<str>,
    topic: MetadataResponseTopic,
    known: Option<&TopicMetadata>,
) -> TopicMetadata {
    let id = Some(topic.topic_id).filter(|id| !id.is_zero());
    // A topic that was created again starts its epochs anew.
    let known = known.filter(|known| known.id == id);
    let mut partitions: Vec<_> = topic
        .partitions
        .into_iter()
        .filter(|partition| partition.partition_index >= 0)
        .map(|partition| {
            let newer = partition_metadata(partition);
            let known = known.and_then(|known| known.partition(newer.index));
            match known {
                Some(known) if newer.leader_epoch.is_some() && newer.leader_epoch < known.leader_epoch => {
                    known.clone()
                }
                _ => newer,
            }
        })
        .collect();
    partitions.sort_unstable_by_key(|partition| partition.index);
    partitions.dedup_by_key(|partition| partition.index);
    TopicMetadata { name, id, is_internal: topic.is_internal, partitions }
}

fn partition_metadata(partition: MetadataResponsePartition) -> PartitionMetadata {
    PartitionMetadata {
        index: partition.partition_index,
        leader: Some(partition.leader_id).filter(|&id| id >= 0),
        leader_epoch: Some(partition.leader_epoch).filter(|&epoch| epoch >= 0),
        replicas: partition.replica_nodes,
        isr: partition.isr_nodes,
        offline: partition.offline_replicas,
    }
}
