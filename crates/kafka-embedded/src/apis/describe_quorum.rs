//! `DescribeQuorum`: who keeps the cluster's metadata (KIP-595, KIP-853). Here all brokers do, led by the controller.

use kafka_core::protocol::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState, TopicData,
};
use kafka_core::protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

/// The topic that holds the metadata of a cluster.
const METADATA: &str = "__cluster_metadata";

impl Api for DescribeQuorumRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeQuorumResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Describe, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let mut found = false;
        let topics = self
            .topics
            .iter()
            .map(|topic| TopicData {
                topic_name: topic.topic_name.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| {
                        if topic.topic_name == METADATA && partition.partition_index == 0 {
                            found = true;
                            quorum(cluster)
                        } else {
                            refused(partition.partition_index, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
                        }
                    })
                    .collect(),
            })
            .collect();
        let nodes = if found && call.version >= 2 { nodes(cluster, call) } else { Vec::new() };
        Reply::Now(DescribeQuorumResponse { topics, nodes, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeQuorumResponse {
        DescribeQuorumResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }
}

fn refused(partition_index: i32, code: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: code.0,
        error_message: Some(code.description().to_owned()),
        ..Default::default()
    }
}

fn quorum(cluster: &Cluster) -> PartitionData {
    let now = cluster.wall_clock();
    let voters = cluster.brokers.values().map(|broker| ReplicaState {
        replica_id: broker.id,
        replica_directory_id: Uuid::ZERO,
        log_end_offset: cluster.metadata_offset(),
        last_fetch_timestamp: now,
        last_caught_up_timestamp: now,
    });
    PartitionData {
        partition_index: 0,
        leader_id: cluster.controller(),
        leader_epoch: 1,
        high_watermark: cluster.metadata_offset(),
        current_voters: voters.collect(),
        ..Default::default()
    }
}

fn nodes(cluster: &Cluster, call: &Call) -> Vec<Node> {
    let nodes = cluster.brokers.values().map(|broker| Node {
        node_id: broker.id,
        listeners: vec![Listener {
            name: "CONTROLLER".to_owned(),
            host: broker.host(call.listener),
            port: u16::try_from(broker.port(call.listener)).unwrap_or_default(),
        }],
    });
    nodes.collect()
}
