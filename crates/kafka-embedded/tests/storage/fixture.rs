//! One broker, asked by single requests.

use std::path::Path;
use std::time::Duration;

use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_core::protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::messages::{
    CreateTopicsRequest, FindCoordinatorRequest, InitProducerIdRequest, InitProducerIdResponse,
    OffsetCommitRequest, ProduceRequest,
};
use kafka_core::protocol::{ErrorCode, Request, Uuid};
use kafka_core::records::{BatchBuilder, Compression, Compressor, NO_HEADERS, ProducerStamp};
use kafka_embedded::{EmbeddedCluster, EmbeddedClusterBuilder};

pub(crate) struct Fixture {
    pub(crate) cluster: EmbeddedCluster,
    client: Client,
}

pub(crate) fn client_of(servers: &[String]) -> Client {
    Client::new(ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()))).unwrap()
}

pub(crate) async fn ask<R: Request + Clone>(client: &Client, request: R) -> R::ResponseBody {
    let options = CallOptions::new(Duration::from_secs(60));
    client.call_controller(options, |_| request.clone(), |_| ErrorCode::NONE).await.unwrap()
}

pub(crate) fn produce_request(
    topic: Uuid,
    value: &str,
    at: i64,
    stamp: &ProducerStamp,
    id: Option<&str>,
) -> ProduceRequest {
    let mut builder = BatchBuilder::with_capacity(200);
    builder.append(at, Some(b"key"), Some(value.as_bytes()), NO_HEADERS).unwrap();
    let batch = builder.finish(Compression::None, &mut Compressor::default(), stamp).unwrap();
    let data = PartitionProduceData { index: 0, records: Some(batch.bytes()) };
    let topic = TopicProduceData { topic_id: topic, partition_data: vec![data], ..Default::default() };
    let transactional_id = id.map(str::to_owned);
    ProduceRequest { transactional_id, acks: -1, timeout_ms: 1000, topic_data: vec![topic] }
}

impl Fixture {
    pub(crate) async fn start(builder: EmbeddedClusterBuilder) -> Self {
        let cluster = builder.start().await.unwrap();
        let client = client_of(&cluster.bootstrap_servers());
        let fixture = Self { cluster, client };
        for key_type in [0, 1] {
            let coordinator_keys = vec!["id".to_owned()];
            fixture.ask(FindCoordinatorRequest { key_type, coordinator_keys, ..Default::default() }).await;
        }
        fixture
    }

    pub(crate) async fn on(folder: &Path) -> Self {
        Self::start(EmbeddedCluster::builder().data_dir(folder)).await
    }

    pub(crate) async fn ask<R: Request + Clone>(&self, request: R) -> R::ResponseBody {
        ask(&self.client, request).await
    }

    pub(crate) async fn create_topic(&self, name: &str, configs: &[(&str, &str)]) {
        let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        });
        let topic = CreatableTopic {
            name: name.to_owned(),
            num_partitions: 2,
            replication_factor: 1,
            configs: configs.collect(),
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 1000, ..Default::default() };
        assert_eq!(self.ask(request).await.topics[0].error_code, 0);
    }

    /// Code and offset.
    pub(crate) async fn produce(
        &self,
        topic: &str,
        value: &str,
        at: i64,
        stamp: &ProducerStamp,
        id: Option<&str>,
    ) -> (ErrorCode, i64) {
        let topic = self.cluster.topic(topic).unwrap().id;
        let answer = self.ask(produce_request(topic, value, at, stamp, id)).await;
        let partition = &answer.responses[0].partition_responses[0];
        (ErrorCode(partition.error_code), partition.base_offset)
    }

    pub(crate) async fn commit(&self, group: &str, topic: &str, offset: i64) {
        let partition = OffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
        let topic = OffsetCommitRequestTopic {
            topic_id: self.cluster.topic(topic).unwrap().id,
            partitions: vec![partition],
            ..Default::default()
        };
        let answer = self
            .ask(OffsetCommitRequest {
                group_id: group.to_owned(),
                generation_id_or_member_epoch: -1,
                topics: vec![topic],
                ..Default::default()
            })
            .await;
        assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    }

    pub(crate) async fn init(&self, id: Option<&str>) -> InitProducerIdResponse {
        let transactional_id = id.map(str::to_owned);
        self.ask(InitProducerIdRequest {
            transactional_id,
            transaction_timeout_ms: 60_000,
            ..Default::default()
        })
        .await
    }

    /// The values in the first partition.
    pub(crate) fn values(&self, topic: &str) -> Vec<String> {
        let partition = &self.cluster.topic(topic).unwrap().partitions[0];
        let values = partition.records.iter().map(|record| record.value.clone().unwrap().to_vec());
        values.map(|value| String::from_utf8(value).unwrap()).collect()
    }

    /// Where the first partition starts and ends.
    pub(crate) fn range(&self, topic: &str) -> (i64, i64) {
        let partition = &self.cluster.topic(topic).unwrap().partitions[0];
        (partition.start_offset, partition.end_offset)
    }
}
