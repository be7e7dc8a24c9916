//! Futures dropped at any point: a record is queued or it is not, and its memory comes back once.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::producer::testkit::{FakeCluster, Reply, TOPIC, record};
use crate::producer::{Delivery, ProduceError, ProduceErrorKind, ProducerRecord};

/// Polls `future` up to `polls` times, letting everything else run in between, and drops it.
async fn cut_off<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(done);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    None
}

#[tokio::test(start_paused = true)]
async fn a_send_dropped_while_it_waits_for_metadata_has_queued_nothing() {
    let mut accepted_after = None;
    for polls in 0..12 {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|_| {});
        let result: Option<Result<Delivery, ProduceError>> =
            cut_off(producer.send(record(0, "cut off")), polls).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let queued = match result {
            Some(delivery) => {
                accepted_after.get_or_insert(polls);
                assert_eq!(delivery.unwrap().await.unwrap().offset, Some(0));
                1
            }
            None => 0,
        };
        assert_eq!(cluster.log(0).len(), queued, "after {polls} polls");
        let stats = producer.stats();
        assert_eq!((stats.buffer_available, stats.in_flight), (stats.buffer_total, 0));
        producer.send(record(0, "next")).await.unwrap().await.unwrap();
    }
    assert!(accepted_after.is_some_and(|polls| polls > 1), "{accepted_after:?}: both outcomes were seen");
}

#[tokio::test(start_paused = true)]
async fn a_send_dropped_while_it_waits_for_memory_gives_back_what_was_set_aside() {
    let mut outcomes = [0, 0];
    for millis in 0..8 {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| {
            config.batch_size = 1_000;
            config.buffer_memory = 2_000;
            config.linger = Duration::ZERO;
        });
        let value = "v".repeat(700);
        producer.send(record(0, &value)).await.unwrap().await.unwrap();
        cluster.script(|_| Reply::Late(Duration::from_millis(2)));
        let held = [
            producer.send(record(0, &value)).await.unwrap(),
            producer.send(record(0, &value)).await.unwrap(),
        ];
        // The batches ahead are acknowledged, and their memory goes to those who wait, at one of these moments.
        let waiting = cut_off(producer.send(record(0, &value)), millis).await;
        outcomes[usize::from(waiting.is_some())] += 1;
        for delivery in held.into_iter().chain(waiting.transpose().unwrap()) {
            delivery.await.unwrap();
        }
        let stats = producer.stats();
        assert_eq!(
            (stats.buffer_available, stats.in_flight),
            (stats.buffer_total, 0),
            "after {millis} polls"
        );
        // Nobody is left in the queue for memory either.
        producer.send(record(0, &value)).await.unwrap().await.unwrap();
    }
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_delivery_changes_nothing_for_its_record() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|_| {});
    for polls in 0..5 {
        let value = polls.to_string();
        let delivery = producer.send(record(0, &value)).await.unwrap();
        assert!(cut_off(delivery, polls).await.is_none(), "it lingers for 5 ms");
    }
    producer.flush().await.unwrap();
    assert_eq!(cluster.log(0), ["0", "1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_flush_leaves_the_records_on_their_way() {
    for polls in 0..4 {
        let cluster = FakeCluster::new(1);
        cluster.script(|_| Reply::Late(Duration::from_millis(50)));
        let producer = cluster.producer(|config| config.linger = Duration::from_secs(1));
        let delivery = producer.send(record(0, "v")).await.unwrap();
        let began = tokio::time::Instant::now();
        assert!(cut_off(producer.flush(), polls).await.is_none());
        delivery.await.unwrap();
        // A flush that was never polled asks for nothing.
        assert_eq!(began.elapsed() < Duration::from_secs(1), polls > 0, "after {polls} polls");
        producer.flush().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_close_closes_all_the_same() {
    let cluster = FakeCluster::new(1);
    cluster.script(|_| Reply::Late(Duration::from_millis(50)));
    let producer = cluster.producer(|_| {});
    let delivery = producer.send(record(0, "v")).await.unwrap();
    assert!(cut_off(producer.close(Duration::from_secs(10)), 1).await.is_none());
    let error = producer.send(record(0, "late")).await.unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::Closed);
    delivery.await.unwrap();
    producer.close(Duration::from_secs(10)).await.unwrap();
    assert_eq!(cluster.log(0), ["v"]);
    assert_eq!(producer.flush().await.unwrap_err().kind(), ProduceErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_close_had_no_time_for_fails_and_is_counted() {
    let cluster = FakeCluster::new(1);
    cluster.script(|_| Reply::Silence);
    let producer = cluster.producer(|config| config.linger = Duration::ZERO);
    let sent = producer.send(record(0, "sent")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let waiting = producer.send(record(0, "waiting")).await.unwrap();
    let error = producer.close(Duration::from_secs(1)).await.unwrap_err();
    assert!(error.to_string().starts_with("2 records"), "{error}");
    let (sent, waiting) = (sent.await.unwrap_err(), waiting.await.unwrap_err());
    assert_eq!((sent.kind(), waiting.kind()), (ProduceErrorKind::Closed, ProduceErrorKind::Closed));
    assert!(sent.may_be_written() && !waiting.may_be_written());
    assert_eq!(producer.stats().buffer_available, producer.stats().buffer_total);
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_dropped_still_sends_what_was_accepted() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|_| {});
    let delivery = producer.send(record(0, "v")).await.unwrap();
    drop(producer);
    assert_eq!(delivery.await.unwrap().offset, Some(0));
}

#[tokio::test(start_paused = true)]
async fn partitions_for_may_be_dropped_and_asked_again() {
    let cluster = FakeCluster::new(3);
    let producer = cluster.producer(|_| {});
    for polls in 0..4 {
        cut_off(producer.partitions_for(TOPIC), polls).await;
    }
    assert_eq!(producer.partitions_for(TOPIC).await.unwrap().len(), 3);
    let record = ProducerRecord::to(TOPIC).partition(2).value("v");
    assert_eq!(producer.try_send(record).unwrap().await.unwrap().partition, 2);
}
