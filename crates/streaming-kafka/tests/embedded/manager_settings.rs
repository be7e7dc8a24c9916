//! Settings of handlers, dead letters and redrives from variables, and what then happens on brokers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::dead_letter::{Provenance, header};
use streaming_kafka::handler::{FailureStats, HandlerError};
use streaming_kafka::prelude::*;
use tokio::task::JoinHandle;

use crate::support::{WAIT, cluster, until};

const HANDLER: &str = "STREAMING_KAFKA__HANDLER_CONFIG";

/// A manager that is set up as a service's is, and quick.
fn manager(cluster: &EmbeddedCluster, handler: &str) -> KafkaManager {
    let variables = [
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", cluster.bootstrap_servers().join(",")),
        (
            "STREAMING_KAFKA__CONSUMER_CONFIG",
            r#"{"fetch_min_bytes":1,"heartbeat_interval_ms":100}"#.to_owned(),
        ),
        ("STREAMING_KAFKA__PRODUCER_CONFIG", r#"{"compression_type":"none"}"#.to_owned()),
        (HANDLER, handler.to_owned()),
    ];
    KafkaManager::new(&KafkaConfig::from_vars(variables).unwrap()).unwrap()
}

type Consumed = JoinHandle<streaming_kafka::Result<streaming_kafka::handler::HandlerStats>>;

fn consume(manager: &KafkaManager, topic: &'static str, handler: impl Handler) -> Consumed {
    let manager = manager.clone();
    tokio::spawn(async move { manager.consume_events(topic, handler).await })
}

async fn ended(consumed: Consumed) -> streaming_kafka::Result<streaming_kafka::handler::HandlerStats> {
    tokio::time::timeout(WAIT, consumed).await.unwrap().unwrap()
}

async fn produce(manager: &KafkaManager, topic: &str, events: impl IntoIterator<Item = u32>) {
    for event in events {
        manager.produce_event_with_key(topic, event.to_string(), &event).await.unwrap();
    }
}

fn failure<'a>(failures: &'a [FailureStats], class: &str) -> &'a FailureStats {
    failures.iter().find(|failure| &*failure.class == class).unwrap()
}

/// Fails as often as told for each event, with this class.
fn failing(class: &'static str, times: usize) -> (impl Handler, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = move |_: ConsumerRecord| {
        let fails = counted.fetch_add(1, Ordering::Relaxed) < times;
        async move { if fails { Err(Failure::retry("no").with_class(class)) } else { Ok(()) } }
    };
    (handler, calls)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrency_attempts_and_actions_are_those_of_the_variable() {
    let cluster = cluster(1, &[("orders", 1)]).await;
    let manager = manager(
        &cluster,
        r#"{"handler.concurrency":"unordered:4","handler.max.running":3,"handler.max.attempts":2,
            "handler.retry.backoff.ms":1,"handler.failure.actions":["Boring=skip"]}"#,
    );
    produce(&manager, "orders", 0..40).await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let handler = json(move |event: u32, _| {
        let (running, seen) = (Arc::clone(&running), Arc::clone(&seen));
        async move {
            seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            match event {
                7 => Err(Failure::retry("no").with_class("Boring")),
                8 => Err(Failure::retry("no").with_class("Serious")),
                _ => Ok(()),
            }
        }
    });
    let consumed = consume(&manager, "orders", handler);
    let all = || {
        manager
            .consumer_stats()
            .iter()
            .map(|s| s.handler.handled + s.handler.skipped + s.handler.dead_lettered)
            .sum::<u64>()
    };
    until("handling", || all() == 40).await;
    manager.stop_consuming();
    let stats = ended(consumed).await.unwrap();
    assert_eq!((stats.handled, stats.skipped, stats.dead_lettered, stats.retries), (38, 1, 1, 1));
    assert_eq!(most.load(Ordering::SeqCst), 3, "as many as may run over all partitions");
    let failures = manager.failure_stats();
    assert_eq!(failures.len(), 2);
    let (boring, serious) = (failure(&failures, "Boring"), failure(&failures, "Serious"));
    assert_eq!((boring.skipped, boring.retried, boring.dead_lettered), (1, 0, 0));
    assert_eq!((serious.skipped, serious.retried, serious.dead_lettered), (0, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_topics_of_the_variable_are_created_and_gone_through() {
    let cluster = cluster(1, &[("orders", 1)]).await;
    let manager = manager(
        &cluster,
        r#"{"handler.max.attempts":1,"retry.topic.delays.ms":[20,40],"retry.topic.suffix":".again-"}"#,
    );
    produce(&manager, "orders", [1]).await;
    let (handler, calls) = failing("Passing", 2);
    let consumed = consume(&manager, "orders", handler);
    until("the third attempt", || manager.consumer_stats().iter().any(|stats| stats.handler.handled == 1))
        .await;
    manager.stop_consuming();
    ended(consumed).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    for topic in ["orders.again-1", "orders.again-2"] {
        assert_eq!(cluster.end_offsets(topic).unwrap().iter().sum::<i64>(), 1, "{topic}");
    }
    assert_eq!(failure(&manager.failure_stats(), "Passing").retry_topics, 2);
    assert!(cluster.topic("orders.dlq").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_too_large_stops_or_is_trimmed_as_the_variable_says() {
    for (setting, trims) in [("stop", false), ("trim", true)] {
        let cluster = cluster(1, &[("orders", 1)]).await;
        let manager = manager(&cluster, &format!(r#"{{"dead.letter.too.large":"{setting}"}}"#));
        let small = TopicConfigs::new().set("max.message.bytes", "1000");
        let topics = KafkaTopicManager::new(manager.config()).unwrap();
        topics.create_topic("orders.dlq", 1, 1, small).await.unwrap();
        manager.produce_event("orders", &"x".repeat(5_000)).await.unwrap();
        let handler = async |_: ConsumerRecord| Err::<(), _>(Failure::poison("no").with_class("No"));
        let consumed = consume(&manager, "orders", handler);
        if trims {
            until("the letter", || cluster.end_offsets("orders.dlq").unwrap()[0] == 1).await;
            manager.stop_consuming();
            assert_eq!(ended(consumed).await.unwrap().dead_lettered, 1);
            let letter = cluster.topic("orders.dlq").unwrap().partitions[0].records[0].clone();
            assert!(letter.headers.iter().any(|h| h.key == header::VALUE_SIZE), "{:?}", letter.headers);
        } else {
            let error = ended(consumed).await.unwrap_err();
            let Error::Handler(error) = &error else { panic!("{error}") };
            assert!(matches!(&**error, HandlerError::DeadLetter { offset: 0, .. }), "{error}");
            assert_eq!(cluster.group("streaming-kafka.orders").unwrap().offsets.values().sum::<i64>(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_put_back_by_the_manager_within_the_variables_limits_and_counted() {
    let cluster = cluster(1, &[("orders", 1)]).await;
    let manager = manager(
        &cluster,
        r#"{"handler.max.attempts":1,"redrive.limit":3,"redrive.max.redrives":1,"redrive.group.id":"back"}"#,
    );
    produce(&manager, "orders", 0..5).await;
    let (handler, _) = failing("No", 8);
    let consumed = consume(&manager, "orders", handler);
    until("letters", || cluster.end_offsets("orders.dlq").is_some_and(|ends| ends[0] == 5)).await;

    let mut dry = manager.config().handler_config.redrive.clone();
    dry.dry_run = true;
    let odd = |_: &ConsumerRecord, from: &Provenance| from.offset.is_some_and(|offset| offset % 2 == 1);
    let report = manager.redrive_with("orders", dry, odd).await.unwrap();
    assert_eq!((report.redriven, report.filtered, report.dry_run), (2, 3, true));

    let report = manager.redrive("orders").await.unwrap();
    assert_eq!((report.read, report.redriven), (3, 3));
    // Those three fail again, and are not put back a second time.
    until("letters again", || cluster.end_offsets("orders.dlq").is_some_and(|ends| ends[0] == 8)).await;
    let report = manager.redrive("orders").await.unwrap();
    assert_eq!((report.read, report.redriven, report.exhausted), (5, 2, 3));
    until("handling", || manager.consumer_stats().iter().any(|stats| stats.handler.handled == 2)).await;
    assert_eq!(cluster.group("back").unwrap().offsets.values().sum::<i64>(), 8);
    manager.stop_consuming();
    ended(consumed).await.unwrap();
    let failures = manager.failure_stats();
    let no = failure(&failures, "No");
    assert_eq!((failures.len(), no.dead_lettered, no.redriven), (1, 8, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_produced_counts_among_the_failures() {
    let cluster = cluster(1, &[("orders", 1)]).await;
    let manager = manager(&cluster, "{}");
    let too_large = "x".repeat(2_000_000);
    manager.produce_event("orders", &too_large).await.unwrap_err();
    assert!(
        manager.failure_stats().is_empty(),
        "its letter is too large, too: {:?}",
        manager.failure_stats()
    );
    let mut config = manager.config().clone();
    config.set_handler("dead_letter_too_large", "trim").unwrap();
    let manager = KafkaManager::new(&config).unwrap();
    manager.produce_event("orders", &too_large).await.unwrap_err();
    let failures = manager.failure_stats();
    assert_eq!((failures.len(), failures[0].dead_lettered, &*failures[0].topic), (1, 1, "orders"));
    assert!(failures[0].class.starts_with("RecordTooLarge"), "{failures:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_lets_handlers_finish_commits_and_leaves_the_group() {
    let cluster = cluster(1, &[("orders", 1)]).await;
    let manager = manager(&cluster, r#"{"handler.commit.interval.ms":60000}"#);
    produce(&manager, "orders", 0..10).await;
    manager.stop_on_signal().unwrap();
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let consumed = consume(&manager, "orders", move |_: ConsumerRecord| {
        count.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok::<_, Failure>(())
        }
    });
    until("handling", || begun.load(Ordering::SeqCst) == 2).await;
    let pid = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let stats = ended(consumed).await.unwrap();
    assert_eq!(
        (stats.handled, begun.load(Ordering::SeqCst)),
        (2, 2),
        "what had begun ends, and nothing else begins"
    );
    let group = cluster.group("streaming-kafka.orders").unwrap();
    assert_eq!(group.offsets.values().sum::<i64>(), 2);
    assert!(group.members.is_empty(), "{group:?}");
}
