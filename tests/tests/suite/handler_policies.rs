//! What becomes of records that fail: by the class of the error, and by retry topics.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_admin::Admin;
use kafka_stream::consumer::ConsumerRecord;
use kafka_stream::dead_letter::Provenance;
use kafka_stream::handler::{Failure, FailureAction, FailurePolicy, HandlerError, RetryTopics};
use kafka_stream::producer::ProducerRecord;
use kafka_tests::Cluster;
use kafka_tests::scenarios::Fixture;
use parking_lot::Mutex;

/// Fails with the value as the class of the error, except for `fine`.
async fn fails_as_its_value_says(record: ConsumerRecord) -> Result<(), Failure> {
    let value = String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap();
    if value == "fine" { Ok(()) } else { Err(Failure::retry("as it says").with_class(value)) }
}

#[tokio::test]
async fn the_class_of_an_error_decides_what_becomes_of_its_record() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    fixture
        .produce(["fine", "Known", "Db.Gone", "Db.Busy", "fine", "Bad", "Other", "fine", "End", "fine"])
        .await;
    let mut options = Fixture::options();
    options.failures = FailurePolicy::default()
        .on("Known", FailureAction::Skip)
        .on("Bad", FailureAction::DeadLetter)
        .on("End", FailureAction::Stop)
        .on("Db.*", FailureAction::Retry)
        .after_retries("Db.Busy", FailureAction::Skip);
    let reader = kafka_stream::handler::StatsReader::default();
    let consumer = fixture.consumer().options(options).stats(reader.clone());
    let error = consumer.run([&fixture.topic], fails_as_its_value_says).await.unwrap_err();
    let HandlerError::Stopped { offset: 8, failure, .. } = &error else { panic!("{error}") };
    assert_eq!(failure.class(), "End");
    assert_eq!(fixture.committed(1).await, 8);

    let stats = reader.stats();
    assert_eq!((stats.handled, stats.skipped, stats.dead_lettered, stats.retries), (3, 2, 3, 6));
    let by_class: BTreeMap<&str, _> = stats
        .failures
        .iter()
        .map(|stats| (&*stats.class, (stats.retried, stats.dead_lettered, stats.skipped)))
        .collect();
    let expected = [
        ("Bad", (0, 1, 0)),
        ("Db.Busy", (2, 0, 1)),
        ("Db.Gone", (2, 1, 0)),
        ("Known", (0, 0, 1)),
        ("Other", (2, 1, 0)),
    ];
    assert_eq!(by_class, BTreeMap::from(expected));
    let mut letters: Vec<_> = fixture.dead_letters(3).await.into_iter().map(|letter| letter.value).collect();
    letters.sort();
    assert_eq!(letters, [Some("Bad".into()), Some("Db.Gone".into()), Some("Other".into())]);
}

#[tokio::test]
async fn nulls_and_empty_texts_stay_what_they_are_in_dead_letters() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    let producer = fixture.producer();
    let topic = fixture.topic.as_str();
    let records = [
        ProducerRecord::to(topic).null_value(),
        ProducerRecord::to(topic).key("").value(""),
        ProducerRecord::to(topic)
            .key("key")
            .null_value()
            .null_header("none")
            .header("none", "")
            .header("none", "x"),
    ];
    for record in records {
        producer.send(record).await.unwrap().await.unwrap();
    }
    fixture.stop_when(|stats| stats.dead_lettered == 3);
    let handler = async |_: ConsumerRecord| Err::<(), _>(Failure::poison("no"));
    fixture.consumer().run([topic], handler).await.unwrap();
    let mut letters = fixture.dead_letters(3).await;
    letters.sort_by_key(|letter| Provenance::of(letter).unwrap().offset);
    assert_eq!((letters[0].key.as_deref(), letters[0].value.as_deref()), (None, None));
    assert_eq!((letters[1].key.as_deref(), letters[1].value.as_deref()), (Some(&b""[..]), Some(&b""[..])));
    assert_eq!((letters[2].key.as_deref(), letters[2].value.as_deref()), (Some(&b"key"[..]), None));
    let headers: Vec<_> = letters[2].headers.iter().filter(|header| header.key == "none").collect();
    let values: Vec<_> = headers.iter().map(|header| header.value.as_deref()).collect();
    assert_eq!(values, [None, Some(&b""[..]), Some(&b"x"[..])]);
}

/// When a record was handled, as which attempt of how many so far.
type Calls = Arc<Mutex<BTreeMap<(String, i32, i64), Vec<Instant>>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_wait_in_retry_topics_without_holding_up_others_and_end_in_the_dead_letter_topic() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 2).await;
    fixture
        .produce((0..100).map(|n| {
            if n == 5 {
                "lost"
            } else if n % 20 == 1 {
                "later"
            } else {
                "fine"
            }
        }))
        .await;
    let delays = [Duration::from_millis(600), Duration::from_millis(1_200)];
    let mut options = Fixture::options();
    options.retry_topics = RetryTopics::after(delays);
    options.retry = options.retry.with_max_attempts(2);
    let calls = Calls::default();
    let note = Arc::clone(&calls);
    let handler = move |record: ConsumerRecord| {
        let place = (record.topic.to_string(), record.partition, record.offset);
        let mut calls = note.lock();
        let times = calls.entry(place).or_default();
        times.push(Instant::now());
        let fails = match record.value.as_deref().unwrap() {
            b"lost" => true,
            b"later" => times.len() < 4,
            _ => false,
        };
        async move { if fails { Err(Failure::retry("not yet").with_class("Late")) } else { Ok(()) } }
    };
    fixture.stop_when(|stats| stats.handled + stats.dead_lettered == 100);
    let stats = fixture.consumer().options(options).run([&fixture.topic], handler).await.unwrap();

    // Five fail twice in place and once in the first topic, where the second attempt helps; one goes all the way.
    assert_eq!((stats.handled, stats.dead_lettered, stats.retry_topics), (99, 1, 5 + 2));
    assert_eq!(stats.retries, 5 * 2 + 3);
    assert_eq!(stats.failures.len(), 1);
    assert_eq!((&*stats.failures[0].topic, stats.failures[0].retry_topics), (fixture.topic.as_str(), 7));
    let calls = calls.lock().clone();
    // The handler sees records as they were in their own topic.
    assert_eq!(calls.len(), 100);
    assert!(calls.keys().all(|(topic, _, _)| *topic == fixture.topic));
    for times in calls.values().filter(|times| times.len() > 1) {
        // A record is due at a whole millisecond.
        let waited = |later: usize| times[later] - times[later - 1] + Duration::from_millis(1);
        assert!(waited(2) >= delays[0], "{times:?}");
        assert!(times.len() == 4 || waited(4) >= delays[1], "{times:?}");
    }
    // What follows in the same partition is handled meanwhile.
    for ((topic, partition, offset), times) in calls.iter().filter(|(_, times)| times.len() > 1) {
        let next = calls.get(&(topic.clone(), *partition, offset + 1));
        assert!(next.is_none_or(|next| next[0] < times[2]), "{offset} of {partition}: {times:?}, {next:?}");
    }

    assert_eq!(fixture.committed(2).await, 100);
    let topics = [1, 2].map(|number| format!("{}.retry.{number}", fixture.topic));
    assert_eq!(fixture.committed_of(&topics[0], 2).await, 6);
    assert_eq!(fixture.committed_of(&topics[1], 2).await, 1);
    let described = Admin::new(fixture.client.clone()).describe_topic(&topics[0]).await.unwrap();
    assert_eq!(described.partitions.len(), 2);
    let letter = fixture.dead_letters(1).await.remove(0);
    let from = Provenance::of(&letter).unwrap();
    let (place, _) = calls.iter().find(|(_, times)| times.len() == 6).unwrap();
    assert_eq!((&from.topic, from.partition, from.offset), (&place.0, Some(place.1), Some(place.2)));
    assert_eq!((from.attempts, from.due_at, letter.value.as_deref()), (6, None, Some(&b"lost"[..])));
}

#[tokio::test]
async fn groups_that_share_retry_topics_handle_only_their_own_records() {
    let cluster = Cluster::single().await;
    let (one, delays) = (Fixture::new(&cluster, 1).await, [Duration::from_millis(200)]);
    let other = one.other_group();
    one.produce((0..10).map(|n| if n == 3 { "later" } else { "fine" })).await;
    let run = |fixture: &Fixture, fails: bool| {
        let mut options = Fixture::options();
        options.retry = options.retry.with_max_attempts(1);
        options.retry_topics = RetryTopics::after(delays);
        let failed = std::sync::atomic::AtomicBool::new(!fails);
        fixture.consumer().options(options).run([fixture.topic.clone()], move |record: ConsumerRecord| {
            let first = record.value.as_deref() == Some(b"later")
                && !failed.swap(true, std::sync::atomic::Ordering::Relaxed);
            async move { if first { Err(Failure::retry("not yet")) } else { Ok(()) } }
        })
    };
    one.stop_when(|stats| stats.handled == 10);
    let first = run(&one, true).await.unwrap();
    assert_eq!((first.handled, first.retry_topics, first.foreign), (10, 1, 0));
    other.stop_when(|stats| stats.handled + stats.foreign >= 11);
    let second = run(&other, false).await.unwrap();
    assert_eq!((second.handled, second.foreign), (10, 1));
    assert_eq!(other.committed_of(&format!("{}.retry.1", one.topic), 1).await, 1);
}

#[tokio::test]
async fn retry_topics_without_a_way_to_write_to_them_are_refused() {
    let cluster = Cluster::single().await;
    let fixture = Fixture::new(&cluster, 1).await;
    let mut config = kafka_stream::consumer::ConsumerConfig::default();
    config.group_id = Some(fixture.group.clone());
    let consumer = kafka_stream::consumer::Consumer::new(fixture.client.clone(), config).unwrap();
    let mut options = Fixture::options();
    options.retry_topics = RetryTopics::after([Duration::from_secs(1)]);
    let consumer = kafka_stream::handler::EventConsumer::new(consumer).options(options);
    let error = consumer.run([&fixture.topic], fails_as_its_value_says).await.unwrap_err();
    assert!(error.to_string().contains("dead letters"), "{error}");
}
