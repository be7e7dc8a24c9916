//! `DescribeLogDirs`: how much room each log takes. Every broker has one folder, and it never fails alone.

use std::collections::BTreeSet;

use kafka_core::protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_core::protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::Topic;

impl Api for DescribeLogDirsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeLogDirsResponse> {
        let asked: Option<BTreeSet<(&str, i32)>> = self.topics.as_ref().map(|topics| {
            let partitions = topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|partition| (topic.topic.as_str(), *partition))
            });
            partitions.collect()
        });
        let topics = cluster.topics.iter().map(|topic| describe(topic, call.broker, asked.as_ref()));
        let (limit, used) = (cluster.settings.max_bytes, cluster.topics.stored_bytes());
        let result = DescribeLogDirsResult {
            log_dir: cluster.settings.log_dir.clone(),
            topics: topics.filter(|topic| !topic.partitions.is_empty()).collect(),
            total_bytes: i64::try_from(limit).unwrap_or(i64::MAX),
            usable_bytes: i64::try_from(limit.saturating_sub(used)).unwrap_or(i64::MAX),
            ..Default::default()
        };
        Reply::Now(DescribeLogDirsResponse { results: vec![result], ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeLogDirsResponse {
        DescribeLogDirsResponse { error_code: code.0, ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().flatten().map(|topic| (topic.topic.as_str(), Uuid::ZERO)).collect()
    }
}

fn describe(topic: &Topic, broker: i32, asked: Option<&BTreeSet<(&str, i32)>>) -> DescribeLogDirsTopic {
    let partitions = topic.partitions.iter().filter(|partition| {
        let wanted = asked.is_none_or(|asked| asked.contains(&(topic.name.as_str(), partition.index)));
        wanted && partition.replicas.contains(&broker)
    });
    DescribeLogDirsTopic {
        name: topic.name.clone(),
        partitions: partitions
            .map(|partition| DescribeLogDirsPartition {
                partition_index: partition.index,
                partition_size: i64::try_from(partition.log.size()).unwrap_or(i64::MAX),
                // All replicas are one log, so none is behind.
                offset_lag: 0,
                is_future_key: false,
            })
            .collect(),
    }
}
