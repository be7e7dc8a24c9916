use kafka_core::Result;
use kafka_core::protocol::messages::DescribeClusterRequest;

use crate::admin::{Admin, check};

/// A cluster and its brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterDescription {
    /// The cluster's id.
    pub cluster_id: String,
    /// The broker that answers for the controller; `None` where there is none at the moment.
    pub controller: Option<i32>,
    /// The brokers that are up, by id.
    pub brokers: Vec<BrokerDescription>,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerDescription {
    /// The broker's id.
    pub id: i32,
    /// The host it advertises to clients.
    pub host: String,
    /// The port it advertises to clients.
    pub port: i32,
    /// The rack it is in, if it says.
    pub rack: Option<String>,
}

impl Admin {
    /// Describes the cluster (KIP-700).
    ///
    /// # Errors
    /// Where no broker answers, or the broker refuses.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription> {
        let answer = self.call_any(|_| DescribeClusterRequest::default()).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let mut brokers: Vec<_> = answer
            .brokers
            .into_iter()
            .map(|broker| BrokerDescription {
                id: broker.broker_id,
                host: broker.host,
                port: broker.port,
                rack: broker.rack,
            })
            .collect();
        brokers.sort_by_key(|broker| broker.id);
        Ok(ClusterDescription {
            cluster_id: answer.cluster_id,
            controller: (answer.controller_id >= 0).then_some(answer.controller_id),
            brokers,
        })
    }
}
