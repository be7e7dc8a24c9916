//! `Metadata`: the brokers, and who leads which partition.

use kafka_core::protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_core::protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_core::protocol::messages::{MetadataRequest, MetadataResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::validate_topic_name;

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, CoordinatorKind, Reply};
use crate::topics::{Partition, Topic};

/// From this version on topics can be asked for by id.
const TOPIC_IDS: i16 = 12;

impl Api for MetadataRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<MetadataResponse> {
        let by_id = |topic: &MetadataRequestTopic| !topic.topic_id.is_zero() || topic.name.is_none();
        if call.version < TOPIC_IDS && self.topics.iter().flatten().any(by_id) {
            // Earlier versions have the field, and no meaning for it.
            return self.refuse(call, ErrorCode::INVALID_REQUEST).into();
        }
        // In version 0 an empty list means all topics, later on a missing one does.
        let asked = self.topics.as_ref().filter(|topics| call.version > 0 || !topics.is_empty());
        let may_create = self.allow_auto_topic_creation && cluster.settings.auto_create_topics;
        let mut topics: Vec<_> = match asked {
            None => {
                let seen =
                    |topic: &&Topic| cluster.may(call, AclOperation::Describe, Resource::Topic(&topic.name));
                cluster.topics.iter().filter(seen).map(|topic| describe(cluster, topic)).collect()
            }
            Some(asked) => {
                let mut topics: Vec<MetadataResponseTopic> = Vec::with_capacity(asked.len());
                for topic in asked {
                    let answer = answer_for(cluster, call, topic, may_create);
                    // Each topic is told of once, however often it is asked for.
                    if !topics
                        .iter()
                        .any(|told| (&told.name, told.topic_id) == (&answer.name, answer.topic_id))
                    {
                        topics.push(answer);
                    }
                }
                topics
            }
        };
        if self.include_topic_authorized_operations {
            for topic in topics.iter_mut().filter(|topic| topic.error_code == 0) {
                let resource = Resource::Topic(topic.name.as_deref().unwrap_or_default());
                topic.topic_authorized_operations = cluster.operations(call, resource);
            }
        }
        let brokers = cluster.live_brokers().map(|broker| MetadataResponseBroker {
            node_id: broker.id,
            host: broker.host(call.listener),
            port: broker.port(call.listener),
            rack: broker.rack.clone(),
        });
        let cluster_authorized_operations = match self.include_cluster_authorized_operations {
            true => cluster.operations_on_cluster(call),
            false => i32::MIN,
        };
        Reply::Now(MetadataResponse {
            brokers: brokers.collect(),
            cluster_id: Some(cluster.id.clone()),
            controller_id: cluster.controller(),
            topics,
            cluster_authorized_operations,
            ..Default::default()
        })
    }

    fn refuse(self, call: &Call, code: ErrorCode) -> MetadataResponse {
        let topics = self.topics.unwrap_or_default().into_iter().map(|topic| MetadataResponseTopic {
            name: topic.name.or_else(|| (call.version < TOPIC_IDS).then(String::new)),
            topic_id: topic.topic_id,
            error_code: code.0,
            ..Default::default()
        });
        MetadataResponse { topics: topics.collect(), error_code: code.0, ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let topics = self.topics.iter().flatten();
        topics.map(|topic| (topic.name.as_deref().unwrap_or_default(), topic.topic_id)).collect()
    }
}

fn answer_for(
    cluster: &mut Cluster,
    call: &Call,
    asked: &MetadataRequestTopic,
    may_create: bool,
) -> MetadataResponseTopic {
    let failed = |name: Option<String>, topic_id: Uuid, code: ErrorCode| MetadataResponseTopic {
        name,
        topic_id,
        error_code: code.0,
        ..Default::default()
    };
    let name = match &asked.name {
        Some(name) if asked.topic_id.is_zero() => name.clone(),
        _ => match cluster.topics.name_of(asked.topic_id) {
            Some(name) => name.to_owned(),
            None => return failed(None, asked.topic_id, ErrorCode::UNKNOWN_TOPIC_ID),
        },
    };
    if let Err(code) = cluster.check(call, AclOperation::Describe, Resource::Topic(&name)) {
        // An id is no secret, but whose it is.
        let name = Some(name).filter(|_| asked.topic_id.is_zero());
        return failed(name, asked.topic_id, code);
    }
    if let Some(topic) = cluster.topics.get(&name) {
        return describe(cluster, topic);
    }
    if may_create
        && !cluster.may(call, AclOperation::Create, Resource::Cluster)
        && let Err(code) = cluster.check(call, AclOperation::Create, Resource::Topic(&name))
    {
        return failed(Some(name), Uuid::ZERO, code);
    }
    if validate_topic_name(&name).is_err() {
        return failed(Some(name), Uuid::ZERO, ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    if may_create {
        create(cluster, &name);
    }
    // Kafka creates in the background, so that the client learns of the topic when it asks again.
    failed(Some(name), Uuid::ZERO, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

fn create(cluster: &mut Cluster, name: &str) {
    for kind in [CoordinatorKind::Group, CoordinatorKind::Transaction] {
        if name == kind.topic() {
            let _leader = cluster.find_coordinator(kind, "");
            return;
        }
    }
    let partitions = usize::try_from(cluster.settings.num_partitions).unwrap_or(1);
    let factor = usize::try_from(cluster.settings.default_replication_factor).unwrap_or(1);
    if factor <= cluster.live_brokers().count() {
        let assignment = cluster.place_replicas(partitions, factor, 0);
        cluster.add_topic(name, assignment, Default::default());
    }
}

fn describe(cluster: &Cluster, topic: &Topic) -> MetadataResponseTopic {
    MetadataResponseTopic {
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: topic.is_internal(),
        partitions: topic.partitions.iter().map(|partition| describe_partition(cluster, partition)).collect(),
        ..Default::default()
    }
}

fn describe_partition(cluster: &Cluster, partition: &Partition) -> MetadataResponsePartition {
    let code = if partition.leader < 0 { ErrorCode::LEADER_NOT_AVAILABLE } else { ErrorCode::NONE };
    MetadataResponsePartition {
        error_code: code.0,
        partition_index: partition.index,
        leader_id: partition.leader,
        leader_epoch: partition.leader_epoch,
        replica_nodes: partition.replicas.clone(),
        isr_nodes: partition.isr.clone(),
        offline_replicas: cluster.offline_replicas(partition),
    }
}
