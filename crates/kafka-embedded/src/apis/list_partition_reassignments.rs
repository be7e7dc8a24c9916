//! `ListPartitionReassignments`: which partitions are on their way to other brokers. None ever is: they are there at once.

use kafka_core::protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for ListPartitionReassignmentsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ListPartitionReassignmentsResponse> {
        if let Err(code) = cluster.check(call, AclOperation::Describe, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        Reply::Now(ListPartitionReassignmentsResponse { error_message: None, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ListPartitionReassignmentsResponse {
        ListPartitionReassignmentsResponse {
            error_code: code.0,
            error_message: Some(code.description().to_owned()),
            ..Default::default()
        }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let topics = self.topics.iter().flatten();
        topics.map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}
