//! Members that join, leave and vanish, with every strategy.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kafka_core::TopicPartition;
use kafka_stream::consumer::{AssignmentStrategy, Consumer, ConsumerConfig};
use kafka_tests::{Cluster, create_topic, unique};

const WAIT: Duration = Duration::from_secs(40);
const PARTITIONS: usize = 6;

fn member(cluster: &Cluster, group: &str, strategy: AssignmentStrategy, topic: &str) -> Consumer {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(group.to_owned());
    config.partition_assignment_strategy = vec![strategy];
    config.session_timeout = cluster.shortest_session();
    config.heartbeat_interval = Duration::from_millis(500);
    let consumer = Consumer::new(cluster.client(), config).unwrap();
    consumer.subscribe([topic]).unwrap();
    consumer
}

/// Polls all members until each partition has one owner and nobody has more than one above the fair share.
async fn settle(members: &[&Consumer]) {
    let deadline = Instant::now() + WAIT;
    loop {
        for member in members {
            member.poll(Duration::from_millis(50)).await.unwrap();
        }
        let shares: Vec<Vec<TopicPartition>> = members.iter().map(|m| m.assignment()).collect();
        let owned: BTreeSet<_> = shares.iter().flatten().collect();
        let total: usize = shares.iter().map(Vec::len).sum();
        let most = PARTITIONS.div_ceil(members.len());
        if total == PARTITIONS && owned.len() == total && shares.iter().all(|share| share.len() <= most) {
            return;
        }
        assert!(Instant::now() < deadline, "the group did not settle: {shares:?}");
    }
}

async fn members_come_and_go(strategy: AssignmentStrategy) {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "groups", 6).await;
    let group = unique("groups");
    let first = member(&cluster, &group, strategy, &topic);
    settle(&[&first]).await;
    let tp = TopicPartition::new(topic.as_str(), 0);
    first.commit_sync_offsets([(tp.clone(), 0.into())]).await.unwrap();
    let second = member(&cluster, &group, strategy, &topic);
    let third = member(&cluster, &group, strategy, &topic);
    settle(&[&first, &second, &third]).await;
    second.close(WAIT).await.unwrap();
    settle(&[&first, &third]).await;
    // Dropped without leaving: its session has to end.
    drop(first);
    settle(&[&third]).await;
    let committed = third.committed(std::slice::from_ref(&tp)).await.unwrap();
    assert_eq!(committed.get(&tp).cloned().flatten().map(|committed| committed.offset), Some(0));
    third.close(WAIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_with_range() {
    members_come_and_go(AssignmentStrategy::Range).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_with_round_robin() {
    members_come_and_go(AssignmentStrategy::RoundRobin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_with_sticky() {
    members_come_and_go(AssignmentStrategy::Sticky).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_with_cooperative_sticky() {
    members_come_and_go(AssignmentStrategy::CooperativeSticky).await;
}
