//! Transactions as a producer's requests see them.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_core::protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::{
    EndTxnRequest, EndTxnResponse, FetchRequest, FindCoordinatorRequest, InitProducerIdRequest,
    InitProducerIdResponse, OffsetFetchRequest, ProduceRequest, TxnOffsetCommitRequest,
};
use kafka_core::protocol::{ErrorCode, Request, Uuid};
use kafka_core::records::{BatchBuilder, Compression, Compressor, NO_HEADERS, ProducerStamp};
use kafka_embedded::EmbeddedCluster;

struct Fixture {
    cluster: EmbeddedCluster,
    client: Client,
    topic: Uuid,
}

impl Fixture {
    async fn start() -> Self {
        let cluster = EmbeddedCluster::builder().topic("t", 1).start().await.unwrap();
        let servers = cluster.bootstrap_servers();
        let client =
            Client::new(ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()))).unwrap();
        let topic = cluster.topic("t").unwrap().id;
        let fixture = Self { cluster, client, topic };
        for key_type in [0, 1] {
            let keys = vec!["tx".to_owned()];
            fixture
                .ask(FindCoordinatorRequest { key_type, coordinator_keys: keys, ..Default::default() })
                .await;
        }
        fixture
    }

    async fn ask<R: Request + Clone>(&self, request: R) -> R::ResponseBody {
        let options = CallOptions::new(Duration::from_secs(60));
        self.client.call_controller(options, |_| request.clone(), |_| ErrorCode::NONE).await.unwrap()
    }

    async fn init(&self) -> InitProducerIdResponse {
        let transactional_id = Some("tx".to_owned());
        self.ask(InitProducerIdRequest {
            transactional_id,
            transaction_timeout_ms: 60_000,
            ..Default::default()
        })
        .await
    }

    async fn produce(&self, producer_id: i64, epoch: i16, base_sequence: i32, value: &str) -> ErrorCode {
        let mut builder = BatchBuilder::with_capacity(200);
        builder.append(0, None, Some(value.as_bytes()), NO_HEADERS).unwrap();
        let stamp = ProducerStamp { producer_id, epoch, base_sequence, transactional: true };
        let batch = builder.finish(Compression::None, &mut Compressor::default(), &stamp).unwrap();
        let data = PartitionProduceData { index: 0, records: Some(batch.bytes()) };
        let topic =
            TopicProduceData { topic_id: self.topic, partition_data: vec![data], ..Default::default() };
        let request = ProduceRequest {
            transactional_id: Some("tx".to_owned()),
            acks: -1,
            timeout_ms: 1000,
            topic_data: vec![topic],
        };
        ErrorCode(self.ask(request).await.responses[0].partition_responses[0].error_code)
    }

    async fn end(&self, producer: (i64, i16), committed: bool) -> EndTxnResponse {
        let (producer_id, producer_epoch) = producer;
        let transactional_id = "tx".to_owned();
        self.ask(EndTxnRequest { transactional_id, producer_id, producer_epoch, committed }).await
    }

    async fn commit_offset(&self, producer: (i64, i16), offset: i64) -> ErrorCode {
        let partition = TxnOffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
        let topic = TxnOffsetCommitRequestTopic { name: "t".to_owned(), partitions: vec![partition] };
        let request = TxnOffsetCommitRequest {
            transactional_id: "tx".to_owned(),
            group_id: "tx".to_owned(),
            producer_id: producer.0,
            producer_epoch: producer.1,
            topics: vec![topic],
            ..Default::default()
        };
        ErrorCode(self.ask(request).await.topics[0].partitions[0].error_code)
    }

    async fn committed_offset(&self) -> (i64, ErrorCode) {
        let topics = vec![OffsetFetchRequestTopics {
            topic_id: self.topic,
            partition_indexes: vec![0],
            ..Default::default()
        }];
        let group =
            OffsetFetchRequestGroup { group_id: "tx".to_owned(), topics: Some(topics), ..Default::default() };
        let request = OffsetFetchRequest { groups: vec![group], require_stable: true, ..Default::default() };
        let found = &self.ask(request).await.groups[0].topics[0].partitions[0];
        (found.committed_offset, ErrorCode(found.error_code))
    }

    /// Last stable offset, bytes of records, and the producers of aborted transactions, as readers of committed records see
    /// them from the start.
    async fn fetch(&self) -> (i64, usize, Vec<(i64, i64)>) {
        let partition = FetchPartition { partition: 0, partition_max_bytes: 1 << 20, ..Default::default() };
        let topic = FetchTopic { topic_id: self.topic, partitions: vec![partition], ..Default::default() };
        let request = FetchRequest {
            isolation_level: 1,
            min_bytes: 0,
            max_wait_ms: 0,
            topics: vec![topic],
            ..Default::default()
        };
        let answer = self.ask(request).await;
        let data = &answer.responses[0].partitions[0];
        let aborted = data.aborted_transactions.iter().flatten();
        (
            data.last_stable_offset,
            data.records.as_ref().unwrap().len(),
            aborted.map(|one| (one.producer_id, one.first_offset)).collect(),
        )
    }
}

#[tokio::test]
async fn an_open_transaction_is_not_read_and_an_aborted_one_is_named() {
    let fixture = Fixture::start().await;
    let begun = fixture.init().await;
    let mut producer = (begun.producer_id, begun.producer_epoch);
    assert_eq!(fixture.produce(producer.0, producer.1, 0, "aborted").await, ErrorCode::NONE);
    assert_eq!(fixture.fetch().await, (0, 0, vec![]));
    let ended = fixture.end(producer, false).await;
    assert_eq!((ended.producer_id, ended.producer_epoch), (producer.0, producer.1 + 1), "a new epoch");
    let (stable, bytes, aborted) = fixture.fetch().await;
    assert_eq!((stable, bytes > 0, aborted), (2, true, vec![(producer.0, 0)]));

    assert_eq!(fixture.produce(producer.0, producer.1, 1, "late").await, ErrorCode::INVALID_PRODUCER_EPOCH);
    producer.1 += 1;
    assert_eq!(fixture.produce(producer.0, producer.1, 0, "committed").await, ErrorCode::NONE);
    assert_eq!(ErrorCode(fixture.end(producer, true).await.error_code), ErrorCode::NONE);
    let again = fixture.end(producer, true).await;
    assert_eq!(
        (ErrorCode(again.error_code), again.producer_epoch),
        (ErrorCode::NONE, producer.1 + 1),
        "a retry"
    );
    assert_eq!(fixture.fetch().await.0, 4);
    assert_eq!(fixture.cluster.topic("t").unwrap().partitions[0].records.len(), 2);
}

#[tokio::test]
async fn offsets_count_once_their_transaction_is_committed() {
    let fixture = Fixture::start().await;
    let begun = fixture.init().await;
    let producer = (begun.producer_id, begun.producer_epoch);
    assert_eq!(fixture.commit_offset(producer, 5).await, ErrorCode::NONE);
    assert_eq!(fixture.committed_offset().await, (-1, ErrorCode::UNSTABLE_OFFSET_COMMIT));
    fixture.end(producer, true).await;
    assert_eq!(fixture.committed_offset().await, (5, ErrorCode::NONE));
    let producer = (producer.0, producer.1 + 1);
    fixture.commit_offset(producer, 9).await;
    fixture.end(producer, false).await;
    assert_eq!(fixture.committed_offset().await, (5, ErrorCode::NONE));
}

#[tokio::test]
async fn a_new_owner_fences_the_one_before_and_ends_what_it_left_open() {
    let fixture = Fixture::start().await;
    let first = fixture.init().await;
    assert_eq!(
        fixture.produce(first.producer_id, first.producer_epoch, 0, "left open").await,
        ErrorCode::NONE
    );
    let second = fixture.init().await;
    assert_eq!((second.producer_id, second.producer_epoch), (first.producer_id, first.producer_epoch + 1));
    let (stable, _, aborted) = fixture.fetch().await;
    assert_eq!((stable, aborted.len()), (2, 1));
    let fenced = fixture.end((first.producer_id, first.producer_epoch), true).await;
    assert_eq!(ErrorCode(fenced.error_code), ErrorCode::PRODUCER_FENCED);
}

#[tokio::test]
async fn a_transaction_that_is_open_for_too_long_is_aborted() {
    let fixture = Fixture::start().await;
    let begun = fixture.init().await;
    let producer = (begun.producer_id, begun.producer_epoch);
    fixture.produce(producer.0, producer.1, 0, "slow").await;
    fixture.cluster.advance(Duration::from_secs(61));
    let (stable, _, aborted) = fixture.fetch().await;
    assert_eq!((stable, aborted.len()), (2, 1));
    let fenced = fixture.end(producer, true).await;
    assert_eq!(ErrorCode(fenced.error_code), ErrorCode::PRODUCER_FENCED);
}
