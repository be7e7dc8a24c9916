//! Handlers and dead letters: at least once, nothing skipped, commits only behind what is done.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kafka_stream::consumer::ConsumerRecord;
use kafka_stream::dead_letter::{DeadLetterQueue, Provenance};
use kafka_stream::handler::{Concurrency, Failure, HandlerError, HandlerOptions};
use kafka_stream::producer::{Producer, ProducerConfig};
use kafka_tests::Cluster;
use kafka_tests::scenarios::{Fixture, poison_is_set_aside_and_the_rest_is_handled};
use parking_lot::Mutex;

#[tokio::test]
async fn poison_ends_in_the_dead_letter_topic_and_all_else_is_handled_once() {
    poison_is_set_aside_and_the_rest_is_handled(&Cluster::single().await).await;
}

#[tokio::test]
async fn a_failure_that_passes_is_retried_and_a_panic_is_a_failure() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 2).await;
    fixture.produce(["fails twice", "always fails", "panics", "fine"]).await;
    fixture.stop_when(|stats| stats.handled + stats.dead_lettered == 4);
    let calls = Arc::new(AtomicUsize::new(0));
    let handler = move |record: ConsumerRecord| {
        let calls = Arc::clone(&calls);
        async move {
            match record.value.as_deref().unwrap() {
                b"fails twice" if calls.fetch_add(1, Ordering::Relaxed) < 2 => Err(Failure::retry("not yet")),
                b"always fails" => Err(Failure::retry("never").with_class("Never")),
                b"panics" => panic!("on purpose"),
                _ => Ok(()),
            }
        }
    };
    let stats = fixture.consumer().run([&fixture.topic], handler).await.unwrap();
    assert_eq!((stats.handled, stats.dead_lettered, stats.retries), (2, 2, 6));
    let letters = fixture.dead_letters(2).await;
    let mut classes: Vec<_> = letters.iter().map(|letter| Provenance::of(letter).unwrap()).collect();
    classes.sort_by(|a, b| a.error_class.cmp(&b.error_class));
    assert_eq!((classes[0].error_class.as_str(), classes[0].attempts), ("Never", 3));
    assert_eq!(classes[1].error_class, "panic");
    assert!(classes[1].error_message.contains("on purpose"));
}

#[tokio::test]
async fn consumption_stops_at_a_record_whose_dead_letter_cannot_be_written() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    fixture.produce((0..10).map(|n| n.to_string())).await;
    let mut config = ProducerConfig::default();
    config.max_block = Duration::from_secs(2);
    let producer = Producer::new(fixture.client.clone(), config).unwrap();
    let handler = async |record: ConsumerRecord| match record.offset {
        4 => Err(Failure::poison("the fifth")),
        _ => Ok(()),
    };
    let consumer = fixture.consumer().dead_letters(DeadLetterQueue::new(producer).create_topics(false));
    let error = consumer.run([&fixture.topic], handler).await.unwrap_err();
    let HandlerError::DeadLetter { offset, .. } = &error else { panic!("{error}") };
    assert_eq!(*offset, 4);
    assert!(error.to_string().contains("the fifth"), "{error}");
    assert_eq!(fixture.committed(1).await, 4);
}

#[tokio::test]
async fn keys_keep_their_order_and_do_not_wait_for_each_other() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    fixture.produce((0..100).map(|n| n.to_string())).await;
    fixture.stop_when(|stats| stats.handled == 100);
    let seen: Arc<Mutex<HashMap<Vec<u8>, Vec<i64>>>> = Arc::default();
    let note = Arc::clone(&seen);
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let peak = Arc::clone(&most);
    let handler = move |record: ConsumerRecord| {
        let (note, running, peak) = (Arc::clone(&note), Arc::clone(&running), Arc::clone(&peak));
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
            note.lock().entry(record.key.unwrap().to_vec()).or_default().push(record.offset);
            running.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, Failure>(())
        }
    };
    let mut options = HandlerOptions::default();
    options.concurrency = Concurrency::ByKey(8);
    fixture.consumer().options(options).run([&fixture.topic], handler).await.unwrap();
    let seen = seen.lock().clone();
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 100);
    assert!(seen.values().all(|offsets| offsets.is_sorted()), "{seen:?}");
    assert!(most.load(Ordering::Relaxed) > 1);
    assert_eq!(fixture.committed(1).await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_member_takes_over_and_no_record_is_skipped_or_repeated_while_none_dies() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 6).await;
    let counts: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let handler = |counts: Arc<Mutex<BTreeMap<String, usize>>>| {
        move |record: ConsumerRecord| {
            let counts = Arc::clone(&counts);
            async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                *counts.lock().entry(value).or_default() += 1;
                Ok::<_, Failure>(())
            }
        }
    };
    fixture.stop_when(|stats| stats.handled >= 2_000);
    let first = fixture.consumer();
    let topic = fixture.topic.clone();
    let first = tokio::spawn(first.run([topic.clone()], handler(Arc::clone(&counts))));
    fixture.produce((0..1_000).map(|n| n.to_string())).await;
    let second = tokio::spawn(fixture.consumer().run([topic], handler(Arc::clone(&counts))));
    fixture.produce((1_000..2_000).map(|n| n.to_string())).await;
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let counts = counts.lock().clone();
    assert_eq!(counts.len(), 2_000);
    let repeated: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
    assert_eq!(fixture.committed(6).await, 2_000);
}

#[tokio::test]
async fn without_order_a_slow_record_holds_up_no_other_and_no_more_run_than_allowed() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 2).await;
    fixture.produce((0..100).map(|n| n.to_string())).await;
    fixture.stop_when(|stats| stats.handled == 100);
    let done = Arc::new(AtomicUsize::new(0));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    let handler = move |record: ConsumerRecord| {
        let (done, running, peak) = (Arc::clone(&done), Arc::clone(&running), Arc::clone(&peak));
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            if record.value.as_deref() == Some(b"0") {
                // The first record ends last: all others, of its key too, go past it.
                while done.load(Ordering::Relaxed) < 99 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
            running.fetch_sub(1, Ordering::Relaxed);
            done.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Failure>(())
        }
    };
    let mut options = HandlerOptions::default();
    options.concurrency = Concurrency::Unordered(8);
    options.max_running = Some(5);
    fixture.consumer().options(options).run([&fixture.topic], handler).await.unwrap();
    assert_eq!(most.load(Ordering::Relaxed), 5);
    assert_eq!(fixture.committed(2).await, 100);
}
