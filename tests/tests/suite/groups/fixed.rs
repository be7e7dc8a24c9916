//! Static members (KIP-345): they keep their partitions through a restart, and an instance id belongs to one of them.

use std::collections::BTreeSet;

use kafka_stream::consumer::{AssignmentStrategy, ConsumerConfig, ConsumerErrorKind};
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, create_topic, unique, write};

fn fixed(group: &str, instance: &str) -> ConsumerConfig {
    let mut config = config(group, &[AssignmentStrategy::Range]);
    config.group_instance_id = Some(instance.to_owned());
    config
}

fn generation(member: &Member) -> i32 {
    member.consumer.group_metadata().unwrap().generation_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_that_restarts_within_its_session_causes_no_rebalance() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "groups-static", 6).await;
    let group = unique("groups-static");
    let seen = Seen::default();
    let start = |instance| Member::start(cluster.client(), fixed(&group, instance), &topic, &seen);
    let (first, second) = (start("a"), start("b"));
    settled(&[&first, &second], 6).await;
    let (before, owned) = (generation(&first), second.owned());
    let rebalances = first.consumer.stats().rebalances;
    second.close().await;
    let second = start("b");
    settled(&[&first, &second], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading by both", || seen.count() == 600).await;
    assert_eq!(second.owned(), owned);
    assert_eq!((generation(&first), generation(&second)), (before, before));
    assert_eq!(first.consumer.stats().rebalances, rebalances, "the other member notices nothing");
    assert!(first.errors().is_empty());
    seen.assert_each_once();
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_member_with_the_same_instance_id_fences_the_first_for_good() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "groups-fenced", 4).await;
    let group = unique("groups-fenced");
    let seen = Seen::default();
    let first = Member::start(cluster.client(), fixed(&group, "a"), &topic, &seen);
    settled(&[&first], 4).await;
    let second = Member::start(cluster.client(), fixed(&group, "a"), &topic, &seen);
    settled(&[&second], 4).await;
    let mut errors = Vec::new();
    // Said by each poll, not once.
    until("fencing of the first", || {
        errors.extend(first.errors());
        errors.len() >= 5
    })
    .await;
    for error in &errors {
        assert_eq!(error.kind(), ConsumerErrorKind::Fenced, "{error}");
        assert!(error.is_fatal() && !error.is_retriable());
        assert!(error.to_string().contains("group.instance.id"), "{error}");
    }
    assert!(first.owned().is_empty());
    assert_eq!(second.owned().iter().collect::<BTreeSet<_>>().len(), 4);
    assert!(second.errors().is_empty());
    second.close().await;
    first.close().await;
}
