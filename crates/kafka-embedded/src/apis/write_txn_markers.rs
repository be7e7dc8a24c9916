//! `WriteTxnMarkers`: what coordinators of transactions tell partitions; and how a tool ends a transaction that its
//! coordinator has forgotten (KIP-664).

use kafka_core::protocol::messages::write_txn_markers_request::WritableTxnMarker;
use kafka_core::protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_core::protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::log::Marker;

impl Api for WriteTxnMarkersRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<WriteTxnMarkersResponse> {
        if let Err(code) = cluster.check(call, AclOperation::ClusterAction, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let markers = self
            .markers
            .iter()
            .map(|marker| {
                result(marker, |topic, index| {
                    write(cluster, call.broker, marker, topic, index).err().unwrap_or(ErrorCode::NONE)
                })
            })
            .collect();
        Reply::Now(WriteTxnMarkersResponse { markers })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> WriteTxnMarkersResponse {
        let markers = self.markers.iter().map(|marker| result(marker, |_, _| code));
        WriteTxnMarkersResponse { markers: markers.collect() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let topics = self.markers.iter().flat_map(|marker| &marker.topics);
        topics.map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn result(
    marker: &WritableTxnMarker,
    mut code: impl FnMut(&str, i32) -> ErrorCode,
) -> WritableTxnMarkerResult {
    let topics = marker.topics.iter().map(|topic| WritableTxnMarkerTopicResult {
        name: topic.name.clone(),
        partitions: topic
            .partition_indexes
            .iter()
            .map(|&partition_index| WritableTxnMarkerPartitionResult {
                partition_index,
                error_code: code(&topic.name, partition_index).0,
            })
            .collect(),
    });
    WritableTxnMarkerResult { producer_id: marker.producer_id, topics: topics.collect() }
}

fn write(
    cluster: &mut Cluster,
    broker: i32,
    marker: &WritableTxnMarker,
    topic: &str,
    index: i32,
) -> Result<(), ErrorCode> {
    let now = cluster.wall_clock();
    let partition =
        cluster.topics.partition_mut(topic, index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    partition.check_leader(broker, -1)?;
    partition.log.check_marker(marker.producer_id, marker.producer_epoch)?;
    let leader_epoch = partition.leader_epoch;
    let marker = Marker {
        producer_id: marker.producer_id,
        epoch: marker.producer_epoch,
        commit: marker.transaction_result,
        coordinator_epoch: marker.coordinator_epoch,
    };
    partition.log.end_transaction(marker, leader_epoch, now);
    cluster.partition_changed(topic, index);
    Ok(())
}
