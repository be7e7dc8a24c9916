//! A consumer that does not poll for too long.

use std::time::Duration;

use kafka_stream::consumer::{AssignmentStrategy, ConsumerErrorKind};
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, create_topic, unique, write};

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_poll_leaves_says_so_and_comes_back_by_itself() {
    for strategy in [AssignmentStrategy::Range, AssignmentStrategy::CooperativeSticky] {
        let cluster = Cluster::single().await;
        let topic = create_topic(&cluster, "groups-slow", 4).await;
        let group = unique("groups-slow");
        let seen = Seen::default();
        let mut slow = config(&group, &[strategy]);
        // The interval may not be shorter than the session.
        slow.session_timeout = cluster.shortest_session();
        slow.max_poll_interval = cluster.shortest_session();
        let first = Member::start(cluster.client(), slow, &topic, &seen);
        let second = Member::start(cluster.client(), config(&group, &[strategy]), &topic, &seen);
        settled(&[&first, &second], 4).await;
        write(cluster.client(), &topic, 4, 400).await;
        until("reading by both", || seen.count() == 400).await;

        let consumer = first.pause().await;
        // Who is thrown out cannot commit any more.
        consumer.commit_sync().await.unwrap();
        // Heartbeats go on, so the session does not end: it leaves.
        settled(&[&second], 4).await;
        write(cluster.client(), &topic, 4, 400).await;
        until("reading by the other", || seen.count() == 800).await;
        let error = consumer.poll(Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error.kind(), ConsumerErrorKind::MaxPollIntervalExceeded, "{error}");
        assert!(error.is_retriable() && !error.is_fatal());
        assert!(consumer.assignment().is_empty());

        let consumer = std::sync::Arc::into_inner(consumer).unwrap();
        let first = Member::polling(consumer, &seen);
        settled(&[&first, &second], 4).await;
        write(cluster.client(), &topic, 4, 400).await;
        until("reading by both again", || seen.count() == 1200).await;
        assert!(first.errors().is_empty() && second.errors().is_empty());
        seen.assert_each_once();
        first.close().await;
        second.close().await;
    }
}
