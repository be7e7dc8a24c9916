//! Dead letters that are put back where they came from.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::sync::Arc;
use std::time::Duration;

use kafka_stream::consumer::{Consumer, ConsumerConfig, ConsumerRecord};
use kafka_stream::dead_letter::{Provenance, Redrive, RedriveError, RedriveOptions, header};
use kafka_stream::handler::{Failure, HandlerStats};
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use kafka_tests::scenarios::Fixture;
use kafka_tests::{Cluster, create_topic, unique};
use parking_lot::Mutex;

/// A redrive in a group of this name.
fn redrive(fixture: &Fixture, group: &str, options: RedriveOptions) -> Redrive {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(group.to_owned());
    config.fetch_min_bytes = 1;
    let consumer = Consumer::new(fixture.client.clone(), config).unwrap();
    Redrive::new(consumer, fixture.producer()).options(options)
}

/// Handles until as many records ended, failing for those of which `fails` says so.
async fn handle(
    fixture: &Fixture,
    ended: u64,
    fails: impl Fn(&ConsumerRecord) -> bool + Send + Sync + 'static,
) -> HandlerStats {
    let fixture = fixture.same_group();
    fixture.stop_when(move |stats| stats.handled + stats.dead_lettered + stats.foreign >= ended);
    let handler = move |record: ConsumerRecord| {
        let fails = fails(&record);
        async move { if fails { Err(Failure::poison("no").with_class("No")) } else { Ok(()) } }
    };
    fixture.consumer().run([fixture.topic.clone()], handler).await.unwrap()
}

fn is_n(record: &ConsumerRecord, n: i64) -> bool {
    record.value.as_deref() == Some(n.to_string().as_bytes())
}

#[tokio::test]
async fn letters_go_back_to_their_partitions_once_with_all_that_they_were() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 3).await;
    fixture.produce((0..30).map(|n| n.to_string())).await;
    handle(&fixture, 30, |record| (0..30).step_by(7).any(|n| is_n(record, n))).await;
    let letters = fixture.dead_letters(5).await;
    let group = unique("redrive");
    let dead_letter_topic = format!("{}.dlq", fixture.topic);

    let report = redrive(&fixture, &group, RedriveOptions::default()).run(&dead_letter_topic).await.unwrap();
    assert_eq!((report.read, report.redriven, report.dry_run), (5, 5, false));
    assert_eq!((report.failures.len(), report.failures[0].redriven), (1, 5));
    assert_eq!((&*report.failures[0].topic, &*report.failures[0].class), (fixture.topic.as_str(), "No"));

    let back = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&back);
    let stats = handle(&fixture, 5, move |record| {
        note.lock().push(record.clone());
        false
    });
    assert_eq!(stats.await.handled, 5);
    let back = back.lock().clone();
    for letter in &letters {
        let from = Provenance::of(letter).unwrap();
        let record = back.iter().find(|record| record.value == letter.value).unwrap();
        assert_eq!((Some(record.partition), &record.key), (from.partition, &letter.key));
        assert_eq!(record.header("n"), Some(&b"1"[..]));
        assert_eq!(record.header(header::REDRIVES), Some(&b"1"[..]));
        assert_eq!(record.header(header::ATTEMPTS), Some(&b"1"[..]));
        assert_eq!(record.headers.len(), 3, "{:?}", record.headers);
    }
    let again = redrive(&fixture, &group, RedriveOptions::default()).run(&dead_letter_topic).await.unwrap();
    assert_eq!((again.read, again.redriven), (0, 0));
}

#[tokio::test]
async fn a_record_that_always_fails_goes_round_only_as_often_as_allowed() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    fixture.produce(["bad", "good"]).await;
    let bad = |record: &ConsumerRecord| record.value.as_deref() == Some(b"bad");
    handle(&fixture, 2, bad).await;
    let (group, dead_letter_topic) = (unique("redrive"), format!("{}.dlq", fixture.topic));
    let mut options = RedriveOptions::default();
    options.max_redrives = 2;
    for round in 1..=2 {
        let report = redrive(&fixture, &group, options.clone()).run(&dead_letter_topic).await.unwrap();
        assert_eq!((report.redriven, report.exhausted), (1, 0));
        assert_eq!(handle(&fixture, 1, bad).await.dead_lettered, 1);
        let letter = fixture.dead_letters(round + 1).await.remove(round);
        let from = Provenance::of(&letter).unwrap();
        assert_eq!((from.redrives as usize, from.attempts as usize), (round, round + 1));
        assert_eq!(from.offset, Some(1 + i64::try_from(round).unwrap()));
    }
    let report = redrive(&fixture, &group, options).run(&dead_letter_topic).await.unwrap();
    assert_eq!((report.read, report.redriven, report.exhausted), (1, 0, 1));
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_filters_and_limits_are_kept() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    fixture.produce((0..10).map(|n| n.to_string())).await;
    handle(&fixture, 10, |_| true).await;
    fixture.dead_letters(10).await;
    let (group, dead_letter_topic) = (unique("redrive"), format!("{}.dlq", fixture.topic));
    let even = |letter: &ConsumerRecord, from: &Provenance| {
        from.error_class == "No" && letter.offset.checked_rem(2) == Some(0)
    };
    let mut dry = RedriveOptions::default();
    dry.dry_run = true;
    for _ in 0..2 {
        let report =
            redrive(&fixture, &group, dry.clone()).filter(even).run(&dead_letter_topic).await.unwrap();
        assert_eq!((report.read, report.redriven, report.filtered, report.dry_run), (10, 5, 5, true));
    }
    assert_eq!(fixture.end_of(&fixture.topic).await, 10);

    let mut few = RedriveOptions::default();
    few.limit = Some(2);
    let report = redrive(&fixture, &group, few).filter(even).run(&dead_letter_topic).await.unwrap();
    assert_eq!((report.redriven, fixture.end_of(&fixture.topic).await), (2, 12));
    let report = redrive(&fixture, &group, RedriveOptions::default())
        .filter(even)
        .run(&dead_letter_topic)
        .await
        .unwrap();
    assert_eq!((report.redriven, fixture.end_of(&fixture.topic).await), (3, 15));
    let mut all = RedriveOptions::default();
    all.from_beginning = true;
    let report = redrive(&fixture, &group, all).filter(move |letter, from| !even(letter, from));
    assert_eq!(report.run(&dead_letter_topic).await.unwrap().redriven, 5);
}

#[tokio::test]
async fn a_redrive_stops_at_a_letter_whose_topic_is_gone_and_begins_there_the_next_time() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    let letters = create_topic(&cluster, "letters", 1).await;
    let gone = unique("gone");
    let producer = fixture.producer();
    for (n, origin) in [&fixture.topic, &fixture.topic, &gone, &fixture.topic].into_iter().enumerate() {
        let value = n.to_string();
        let letter = ProducerRecord::to(letters.as_str()).value(&value).header(header::TOPIC, origin);
        producer.send(letter).await.unwrap().await.unwrap();
    }
    let plain = ProducerRecord::to(letters.as_str()).value("no letter");
    producer.send(plain).await.unwrap().await.unwrap();
    let group = unique("redrive");
    let mut config = ProducerConfig::default();
    config.max_block = Duration::from_secs(1);
    let impatient = Producer::new(fixture.client.clone(), config).unwrap();
    for round in 0..2 {
        let mut config = ConsumerConfig::default();
        config.group_id = Some(group.clone());
        config.fetch_min_bytes = 1;
        let consumer = Consumer::new(fixture.client.clone(), config).unwrap();
        let error = Redrive::new(consumer, impatient.clone()).run(&letters).await.unwrap_err();
        let RedriveError::Produce { offset: 2, topic, .. } = &error else { panic!("{round}: {error}") };
        assert_eq!(**topic, *gone);
        assert_eq!(fixture.end_of(&fixture.topic).await, 2);
    }
    kafka_tests::create(&fixture.client, &kafka_admin::NewTopic::new(&gone)).await;
    let report = redrive(&fixture, &group, RedriveOptions::default()).run(&letters).await.unwrap();
    assert_eq!((report.read, report.redriven, report.no_letters), (3, 2, 1));
}

#[tokio::test]
async fn a_letter_can_go_back_to_the_handlers_of_its_group_alone() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    let other = fixture.other_group();
    fixture.produce(["a", "b"]).await;
    handle(&fixture, 2, |record| record.value.as_deref() == Some(b"a")).await;
    assert_eq!(handle(&other, 2, |_| false).await.handled, 2);
    let mut options = RedriveOptions::default();
    options.only_its_group = true;
    let report = redrive(&fixture, &unique("redrive"), options).run(&format!("{}.dlq", fixture.topic)).await;
    assert_eq!(report.unwrap().redriven, 1);
    let stats = handle(&other, 1, |_| false).await;
    assert_eq!((stats.handled, stats.foreign), (0, 1));
    let stats = handle(&fixture, 1, |_| false).await;
    assert_eq!((stats.handled, stats.foreign), (1, 0));
}

#[tokio::test]
async fn a_redrive_that_cannot_commit_is_refused() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    let consumer = Consumer::new(fixture.client.clone(), ConsumerConfig::default()).unwrap();
    let error = Redrive::new(consumer, fixture.producer()).run(&fixture.topic).await.unwrap_err();
    assert!(error.to_string().contains("group_id"), "{error}");
}
