//! Consumers in groups: no record is skipped, whoever comes and goes.

// What is not as it must be ends the test, also in its helpers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kafka_admin::NewTopic;
use kafka_core::TopicPartition;
use kafka_core::records::Compression;
use kafka_stream::consumer::{
    AssignmentStrategy, Consumer, ConsumerConfig, ConsumerErrorKind, ConsumerHandle, ListenerFuture,
    RebalanceListener,
};
use kafka_tests::{Cluster, create, create_topic, unique, write, write_records};

const WAIT: Duration = Duration::from_secs(60);
const PARTITIONS: i32 = 6;

fn config(cluster: &Cluster, group: &str) -> ConsumerConfig {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(group.to_owned());
    config.fetch_min_bytes = 1;
    config.session_timeout = cluster.shortest_session();
    config.heartbeat_interval = Duration::from_millis(500);
    config
}

/// Commits what was handed out before its partitions go, and counts what it hears.
#[derive(Clone, Default)]
struct CommitFirst {
    assigned: Arc<AtomicUsize>,
    revoked: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
}

impl RebalanceListener for CommitFirst {
    fn on_partitions_revoked<'a>(
        &'a self,
        consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            self.revoked.fetch_add(partitions.len(), Ordering::Relaxed);
            for tp in partitions {
                assert!(consumer.assignment().contains(tp), "{tp} is gone before it is revoked");
            }
            consumer.commit_sync().await.unwrap();
        })
    }

    fn on_partitions_assigned<'a>(
        &'a self,
        consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            self.assigned.fetch_add(partitions.len(), Ordering::Relaxed);
            for tp in partitions {
                assert_eq!(consumer.position(tp).unwrap(), None, "{tp} was read before it was assigned");
            }
        })
    }

    fn on_partitions_lost<'a>(
        &'a self,
        _consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            self.lost.fetch_add(partitions.len(), Ordering::Relaxed);
        })
    }
}

/// How often each record was seen, by all members together.
type Seen = Arc<Mutex<BTreeMap<(i32, i64), usize>>>;

fn count(seen: &Seen) -> usize {
    seen.lock().unwrap().len()
}

/// Polls, notes and commits until told to stop; the records that this member saw.
async fn member(consumer: Consumer, seen: Seen, stop: Arc<AtomicBool>) -> usize {
    let mut own = 0;
    while !stop.load(Ordering::Relaxed) {
        let records = consumer.poll(Duration::from_millis(100)).await.unwrap();
        own += records.len();
        {
            let mut seen = seen.lock().unwrap();
            for record in &records {
                *seen.entry((record.partition(), record.offset())).or_default() += 1;
            }
        }
        if !records.is_empty() {
            match consumer.commit_sync().await {
                Ok(()) => {}
                Err(error) => assert_eq!(error.kind(), ConsumerErrorKind::RebalanceInProgress, "{error}"),
            }
        }
    }
    consumer.close(WAIT).await.unwrap();
    own
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn records_move_to_a_member_that_joins_and_back_when_it_leaves(strategy: AssignmentStrategy) {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "group-move", PARTITIONS).await;
    let group = unique("group-move");
    let write = async |count: usize| write(cluster.client(), &topic, PARTITIONS, count).await;
    write(3000).await;
    let seen = Seen::default();
    let start = |stop: &Arc<AtomicBool>, listener: CommitFirst| {
        let mut config = config(&cluster, &group);
        config.partition_assignment_strategy = vec![strategy];
        config.max_poll_records = 50;
        let consumer = Consumer::new(cluster.client(), config).unwrap();
        consumer.subscribe_with([topic.as_str()], listener).unwrap();
        tokio::spawn(member(consumer, Arc::clone(&seen), Arc::clone(stop)))
    };
    let (stop_first, stop_second) = (Arc::default(), Arc::default());
    let (heard_first, heard_second) = (CommitFirst::default(), CommitFirst::default());
    let first = start(&stop_first, heard_first.clone());
    until("the first member's reading", || count(&seen) > 100).await;
    let second = start(&stop_second, heard_second.clone());
    until("the second member's assignment", || heard_second.assigned.load(Ordering::Relaxed) == 3).await;
    write(3000).await;
    until("reading all records by two", || count(&seen) == 6000).await;
    stop_second.store(true, Ordering::Relaxed);
    assert!(second.await.unwrap() > 0, "the second member read nothing");
    write(600).await;
    until("reading all records by one again", || count(&seen) == 6600).await;
    stop_first.store(true, Ordering::Relaxed);
    first.await.unwrap();

    let repeated: Vec<_> =
        seen.lock().unwrap().iter().filter(|(_, times)| **times > 1).map(|(at, _)| *at).collect();
    assert!(repeated.is_empty(), "seen more than once: {repeated:?}");
    assert!(heard_second.revoked.load(Ordering::Relaxed) >= 3);
    assert_eq!(heard_first.lost.load(Ordering::Relaxed) + heard_second.lost.load(Ordering::Relaxed), 0);
    if strategy == AssignmentStrategy::CooperativeSticky {
        // Three to the second member and the end: what stays is not revoked in between.
        assert_eq!(heard_first.revoked.load(Ordering::Relaxed), 3 + 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eager_group_skips_and_repeats_nothing_when_a_member_joins_and_leaves() {
    records_move_to_a_member_that_joins_and_back_when_it_leaves(AssignmentStrategy::Range).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooperative_group_skips_and_repeats_nothing_when_a_member_joins_and_leaves() {
    records_move_to_a_member_that_joins_and_back_when_it_leaves(AssignmentStrategy::CooperativeSticky).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_vanishes_is_replaced_and_nothing_is_skipped() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "group-vanish", PARTITIONS).await;
    let group = unique("group-vanish");
    write(cluster.client(), &topic, PARTITIONS, 3000).await;
    let mut few = config(&cluster, &group);
    few.max_poll_records = 10;
    let first = Consumer::new(cluster.client(), few).unwrap();
    first.subscribe([topic.as_str()]).unwrap();
    let mut before = 0;
    while before < 100 {
        let records = first.poll(WAIT).await.unwrap();
        before += records.len();
        if before <= 50 {
            first.commit_sync().await.unwrap();
        }
    }
    drop(first);
    let (seen, stop) = (Seen::default(), Arc::default());
    let second = Consumer::new(cluster.client(), config(&cluster, &group)).unwrap();
    second.subscribe([topic.as_str()]).unwrap();
    let second = tokio::spawn(member(second, Arc::clone(&seen), Arc::clone(&stop)));
    until("reading what was not committed", || count(&seen) >= 2950).await;
    stop.store(true, Ordering::Relaxed);
    assert_eq!(second.await.unwrap(), 2950);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_polls_too_rarely_hears_of_it_and_joins_again() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "group-slow", 1).await;
    write_records(&cluster, &topic, Compression::None, 20).await;
    let mut slow = config(&cluster, &unique("group-slow"));
    slow.max_poll_interval = slow.session_timeout;
    slow.max_poll_records = 5;
    let consumer = Consumer::new(cluster.client(), slow).unwrap();
    consumer.subscribe([topic.as_str()]).unwrap();
    let records = consumer.poll(WAIT).await.unwrap();
    assert_eq!(records.len(), 5);
    consumer.commit_sync().await.unwrap();
    assert_eq!(consumer.poll(WAIT).await.unwrap().len(), 5);
    tokio::time::sleep(cluster.shortest_session() * 4 / 3).await;
    let error = consumer.commit_sync().await.unwrap_err();
    assert_eq!(error.kind(), ConsumerErrorKind::CommitFailed, "{error}");
    let error = consumer.poll(WAIT).await.unwrap_err();
    assert_eq!(error.kind(), ConsumerErrorKind::MaxPollIntervalExceeded, "{error}");
    assert!(error.is_retriable());
    let again = consumer.poll(WAIT).await.unwrap();
    assert_eq!(again.iter().next().map(|record| record.offset()), Some(5));
    consumer.close(WAIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_commit_commits_at_the_end_and_the_next_member_goes_on_there() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "group-auto", 1).await;
    let group = unique("group-auto");
    write_records(&cluster, &topic, Compression::None, 20).await;
    let start = || {
        let mut config = config(&cluster, &group);
        config.enable_auto_commit = true;
        config.max_poll_records = 7;
        let consumer = Consumer::new(cluster.client(), config).unwrap();
        consumer.subscribe([topic.as_str()]).unwrap();
        consumer
    };
    let first = start();
    assert_eq!(first.poll(WAIT).await.unwrap().len(), 7);
    first.close(WAIT).await.unwrap();
    let second = start();
    let records = second.poll(WAIT).await.unwrap();
    assert_eq!(records.iter().next().map(|record| record.offset()), Some(7));
    second.close(WAIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscribed_topic_that_is_missing_is_an_error_while_others_are_read() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "group-known", 1).await;
    let missing = unique("group-missing");
    write_records(&cluster, &topic, Compression::None, 5).await;
    let consumer = Consumer::new(cluster.client(), config(&cluster, &unique("group-missing"))).unwrap();
    consumer.subscribe([topic.as_str(), missing.as_str()]).unwrap();
    let (mut records, mut told, deadline) = (0, false, Instant::now() + WAIT);
    while records < 5 || !told {
        assert!(Instant::now() < deadline, "{records} records, told: {told}");
        match consumer.poll(Duration::from_millis(500)).await {
            Ok(polled) => records += polled.len(),
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.topic()),
                    (ConsumerErrorKind::UnknownTopic, Some(missing.as_str()))
                );
                told = true;
            }
        }
    }
    let refused = consumer.subscribe(["not a name"]).unwrap_err();
    assert_eq!((refused.kind(), refused.topic()), (ConsumerErrorKind::InvalidInput, Some("not a name")));
    consumer.unsubscribe().await;
    assert!(consumer.assignment().is_empty());
    consumer.close(WAIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_reads_every_topic_that_matches() {
    let cluster = Cluster::single().await;
    let prefix = unique("group-pattern");
    let topics = [format!("{prefix}-a"), format!("{prefix}-b")];
    for topic in &topics {
        create(&cluster.client(), &NewTopic::new(topic).partitions(1)).await;
        write_records(&cluster, topic, Compression::None, 5).await;
    }
    let consumer = Consumer::new(cluster.client(), config(&cluster, &prefix)).unwrap();
    consumer.subscribe_pattern(&format!("{prefix}-[ab]")).unwrap();
    let (mut read, deadline) = (BTreeMap::<String, usize>::new(), Instant::now() + WAIT);
    while read.values().sum::<usize>() < 10 {
        assert!(Instant::now() < deadline, "only {read:?}");
        for record in consumer.poll(Duration::from_millis(500)).await.unwrap() {
            *read.entry(record.topic.to_string()).or_default() += 1;
        }
    }
    assert_eq!(read.into_values().collect::<Vec<_>>(), [5, 5]);
    consumer.close(WAIT).await.unwrap();
}
