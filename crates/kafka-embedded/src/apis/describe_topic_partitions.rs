//! `DescribeTopicPartitions`: partitions of topics, page by page (KIP-966).

use kafka_core::protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_core::protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::validate_topic_name;

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::{Partition, Topic};

/// `max.request.partition.size.limit`
const MOST_PARTITIONS: usize = 2000;

impl Api for DescribeTopicPartitionsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeTopicPartitionsResponse> {
        let mut names: Vec<String> = match self.topics.is_empty() {
            true => cluster.topics.iter().map(|topic| topic.name.clone()).collect(),
            false => self.topics.iter().map(|topic| topic.name.clone()).collect(),
        };
        let may = |name: &str| cluster.may(call, AclOperation::Describe, Resource::Topic(name));
        let forbidden: Vec<String> =
            self.topics.iter().filter(|topic| !may(&topic.name)).map(|topic| topic.name.clone()).collect();
        names.retain(|name| may(name));
        names.sort_unstable();
        names.dedup();
        let (mut from, mut first) = (0, None);
        if let Some(cursor) = &self.cursor {
            let known = names.binary_search(&cursor.topic_name).is_ok() || self.topics.is_empty();
            if cursor.partition_index < 0 || !known {
                return self.refuse(call, ErrorCode::INVALID_REQUEST).into();
            }
            names.retain(|name| *name >= cursor.topic_name);
            from = usize::try_from(cursor.partition_index).unwrap_or_default();
            first = Some(cursor.topic_name.clone());
        }
        let mut room = usize::try_from(self.response_partition_limit).unwrap_or(1).clamp(1, MOST_PARTITIONS);
        let (mut topics, mut next_cursor) = (Vec::with_capacity(names.len()), None);
        for name in names {
            let from = if first.as_ref() == Some(&name) { from } else { 0 };
            let Some(topic) = cluster.topics.get(&name) else {
                topics.push(unknown(cluster, call, name));
                continue;
            };
            if room == 0 {
                next_cursor = Some(Cursor { topic_name: name, partition_index: 0 });
                break;
            }
            let page: Vec<&Partition> = topic.partitions.iter().skip(from).take(room).collect();
            room -= page.len();
            let end = from + page.len();
            topics.push(describe(cluster, call, topic, &page));
            if end < topic.partitions.len() {
                let partition_index = i32::try_from(end).unwrap_or(i32::MAX);
                next_cursor = Some(Cursor { topic_name: name, partition_index });
                break;
            }
        }
        topics.extend(forbidden.into_iter().map(|name| DescribeTopicPartitionsResponseTopic {
            error_code: ErrorCode::TOPIC_AUTHORIZATION_FAILED.0,
            name: Some(name),
            ..Default::default()
        }));
        Reply::Now(DescribeTopicPartitionsResponse { topics, next_cursor, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeTopicPartitionsResponse {
        let topics = self.topics.into_iter().map(|topic| DescribeTopicPartitionsResponseTopic {
            error_code: code.0,
            name: Some(topic.name),
            ..Default::default()
        });
        DescribeTopicPartitionsResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn unknown(cluster: &Cluster, call: &Call, name: String) -> DescribeTopicPartitionsResponseTopic {
    let code = match validate_topic_name(&name) {
        Ok(()) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        Err(_) => ErrorCode::INVALID_TOPIC_EXCEPTION,
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: code.0,
        topic_authorized_operations: cluster.operations(call, Resource::Topic(&name)),
        name: Some(name),
        ..Default::default()
    }
}

fn describe(
    cluster: &Cluster,
    call: &Call,
    topic: &Topic,
    page: &[&Partition],
) -> DescribeTopicPartitionsResponseTopic {
    let partitions = page.iter().map(|partition| {
        let code = if partition.leader < 0 { ErrorCode::LEADER_NOT_AVAILABLE } else { ErrorCode::NONE };
        DescribeTopicPartitionsResponsePartition {
            error_code: code.0,
            partition_index: partition.index,
            leader_id: partition.leader,
            leader_epoch: partition.leader_epoch,
            replica_nodes: partition.replicas.clone(),
            isr_nodes: partition.isr.clone(),
            eligible_leader_replicas: Some(Vec::new()),
            last_known_elr: Some(Vec::new()),
            offline_replicas: cluster.offline_replicas(partition),
        }
    });
    DescribeTopicPartitionsResponseTopic {
        error_code: 0,
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: topic.is_internal(),
        partitions: partitions.collect(),
        topic_authorized_operations: cluster.operations(call, Resource::Topic(&topic.name)),
    }
}
