//! `ListConfigResources`: what has settings, by type (KIP-1142).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::list_config_resources_response::ConfigResource;
use kafka_core::protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::describe_configs::{BROKER, GROUP, TOPIC};
use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

/// A resource's type in requests.
const BROKER_LOGGER: i8 = 8;
/// A resource's type in requests: what clients are asked to measure, which here is nothing.
const CLIENT_METRICS: i8 = 16;

/// From this version on other resources than client metrics are listed.
const ALL_TYPES: i16 = 1;

impl Api for ListConfigResourcesRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ListConfigResourcesResponse> {
        if let Err(code) = cluster.check(call, AclOperation::DescribeConfigs, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let all = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
        let wanted = match self.resource_types.as_slice() {
            _ if call.version < ALL_TYPES => vec![CLIENT_METRICS],
            [] => all.to_vec(),
            types if types.iter().all(|wanted| all.contains(wanted)) => types.to_vec(),
            _ => return self.refuse(call, ErrorCode::UNSUPPORTED_VERSION).into(),
        };
        let config_resources = wanted.into_iter().flat_map(|resource_type| {
            let names = names(cluster, resource_type);
            names.into_iter().map(move |resource_name| ConfigResource { resource_name, resource_type })
        });
        let config_resources = config_resources.collect();
        Reply::Now(ListConfigResourcesResponse { config_resources, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ListConfigResourcesResponse {
        ListConfigResourcesResponse { error_code: code.0, ..Default::default() }
    }
}

fn names(cluster: &Cluster, resource_type: i8) -> Vec<String> {
    match resource_type {
        TOPIC => cluster.topics.iter().map(|topic| topic.name.clone()).collect(),
        BROKER | BROKER_LOGGER => cluster.live_brokers().map(|broker| broker.id.to_string()).collect(),
        GROUP => cluster.groups.configs.keys().cloned().collect(),
        _ => Vec::new(),
    }
}
