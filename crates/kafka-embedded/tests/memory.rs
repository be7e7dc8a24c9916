//! What a cluster takes of memory is what it is allowed to, and some more.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::ProduceRequest;
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::records::{BatchBuilder, Compression, Compressor, NO_HEADERS, ProducerStamp};
use kafka_embedded::EmbeddedCluster;

const LIMIT: u64 = 4 << 20;
const PARTITIONS: i32 = 100;

/// A batch into each of several partitions.
fn request(topic: Uuid, size: usize) -> ProduceRequest {
    let partitions = if size < 10_000 { PARTITIONS } else { PARTITIONS / 10 };
    let data = (0..partitions).map(|index| {
        let mut builder = BatchBuilder::with_capacity(size + 100);
        builder.append(0, None, Some(&vec![7; size]), NO_HEADERS).unwrap();
        let batch = builder.finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE);
        PartitionProduceData { index, records: Some(batch.unwrap().bytes()) }
    });
    let topic = TopicProduceData { topic_id: topic, partition_data: data.collect(), ..Default::default() };
    ProduceRequest { acks: -1, timeout_ms: 1000, topic_data: vec![topic], ..Default::default() }
}

/// Produces until no partition takes anything more.
async fn fill(cluster: &EmbeddedCluster, size: usize) {
    let servers = cluster.bootstrap_servers();
    let client =
        Client::new(ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()))).unwrap();
    let topic = cluster.topic("t").unwrap().id;
    let options = CallOptions::new(Duration::from_secs(60));
    loop {
        let request = request(topic, size);
        let answer = client.call_controller(options, |_| request.clone(), |_| ErrorCode::NONE).await.unwrap();
        let mut codes = answer.responses[0].partition_responses.iter().map(|one| ErrorCode(one.error_code));
        if codes.all(|code| code == ErrorCode::KAFKA_STORAGE_ERROR) {
            return;
        }
    }
}

#[test]
fn records_of_any_size_take_no_more_memory_than_is_allowed() {
    for size in [10, 3000, 70_000] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut cluster = None;
        let counted = allocation_counter::measure(|| {
            runtime.block_on(async {
                let builder = EmbeddedCluster::builder().max_bytes(LIMIT).topic("t", PARTITIONS);
                let started = cluster.insert(builder.start().await.unwrap());
                fill(started, size).await;
            });
        });
        let (taken, allowed) = (counted.bytes_current, i64::try_from(LIMIT).unwrap());
        // Queues double as they grow, and a connection has its buffer.
        assert!(taken < allowed * 3 / 2 + (1 << 20), "{taken} bytes with records of {size}");
        assert!(taken > allowed / 2, "{taken} bytes with records of {size}");
        drop(cluster);
    }
}
