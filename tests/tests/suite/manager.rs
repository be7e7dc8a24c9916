//! `KafkaManager` as a service uses it: events out, handlers in, and what fails on either way in the dead letter topic.

// What is not as it must be ends the test, in its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kafka_tests::{Cluster, unique};
use parking_lot::Mutex;
use serde_json::{Value, json};
use streaming_kafka::admin::TopicConfigs;
use streaming_kafka::dead_letter::Provenance;
use streaming_kafka::prelude::*;
use streaming_kafka::{DeadLetter, KafkaTopicManager};

/// Longer than anything here takes on any machine.
const WAIT: Duration = Duration::from_secs(60);

fn config(cluster: &Cluster, more: &[(&str, &str)]) -> KafkaConfig {
    let servers = cluster.bootstrap_servers().join(",");
    let mut variables = vec![
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS".to_owned(), servers),
        ("STREAMING_KAFKA__CONSUMER_CONFIG".to_owned(), r#"{"fetch_min_bytes":1}"#.to_owned()),
    ];
    variables.extend(more.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
    KafkaConfig::from_vars(variables).unwrap()
}

async fn topic(config: &KafkaConfig, partitions: i32) -> String {
    let topic = unique("manager");
    let topics = KafkaTopicManager::new(config).unwrap();
    topics.create_topic(&topic, partitions, 1, TopicConfigs::new()).await.unwrap();
    topic
}

/// Reads `count` records from the beginning of a topic, in a group of its own.
async fn read(manager: &KafkaManager, topic: &str, count: usize) -> Vec<ConsumerRecord> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (records, all) = (seen.clone(), manager.clone());
    let handler = move |record: ConsumerRecord| {
        let mut records = records.lock();
        records.push(record);
        if records.len() >= count {
            all.stop_consuming();
        }
        std::future::ready(Ok::<_, std::io::Error>(()))
    };
    let options = ConsumeOptions::in_group(unique("reader"));
    let consumed = manager.consume_events_with(topic, options, handler);
    tokio::time::timeout(WAIT, consumed)
        .await
        .unwrap_or_else(|_| panic!("{topic} has not {count} records"))
        .unwrap();
    std::mem::take(&mut *seen.lock())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_handled_once_and_what_fails_is_in_the_dead_letter_topic() {
    let cluster = Cluster::single().await;
    let config = config(&cluster, &[]);
    let topic = topic(&config, 3).await;
    let manager = KafkaManager::new(&config).unwrap().with_key_field("user");

    let mut deliveries = Vec::new();
    for number in 0..300 {
        let event =
            json!({ "number": number, "user": format!("user-{}", number % 7), "bad": number % 100 == 50 });
        deliveries.push(manager.send_event(&topic, &event).await.unwrap());
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    // One that no handler can read as JSON.
    let poison =
        streaming_kafka::producer::ProducerRecord::to(topic.as_str()).key("user-1").value("not JSON");
    manager.producer().send(poison).await.unwrap().await.unwrap();
    let produced = manager.producer_stats();
    assert_eq!((produced.messages_sent, produced.send_errors), (301, 0));
    assert!(produced.bytes_sent > 0);

    let group = unique("manager-group");
    let handled = Arc::new(Mutex::new(Vec::new()));
    let numbers = handled.clone();
    let handler = json(move |event: Value, _: ConsumerRecord| {
        let numbers = numbers.clone();
        async move {
            if event["bad"] == true {
                return Err(std::io::Error::other("it is bad"));
            }
            numbers.lock().push(event["number"].as_i64().unwrap());
            Ok(())
        }
    });
    let watched = manager.clone();
    let stopping = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if let [running] = &watched.consumer_stats()[..]
                && running.handler.handled + running.handler.dead_lettered >= 301
            {
                watched.stop_consuming();
                return running.clone();
            }
        }
    });
    let options = ConsumeOptions::in_group(group.clone());
    let consumed = manager.consume_events_with(&topic, options, handler);
    let stats = tokio::time::timeout(WAIT, consumed).await.unwrap().unwrap();
    assert_eq!((stats.handled, stats.dead_lettered), (297, 4));
    let running = stopping.await.unwrap();
    assert_eq!((running.topic, running.group), (topic.clone(), group.clone()));
    assert_eq!(running.consumer.lag, 0);
    assert!(manager.consumer_stats().is_empty(), "consumption is over");
    let handled = std::mem::take(&mut *handled.lock());
    assert_eq!(handled.len(), 297, "each event is handled once");
    let expected: BTreeSet<i64> = (0..300).filter(|number| number % 100 != 50).collect();
    assert_eq!(handled.into_iter().collect::<BTreeSet<_>>(), expected);

    let letters = read(&KafkaManager::new(&config).unwrap(), &config.dead_letter_topic(&topic), 4).await;
    let from: Vec<_> = letters.iter().map(|letter| Provenance::of(letter).unwrap()).collect();
    assert!(from.iter().all(|from| from.topic == topic && from.group.as_deref() == Some(&*group)));
    let of_errors = from.iter().filter(|from| from.error_message.contains("it is bad") && from.attempts == 3);
    assert_eq!(of_errors.count(), 3, "{from:?}");
    let raw = letters.iter().find(|letter| letter.value.as_deref() == Some(b"not JSON")).unwrap();
    assert_eq!(Provenance::of(raw).unwrap().attempts, 1, "what cannot be read is not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_produced_is_dead_lettered_and_the_caller_told() {
    let cluster = Cluster::single().await;
    let config = config(&cluster, &[("STREAMING_KAFKA__PRODUCER_CONFIG", r#"{"max_block_ms":3000}"#)]);
    let manager = KafkaManager::new(&config).unwrap();
    let absent = unique("manager-absent");
    let event = json!({ "number": 1 });
    let error = manager.produce_event_with_key(&absent, "key", &event).await.unwrap_err();
    let Error::Produce { source, dead_letter: DeadLetter::Written(place) } = &error else {
        panic!("no dead letter: {error}");
    };
    assert!(source.to_string().contains(&absent), "{source}");
    assert_eq!(&*place.topic, config.dead_letter_topic(&absent));
    assert!(error.to_string().contains(&*place.topic), "{error}");

    let letter = read(&manager, &config.dead_letter_topic(&absent), 1).await.remove(0);
    assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
    assert_eq!(serde_json::from_slice::<Value>(&letter.value.clone().unwrap()).unwrap(), event);
    let from = Provenance::of(&letter).unwrap();
    assert_eq!(
        (from.topic.as_str(), from.offset, from.error_class.as_str()),
        (&*absent, None, "UnknownTopic")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_queue_the_caller_is_told_and_consumption_stops_at_the_event() {
    let cluster = Cluster::single().await;
    let variables = [
        ("STREAMING_KAFKA__ENABLE_DEAD_LETTER_QUEUE", "false"),
        ("STREAMING_KAFKA__PRODUCER_CONFIG", r#"{"max_block_ms":2000}"#),
    ];
    let config = config(&cluster, &variables);
    let manager = KafkaManager::new(&config).unwrap();
    let error = manager.produce_event(&unique("manager-absent"), &json!({})).await.unwrap_err();
    assert!(matches!(error, Error::Produce { dead_letter: DeadLetter::Off, .. }), "{error}");

    let topic = topic(&config, 1).await;
    for number in 0..5 {
        manager.produce_event(&topic, &json!({ "number": number })).await.unwrap();
    }
    let group = unique("manager-group");
    let handler = || {
        json(async |event: Value, _: ConsumerRecord| match event["number"].as_i64() {
            Some(3) => Err(std::io::Error::other("not this one")),
            _ => Ok(()),
        })
    };
    // The second time it begins at the event that failed.
    for handled in [3, 0] {
        let manager = KafkaManager::new(&config).unwrap();
        let options = ConsumeOptions::in_group(group.clone());
        let consumed = manager.consume_events_with(&topic, options, handler());
        let error = tokio::time::timeout(WAIT, consumed).await.unwrap().unwrap_err().to_string();
        assert!(error.contains(&format!("{topic}-0 at offset 3")), "after {handled}: {error}");
        assert!(error.contains("not this one"), "{error}");
    }
}
