//! `DescribeCluster`: the brokers, the controller and the cluster's id.

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_core::protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

use crate::core::{Api, Call, Cluster, Reply};

/// The type of endpoint that the listeners of brokers are.
const BROKERS: i8 = 1;

impl Api for DescribeClusterRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeClusterResponse> {
        if self.endpoint_type != BROKERS {
            let code = if self.endpoint_type == 2 {
                ErrorCode::MISMATCHED_ENDPOINT_TYPE
            } else {
                ErrorCode::UNSUPPORTED_ENDPOINT_TYPE
            };
            return self.refuse(call, code).into();
        }
        let brokers = cluster.live_brokers().map(|broker| DescribeClusterBroker {
            broker_id: broker.id,
            host: broker.host(call.listener),
            port: broker.port(call.listener),
            rack: broker.rack.clone(),
            is_fenced: false,
        });
        let operations = match self.include_cluster_authorized_operations {
            true => cluster.operations_on_cluster(call),
            false => i32::MIN,
        };
        Reply::Now(DescribeClusterResponse {
            cluster_id: cluster.id.clone(),
            controller_id: cluster.controller(),
            brokers: brokers.collect(),
            cluster_authorized_operations: operations,
            ..Default::default()
        })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeClusterResponse {
        DescribeClusterResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }
}
