//! Consumers that say their rack: they read from the replica there (KIP-392), and are assigned what is near (KIP-881).
//!
//! Only on real clusters: embedded brokers are in no rack.

use kafka_stream::consumer::AssignmentStrategy;
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, Tool, create_topic, unique, write};

#[tokio::test(flavor = "multi_thread")]
async fn records_are_read_from_the_replica_in_the_same_rack() {
    let cluster = Cluster::real_three();
    let topic = create_topic(&cluster, "racks", 3).await;
    let seen = Seen::default();
    let start = |rack: Option<&str>| {
        let mut config = config(&unique("racks"), &[AssignmentStrategy::Range]);
        config.client_rack = rack.map(str::to_owned);
        Member::start(cluster.client(), config, &topic, &seen)
    };
    // Each broker leads one of the partitions; two of them are followed in this rack.
    let near = start(Some("rack-2"));
    settled(&[&near], 3).await;
    for round in 1..=5 {
        write(cluster.client(), &topic, 3, 300).await;
        until("reading", || seen.count() == 300 * round).await;
    }
    let stats = near.consumer.stats();
    assert!(stats.follower_fetches > 0, "{stats:?}");
    near.close().await;

    let seen_before = seen.count();
    let far = start(None);
    until("reading again", || far.consumer.stats().records == 1500).await;
    assert_eq!((far.consumer.stats().follower_fetches, seen.count()), (0, seen_before));
    far.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn range_assigns_the_partitions_whose_only_replica_is_in_the_members_rack() {
    let cluster = Cluster::real_three();
    let topic = unique("racks-range");
    let create = ["--create", "--topic", &topic, "--replica-assignment", "3,2,1"];
    cluster.tool(Tool::Topics, &create, "").await.success();
    let group = unique("racks-range");
    let seen = Seen::default();
    let start = |rack: &str| {
        let mut config = config(&group, &[AssignmentStrategy::Range]);
        config.client_rack = Some(rack.to_owned());
        Member::start(cluster.client(), config, &topic, &seen)
    };
    let members = [start("rack-1"), start("rack-2"), start("rack-3")];
    settled(&[&members[0], &members[1], &members[2]], 3).await;
    until("near assignments", || {
        let owned: Vec<_> = members.iter().flat_map(|m| m.owned()).map(|tp| tp.partition).collect();
        owned == [2, 1, 0]
    })
    .await;
    for member in members {
        member.close().await;
    }
}
