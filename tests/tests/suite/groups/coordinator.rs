//! The group's coordinator dies: another broker takes over, and nobody loses a partition.

use kafka_core::cluster::CoordinatorKind;
use kafka_stream::consumer::AssignmentStrategy;
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, create_topic, unique, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_coordinator_costs_no_record_and_no_partition() {
    let cluster = Cluster::three().await.exclusive();
    let topic = create_topic(&cluster, "groups-coordinator", 6).await;
    let group = unique("groups-coordinator");
    let seen = Seen::default();
    let start = || {
        let config = config(&group, &[AssignmentStrategy::CooperativeSticky]);
        Member::start(cluster.client(), config, &topic, &seen)
    };
    let (first, second) = (start(), start());
    settled(&[&first, &second], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading", || seen.count() == 600).await;
    first.consumer.commit_sync().await.unwrap();
    let generation = first.consumer.group_metadata().unwrap().generation_id;

    let client = cluster.client();
    let coordinator = client.coordinator(CoordinatorKind::Group, &group).await.unwrap();
    cluster.kill(coordinator).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading without the broker", || seen.count() == 1200).await;
    // Commits find the new coordinator.
    first.consumer.commit_sync().await.unwrap();
    client.forget_coordinator(CoordinatorKind::Group, &group);
    assert_ne!(client.coordinator(CoordinatorKind::Group, &group).await.unwrap(), coordinator);
    assert_eq!(first.consumer.group_metadata().unwrap().generation_id, generation, "no rebalance");
    cluster.start(coordinator).await;

    let third = start();
    settled(&[&first, &second, &third], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading by three", || seen.count() == 1800).await;
    seen.assert_each_once();
    for member in [first, second, third] {
        let lost = member.errors().into_iter().find(|error| error.is_fatal());
        assert!(lost.is_none(), "{lost:?}");
        member.close().await;
    }
}
