//! Clusters come and go by the dozen: in little time, side by side, and without a trace.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::time::{Duration, Instant};

use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::net::CallOptions;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::ProduceRequest;
use kafka_core::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_core::records::{BatchBuilder, Compression, Compressor, NO_HEADERS, ProducerStamp};
use kafka_embedded::EmbeddedCluster;
use tokio::net::{TcpListener, TcpStream};

async fn start(brokers: u16) -> EmbeddedCluster {
    EmbeddedCluster::builder().brokers(brokers).topic("t", 1).start().await.unwrap()
}

fn client(cluster: &EmbeddedCluster) -> Client {
    let servers = cluster.bootstrap_servers();
    Client::new(ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()))).unwrap()
}

/// Writes a record by a client of its own.
async fn write(cluster: &EmbeddedCluster) {
    let mut builder = BatchBuilder::with_capacity(100);
    builder.append(0, None, Some(b"value"), NO_HEADERS).unwrap();
    let batch = builder.finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE);
    let data = PartitionProduceData { index: 0, records: Some(batch.unwrap().bytes()) };
    let topic_id = cluster.topic("t").unwrap().id;
    let topic = TopicProduceData { topic_id, partition_data: vec![data], ..Default::default() };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 1000, topic_data: vec![topic], ..Default::default() };
    let options = CallOptions::new(Duration::from_secs(60));
    let client = client(cluster);
    let answer = client.call_controller(options, |_| request.clone(), |_| ErrorCode::NONE).await.unwrap();
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
}

#[tokio::test]
async fn a_cluster_of_three_starts_in_a_moment() {
    let mut times = Vec::new();
    for _ in 0..30 {
        let begun = Instant::now();
        let cluster = start(3).await;
        times.push(begun.elapsed());
        drop(cluster);
    }
    times.sort_unstable();
    println!("started in {:?}, and {:?} half of the time", times[0], times[15]);
    // A machine that does a lot of other things takes longer now and then.
    assert!(times[0] < Duration::from_millis(10), "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clusters_run_side_by_side() {
    let tasks = (0..50).map(|_| {
        tokio::spawn(async {
            let cluster = start(1).await;
            write(&cluster).await;
            cluster
        })
    });
    let mut clusters = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        clusters.push(task.await.unwrap());
    }
    assert!(clusters.iter().all(|cluster| cluster.end_offsets("t") == Some(vec![1])));
}

#[test]
fn a_dropped_cluster_leaves_no_task_no_port_and_no_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let come_and_go = || {
        runtime.block_on(async {
            let cluster = start(3).await;
            write(&cluster).await;
            let servers = cluster.bootstrap_servers();
            let silent = TcpStream::connect(&servers[0]).await.unwrap();
            drop(cluster);
            // Tasks that were told to end do so when they are next run.
            let tasks = tokio::runtime::Handle::current().metrics();
            let begun = Instant::now();
            while tasks.num_alive_tasks() > 0 {
                assert!(begun.elapsed() < Duration::from_secs(60), "{} tasks", tasks.num_alive_tasks());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            drop(silent);
            for server in servers {
                drop(TcpListener::bind(server).await.unwrap());
            }
        });
    };
    come_and_go();
    let counted = allocation_counter::measure(|| (0..10).for_each(|_| come_and_go()));
    assert!(counted.bytes_current < 64 << 10, "{} bytes are left of ten clusters", counted.bytes_current);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_started_while_it_is_being_killed_runs_afterwards_and_is_one_of_the_cluster() {
    for _ in 0..20 {
        let cluster = start(1).await;
        let (killed, started) = tokio::join!(cluster.kill(1), cluster.start(1));
        killed.and(started).unwrap();
        write(&cluster).await;
        let (killed, started) = tokio::join!(cluster.stop(1), cluster.start(1));
        killed.and(started).unwrap();
        write(&cluster).await;
    }
}
