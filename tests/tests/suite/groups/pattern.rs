//! Subscription by pattern.

use std::time::Duration;

use kafka_core::cluster::{Client, ClientConfig};
use kafka_stream::consumer::{AssignmentStrategy, Consumer};
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, create_topic, unique, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_comes_to_match_is_read_from_its_beginning() {
    let cluster = Cluster::single().await;
    let prefix = unique("groups-pattern");
    create_topic(&cluster, &format!("{prefix}-a"), 2).await;
    create_topic(&cluster, &format!("other-{prefix}"), 3).await;
    let addresses = cluster.bootstrap_servers();
    let mut settings = ClientConfig::new(addresses.iter().map(|address| address.parse().unwrap()));
    settings.metadata_max_age = Duration::from_secs(1);
    let start = |seen: &Seen| {
        let config = config(&prefix, &[AssignmentStrategy::CooperativeSticky]);
        let consumer = Consumer::new(Client::new(settings.clone()).unwrap(), config).unwrap();
        consumer.subscribe_pattern(&format!("{prefix}-[a-z].*")).unwrap();
        Member::polling(consumer, seen)
    };
    let seen = Seen::default();
    let (first, second) = (start(&seen), start(&seen));
    settled(&[&first, &second], 2).await;
    let new = create_topic(&cluster, &format!("{prefix}-b"), 4).await;
    write(cluster.client(), &new, 4, 400).await;
    settled(&[&first, &second], 6).await;
    until("reading the new topic", || seen.count() == 400).await;
    seen.assert_each_once();
    assert!(first.errors().is_empty() && second.errors().is_empty());
    first.close().await;
    second.close().await;
}
