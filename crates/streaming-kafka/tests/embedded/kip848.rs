//! Groups that the coordinator assigns.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::NewTopic;
use streaming_kafka::admin::{Admin, NewPartitions};
use streaming_kafka::consumer::{Consumer, ConsumerConfig, GroupProtocol};

use crate::support::{WAIT, client, number, producer, read, send, until};

type Seen = Arc<Mutex<BTreeMap<u32, usize>>>;

async fn cluster(topics: &[(&str, i32)]) -> EmbeddedCluster {
    let builder = EmbeddedCluster::builder().brokers(3).seed(7);
    let builder = builder.consumer_heartbeat_interval(Duration::from_millis(20));
    topics.iter().fold(builder, |builder, (name, count)| builder.topic(*name, *count)).start().await.unwrap()
}

fn consumer(cluster: &EmbeddedCluster, group: &str, protocol: GroupProtocol) -> Consumer {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(group.to_owned());
    config.group_protocol = protocol;
    config.fetch_min_bytes = 1;
    config.heartbeat_interval = Duration::from_millis(50);
    Consumer::new(client(cluster), config).unwrap()
}

struct Member {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Member {
    /// Reads and commits until it is told to stop.
    fn start(consumer: Consumer, seen: &Seen) -> Self {
        let (stop, seen) = (Arc::<AtomicBool>::default(), Arc::clone(seen));
        let told = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            while !told.load(Ordering::Relaxed) {
                let records = consumer.poll(Duration::from_millis(50)).await.unwrap();
                let some = !records.is_empty();
                for record in records {
                    *seen.lock().unwrap().entry(number(&record)).or_default() += 1;
                }
                if some {
                    consumer.commit_sync().await.unwrap();
                }
            }
            consumer.close(WAIT).await.unwrap();
        });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
    }
}

fn stands(cluster: &EmbeddedCluster, group: &str) -> Option<(&'static str, &'static str, usize)> {
    cluster.group(group).map(|group| (group.kind, group.state, group.members.len()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_and_each_record_is_seen_once() {
    let cluster = cluster(&[("shared", 6)]).await;
    let (seen, producer) = (Seen::default(), producer(&client(&cluster)));
    let start = || {
        let consumer = consumer(&cluster, "modern", GroupProtocol::Consumer);
        consumer.subscribe(["shared"]).unwrap();
        Member::start(consumer, &seen)
    };
    let first = start();
    until("one member", || stands(&cluster, "modern") == Some(("consumer", "Stable", 1))).await;
    send(&producer, "shared", 0..1000).await;
    until("the first member read all", || seen.lock().unwrap().len() == 1000).await;
    let (second, third) = (start(), start());
    until("three members", || stands(&cluster, "modern") == Some(("consumer", "Stable", 3))).await;
    send(&producer, "shared", 1000..2000).await;
    until("all read all", || seen.lock().unwrap().len() == 2000).await;
    first.stop().await;
    third.stop().await;
    send(&producer, "shared", 2000..3000).await;
    until("the second member read the rest", || seen.lock().unwrap().len() == 3000).await;
    second.stop().await;
    assert!(seen.lock().unwrap().values().all(|&times| times == 1), "nothing twice without a failure");
    let group = cluster.group("modern").unwrap();
    assert_eq!((group.state, group.offsets.values().sum::<i64>()), ("Empty", 3000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_finds_topics_that_come_later_and_more_partitions() {
    let cluster = cluster(&[("logs.a", 1), ("other", 1)]).await;
    let client = client(&cluster);
    let (admin, producer) = (Admin::new(client.clone()), producer(&client));
    let reader = consumer(&cluster, "patterns", GroupProtocol::Consumer);
    reader.subscribe_pattern("logs\\..*").unwrap();
    send(&producer, "other", 900..910).await;
    send(&producer, "logs.a", 0..10).await;
    assert!(read(&reader, 10).await.iter().map(number).eq(0..10));
    admin.create_topic(&NewTopic::new("logs.b").partitions(1).replication_factor(1)).await.unwrap();
    send(&producer, "logs.b", 10..20).await;
    assert!(read(&reader, 10).await.iter().map(number).eq(10..20));
    let added = admin.create_partitions(&[NewPartitions::new("logs.a", 3)]).await.unwrap();
    assert!(added[0].result.is_ok());
    let assigned = async {
        while reader.assignment().len() != 4 {
            reader.poll(Duration::from_millis(20)).await.unwrap();
        }
    };
    tokio::time::timeout(WAIT, assigned).await.unwrap();
    reader.close(WAIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_goes_from_one_protocol_to_the_other_and_back_without_a_stop() {
    let cluster = cluster(&[("moving", 4)]).await;
    let (seen, producer) = (Seen::default(), producer(&client(&cluster)));
    let start = |protocol| {
        let consumer = consumer(&cluster, "moving", protocol);
        consumer.subscribe(["moving"]).unwrap();
        Member::start(consumer, &seen)
    };
    let mut written = 0;
    let mut write = async |what: &str| {
        send(&producer, "moving", written..written + 400).await;
        written += 400;
        until(what, || seen.lock().unwrap().len() == written as usize).await;
    };
    let (a, b) = (start(GroupProtocol::Classic), start(GroupProtocol::Classic));
    until("a classic group", || stands(&cluster, "moving") == Some(("classic", "Stable", 2))).await;
    write("read by the classic protocol").await;
    let c = start(GroupProtocol::Consumer);
    until("an upgrade", || stands(&cluster, "moving") == Some(("consumer", "Stable", 3))).await;
    write("read by both protocols").await;
    a.stop().await;
    b.stop().await;
    until("one new member", || stands(&cluster, "moving") == Some(("consumer", "Stable", 1))).await;
    write("read by the new protocol").await;
    let d = start(GroupProtocol::Classic);
    until("both", || stands(&cluster, "moving") == Some(("consumer", "Stable", 2))).await;
    write("read by both once more").await;
    c.stop().await;
    until("a downgrade", || stands(&cluster, "moving") == Some(("classic", "Stable", 1))).await;
    write("read by the classic protocol again").await;
    d.stop().await;
    let offsets = cluster.group("moving").unwrap().offsets;
    assert_eq!(offsets.values().sum::<i64>(), 2000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_whose_session_ended_joins_again_and_a_dead_one_is_replaced() {
    let cluster = cluster(&[("orphan", 2)]).await;
    let producer = producer(&client(&cluster));
    let reader = consumer(&cluster, "heirs", GroupProtocol::Consumer);
    reader.subscribe(["orphan"]).unwrap();
    send(&producer, "orphan", 0..10).await;
    read(&reader, 10).await;
    reader.commit_sync().await.unwrap();
    cluster.advance(Duration::from_secs(60));
    until("leaving and joining", || cluster.group("heirs").unwrap().generation == 4).await;
    send(&producer, "orphan", 10..20).await;
    read(&reader, 10).await;
    reader.commit_sync().await.unwrap();
    drop(reader);
    let heir = consumer(&cluster, "heirs", GroupProtocol::Consumer);
    heir.subscribe(["orphan"]).unwrap();
    cluster.advance(Duration::from_secs(60));
    send(&producer, "orphan", 20..30).await;
    let mut numbers: Vec<u32> = read(&heir, 10).await.iter().map(number).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(20..30));
}
