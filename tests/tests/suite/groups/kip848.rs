//! Groups of the new protocol (KIP-848): the broker assigns.

use std::time::Duration;

use kafka_core::cluster::{Client, ClientConfig};
use kafka_stream::consumer::{
    AssignmentStrategy, Consumer, ConsumerConfig, ConsumerErrorKind, GroupProtocol,
};
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, create_topic, unique, write};

fn modern(group: &str) -> ConsumerConfig {
    let mut config = config(group, &[AssignmentStrategy::Range]);
    config.group_protocol = GroupProtocol::Consumer;
    config
}

async fn members_come_and_go(assignor: Option<&str>) {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "kip848", 6).await;
    let group = unique("kip848");
    let seen = Seen::default();
    let start = || {
        let mut config = modern(&group);
        config.group_remote_assignor = assignor.map(str::to_owned);
        Member::start(cluster.client(), config, &topic, &seen)
    };
    let first = start();
    settled(&[&first], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading alone", || seen.count() == 600).await;
    first.consumer.commit_sync().await.unwrap();
    let (second, third) = (start(), start());
    settled(&[&first, &second, &third], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading by three", || seen.count() == 1200).await;
    for member in [&first, &second, &third] {
        member.consumer.commit_sync().await.unwrap();
        assert!(member.consumer.group_metadata().unwrap().generation_id > 0);
    }
    second.close().await;
    settled(&[&first, &third], 6).await;
    first.close().await;
    settled(&[&third], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading by the last", || seen.count() == 1800).await;
    seen.assert_each_once();
    assert!(third.errors().is_empty());
    third.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_and_each_record_is_seen_once() {
    members_come_and_go(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brokers_assignor_is_by_choice() {
    members_come_and_go(Some("range")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignor_that_the_broker_does_not_have_is_an_error_that_names_the_setting() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "kip848-assignor", 1).await;
    let mut config = modern(&unique("kip848-assignor"));
    config.group_remote_assignor = Some("nonsense".to_owned());
    let member = Member::start(cluster.client(), config, &topic, &Seen::default());
    let mut errors = Vec::new();
    until("the error", || {
        errors.extend(member.errors());
        errors.len() > 2
    })
    .await;
    assert!(errors.iter().all(|error| error.is_fatal()));
    assert!(errors[0].to_string().contains("group.remote.assignor"), "{}", errors[0]);
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_matches_the_pattern_and_a_new_topic_is_read_from_its_beginning() {
    let cluster = Cluster::single().await;
    let prefix = unique("kip848-pattern");
    create_topic(&cluster, &format!("{prefix}-a"), 2).await;
    create_topic(&cluster, &format!("other-{prefix}"), 3).await;
    let addresses = cluster.bootstrap_servers();
    let mut settings = ClientConfig::new(addresses.iter().map(|address| address.parse().unwrap()));
    settings.metadata_max_age = Duration::from_secs(1);
    let seen = Seen::default();
    let start = || {
        let consumer = Consumer::new(Client::new(settings.clone()).unwrap(), modern(&prefix)).unwrap();
        consumer.subscribe_pattern(&format!("{prefix}-[a-z].*")).unwrap();
        Member::polling(consumer, &seen)
    };
    let (first, second) = (start(), start());
    settled(&[&first, &second], 2).await;
    let new = create_topic(&cluster, &format!("{prefix}-b"), 4).await;
    write(cluster.client(), &new, 4, 400).await;
    settled(&[&first, &second], 6).await;
    until("reading the new topic", || seen.count() == 400).await;
    // From the pattern to names, and to another pattern.
    first.consumer.subscribe([&new]).unwrap();
    second.consumer.subscribe_pattern("nothing").unwrap();
    settled(&[&first], 4).await;
    until("giving up", || second.owned().is_empty()).await;
    seen.assert_each_once();
    assert!(first.errors().is_empty() && second.errors().is_empty());
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_keeps_its_partitions_through_a_restart() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "kip848-static", 6).await;
    let group = unique("kip848-static");
    let seen = Seen::default();
    let start = |instance: &str| {
        let mut config = modern(&group);
        config.group_instance_id = Some(instance.to_owned());
        Member::start(cluster.client(), config, &topic, &seen)
    };
    let (first, second) = (start("a"), start("b"));
    settled(&[&first, &second], 6).await;
    let (owned, rebalances) = (second.owned(), first.consumer.stats().rebalances);
    second.close().await;
    let second = start("b");
    settled(&[&first, &second], 6).await;
    assert_eq!(second.owned(), owned);
    assert_eq!(first.consumer.stats().rebalances, rebalances, "the other member notices nothing");
    // The name is taken: told while it lasts, and over once it is free.
    let third = start("b");
    let mut errors = Vec::new();
    until("refusal of the third", || {
        errors.extend(third.errors());
        !errors.is_empty()
    })
    .await;
    assert!(!errors[0].is_fatal() && errors[0].to_string().contains("group.instance.id"), "{}", errors[0]);
    second.close().await;
    settled(&[&first, &third], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading by both", || seen.count() == 600).await;
    seen.assert_each_once();
    first.close().await;
    third.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_poll_leaves_says_so_and_comes_back_by_itself() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "kip848-slow", 4).await;
    let group = unique("kip848-slow");
    let seen = Seen::default();
    let mut slow = modern(&group);
    slow.session_timeout = Duration::from_secs(5);
    slow.max_poll_interval = Duration::from_secs(5);
    let first = Member::start(cluster.client(), slow, &topic, &seen);
    let second = Member::start(cluster.client(), modern(&group), &topic, &seen);
    settled(&[&first, &second], 4).await;
    write(cluster.client(), &topic, 4, 400).await;
    until("reading by both", || seen.count() == 400).await;
    let consumer = first.pause().await;
    consumer.commit_sync().await.unwrap();
    settled(&[&second], 4).await;
    let error = consumer.poll(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind(), ConsumerErrorKind::MaxPollIntervalExceeded, "{error}");
    let first = Member::polling(std::sync::Arc::into_inner(consumer).unwrap(), &seen);
    settled(&[&first, &second], 4).await;
    write(cluster.client(), &topic, 4, 400).await;
    until("reading by both again", || seen.count() == 800).await;
    seen.assert_each_once();
    assert!(first.errors().is_empty() && second.errors().is_empty());
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_group_becomes_one_of_the_new_protocol_member_by_member_and_goes_back() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "kip848-upgrade", 4).await;
    let group = unique("kip848-upgrade");
    let seen = Seen::default();
    let start = |config| Member::start(cluster.client(), config, &topic, &seen);
    let classic = || config(&group, &[AssignmentStrategy::CooperativeSticky]);
    let (mut first, mut second) = (start(classic()), start(classic()));
    settled(&[&first, &second], 4).await;
    let mut written = 0;
    for config in [modern(&group), modern(&group), classic(), classic()] {
        first.close().await;
        first = start(config);
        settled(&[&first, &second], 4).await;
        write(cluster.client(), &topic, 4, 400).await;
        written += 400;
        until("reading by both", || seen.count() == written).await;
        assert!(first.errors().is_empty() && second.errors().is_empty());
        std::mem::swap(&mut first, &mut second);
    }
    seen.assert_each_once();
    first.close().await;
    second.close().await;
}
