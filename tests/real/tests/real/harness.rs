//! The harness itself, on every cluster: what other tests rely on.
//!
//! Only on real clusters: they are about Kafka's own programs, and processes that are killed and frozen.

use kafka_tests::{Cluster, Tool, unique};

async fn what_the_console_producer_writes_the_console_consumer_reads(cluster: &Cluster) {
    let topic = unique("harness-console");
    let created = ["--create", "--topic", &topic, "--partitions", "1"];
    cluster.tool(Tool::Topics, &created, "").await.success();
    cluster.tool(Tool::ConsoleProducer, &["--topic", &topic], "one\ntwo\n").await.success();
    let read = ["--topic", &topic, "--from-beginning", "--max-messages", "2", "--timeout-ms", "30000"];
    let read = cluster.tool(Tool::ConsoleConsumer, &read, "").await.success();
    assert_eq!(String::from_utf8_lossy(&read), "one\ntwo\n");
}

#[tokio::test]
async fn kafkas_tools_talk_to_the_single_broker() {
    what_the_console_producer_writes_the_console_consumer_reads(&Cluster::real_single()).await;
}

#[tokio::test]
async fn kafkas_tools_talk_to_the_oldest_broker() {
    let cluster = Cluster::oldest();
    assert!(cluster.version_numbers() < (3, 0, 0), "{}", cluster.version());
    what_the_console_producer_writes_the_console_consumer_reads(&cluster).await;
}

#[tokio::test]
async fn a_killed_broker_leaves_the_metadata_of_the_others_and_comes_back() {
    let cluster = Cluster::real_three().exclusive();
    assert_eq!(cluster.broker_ids(), [1, 2, 3]);
    let topic = unique("harness-kill");
    let created = ["--create", "--topic", &topic, "--partitions", "3", "--replication-factor", "3"];
    cluster.tool(Tool::Topics, &created, "").await.success();
    cluster.kill(2).await;
    let under_replicated = ["--describe", "--topic", &topic, "--under-replicated-partitions"];
    let mut described = Vec::new();
    for _ in 0..20 {
        described = cluster.tool(Tool::Topics, &under_replicated, "").await.success();
        if !described.is_empty() {
            break;
        }
    }
    assert!(!described.is_empty(), "no partition misses the killed broker");
    cluster.start(2).await;
}

#[tokio::test]
async fn a_paused_broker_takes_connections_and_answers_nothing_until_it_is_resumed() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::{Duration, timeout},
    };
    // ApiVersions v0: size, API 18, version 0, correlation id 7, null client id.
    const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let cluster = Cluster::real_three().exclusive();
    cluster.pause(3).await;
    let mut stream = TcpStream::connect(cluster.address(3)).await.unwrap();
    stream.write_all(&REQUEST).await.unwrap();
    let mut answer = [0; 8];
    assert!(timeout(Duration::from_millis(500), stream.read_exact(&mut answer)).await.is_err());
    cluster.resume(3).await;
    timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer[4..], [0, 0, 0, 7]);
}
