//! Faults between producer and brokers: order, splits, epochs, unknown outcomes.

use std::time::Duration;

use kafka_core::protocol::ErrorCode;

use crate::producer::testkit::{Arrival, FakeCluster, Reply, TOPIC, record};
use crate::producer::{Delivery, ProduceErrorKind, Producer, ProducerRecord, SizeLimit};

/// Sends records with these values to partition 0.
async fn send(producer: &Producer, values: impl IntoIterator<Item = &str>) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for value in values {
        deliveries.push(producer.send(record(0, value)).await.unwrap());
    }
    deliveries
}

async fn offsets(deliveries: Vec<Delivery>) -> Vec<Option<i64>> {
    let mut offsets = Vec::new();
    for delivery in deliveries {
        offsets.push(delivery.await.unwrap().offset);
    }
    offsets
}

/// A producer whose every record is a batch of its own, and that the broker knows already.
async fn one_by_one(cluster: &FakeCluster) -> Producer {
    let producer = cluster.producer(|config| {
        config.batch_size = 1;
        config.linger = Duration::ZERO;
    });
    producer.send(record(0, "0")).await.unwrap().await.unwrap();
    producer
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_once_is_written_before_what_was_in_flight_behind_it() {
    let cluster = FakeCluster::new(1);
    let producer = one_by_one(&cluster).await;
    cluster.script_first([Reply::Refuse(ErrorCode::NOT_ENOUGH_REPLICAS)]);
    let deliveries = send(&producer, ["1", "2", "3", "4", "5", "6", "7"]).await;
    assert_eq!(offsets(deliveries).await, (1..8).map(Some).collect::<Vec<_>>());
    assert_eq!(cluster.log(0), ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_too_large_is_cut_until_it_fits_and_keeps_its_order() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|config| config.batch_size = 100_000);
    let limit = |arrival: &Arrival| arrival.size > 3_000;
    cluster.script(
        move |arrival| {
            if limit(arrival) { Reply::Refuse(ErrorCode::MESSAGE_TOO_LARGE) } else { Reply::Normal }
        },
    );
    let values: Vec<String> = (0..40).map(|index| format!("{index:0500}")).collect();
    let deliveries = send(&producer, values.iter().map(String::as_str)).await;
    assert_eq!(offsets(deliveries).await, (0..40).map(Some).collect::<Vec<_>>());
    assert_eq!(cluster.log(0), values);
    assert_eq!(producer.stats().buffer_available, producer.stats().buffer_total);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_too_large_fails_alone_wherever_it_stands_in_the_batch() {
    for bad in [0, 1, 9, 18, 19] {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| config.batch_size = 100_000);
        cluster.script(|arrival| {
            if arrival.size > 5_000 { Reply::Refuse(ErrorCode::MESSAGE_TOO_LARGE) } else { Reply::Normal }
        });
        let value = |index: usize| {
            let width = if index == bad { 8_000 } else { 500 };
            format!("{index:0width$}")
        };
        let values: Vec<String> = (0..20).map(value).collect();
        let deliveries = send(&producer, values.iter().map(String::as_str)).await;
        for (index, delivery) in deliveries.into_iter().enumerate() {
            match delivery.await {
                Ok(_) => assert_ne!(index, bad),
                Err(error) => {
                    assert_eq!(index, bad, "{error}");
                    let ProduceErrorKind::RecordTooLarge { which, .. } = error.kind() else {
                        panic!("{error}")
                    };
                    assert!(which == SizeLimit::Topic && !error.may_be_written());
                    assert!(error.to_string().contains("max.message.bytes"), "{error}");
                }
            }
        }
        let expected: Vec<_> = values.iter().filter(|value| value.len() == 500).cloned().collect();
        assert_eq!(cluster.log(0), expected, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_at_any_point_neither_loses_nor_repeats() {
    for reply in [Reply::HangUp, Reply::AppendAndHangUp] {
        for after in 0..6 {
            let cluster = FakeCluster::new(1);
            let producer = one_by_one(&cluster).await;
            let (mut seen, reply) = (0, reply.clone());
            cluster.script(move |_| {
                seen += 1;
                if seen == after + 1 { reply.clone() } else { Reply::Normal }
            });
            let deliveries = send(&producer, ["1", "2", "3", "4", "5", "6", "7"]).await;
            assert_eq!(offsets(deliveries).await, (1..8).map(Some).collect::<Vec<_>>(), "after {after}");
            assert_eq!(cluster.log(0), ["0", "1", "2", "3", "4", "5", "6", "7"], "after {after}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_the_answer_names_is_asked_at_once() {
    let cluster = FakeCluster::new(1);
    let producer = one_by_one(&cluster).await;
    // The connection to broker 2 is there: nothing but the answer is needed.
    let elsewhere = cluster.client().connection(2, kafka_core::cluster::Lane::Produce).await.unwrap();
    cluster.script_first([Reply::Redirect { leader: 2, epoch: 9 }]);
    cluster.lead(0, 2);
    let began = tokio::time::Instant::now();
    let deliveries = send(&producer, ["1", "2", "3"]).await;
    assert_eq!(offsets(deliveries).await, [Some(1), Some(2), Some(3)]);
    assert!(
        began.elapsed() < Duration::from_millis(20),
        "no back-off and no metadata: {:?}",
        began.elapsed()
    );
    assert_eq!(cluster.log(0), ["0", "1", "2", "3"]);
    drop(elsewhere);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_moves_while_much_is_in_flight_gets_all_in_order() {
    let cluster = FakeCluster::new(1);
    let producer = one_by_one(&cluster).await;
    let values: Vec<String> = (1..200).map(|index| index.to_string()).collect();
    let mut deliveries = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index % 40 == 20 {
            cluster.lead(0, 1 + i32::try_from(index / 40).unwrap() % 2);
        }
        deliveries.extend(send(&producer, [value.as_str()]).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(offsets(deliveries).await.len(), 199);
    assert_eq!(cluster.log(0)[1..], values);
    let brokers: std::collections::BTreeSet<i32> = cluster.arrivals().iter().map(|it| it.broker).collect();
    assert_eq!(brokers.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_an_answer_is_reported_as_unknown_and_those_behind_it_go_on_in_the_next_epoch() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|config| {
        config.batch_size = 1;
        config.linger = Duration::ZERO;
        config.request_timeout = Duration::from_secs(1);
        config.delivery_timeout = Duration::from_secs(3);
    });
    producer.send(record(0, "0")).await.unwrap().await.unwrap();
    cluster.script(|arrival| if arrival.values == ["1"] { Reply::Silence } else { Reply::Normal });
    let lost = send(&producer, ["1"]).await.pop().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let later = send(&producer, ["2"]).await.pop().unwrap();
    let error = lost.await.unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::OutcomeUnknown);
    assert!(error.may_be_written() && error.is_retriable(), "{error}");
    assert_eq!(later.await.unwrap().offset, Some(1));
    assert_eq!(cluster.log(0), ["0", "2"]);
    let arrivals = cluster.arrivals();
    let (first, last) = (arrivals.first().unwrap(), arrivals.last().unwrap());
    assert_eq!((last.producer_id, last.epoch, last.sequence), (first.producer_id, first.epoch + 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_another_batch_left_uses_up_no_retry() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|config| {
        config.batch_size = 1;
        config.linger = Duration::ZERO;
        config.retries = 1;
        config.request_timeout = Duration::from_secs(1);
        config.delivery_timeout = Duration::from_secs(3);
    });
    producer.send(record(0, "0")).await.unwrap().await.unwrap();
    cluster.script(|arrival| if arrival.values == ["1"] { Reply::Silence } else { Reply::Normal });
    let lost = send(&producer, ["1"]).await.pop().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Lost with the connection that "1" holds up, then refused because "1" is missing: once more it has to be sent.
    let behind = send(&producer, ["2"]).await.pop().unwrap();
    assert!(lost.await.unwrap_err().may_be_written());
    assert_eq!(behind.await.unwrap().offset, Some(1));
    assert_eq!(cluster.log(0), ["0", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_producer_id_is_asked_for_again_or_fails_what_needs_it() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|_| {});
    cluster.refuse_identity([ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, ErrorCode::COORDINATOR_NOT_AVAILABLE]);
    assert_eq!(offsets(send(&producer, ["0"]).await).await, [Some(0)]);

    let other = cluster.producer(|_| {});
    cluster.refuse_identity([ErrorCode::CLUSTER_AUTHORIZATION_FAILED]);
    let refused = send(&other, ["1"]).await.pop().unwrap().await.unwrap_err();
    assert_eq!(refused.kind(), ProduceErrorKind::Unauthorized);
    assert!(!refused.may_be_written());
    // Rights may have been granted since: the next record asks again.
    assert_eq!(offsets(send(&other, ["2"]).await).await, [Some(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_away_for_a_minute_costs_no_retries() {
    let cluster = FakeCluster::new(1);
    let producer = one_by_one(&cluster).await;
    cluster.script_first([Reply::HangUp]);
    cluster.set_down(1, true);
    let deliveries = send(&producer, ["1", "2"]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    cluster.set_down(1, false);
    assert_eq!(offsets(deliveries).await, [Some(1), Some(2)]);
    assert_eq!(cluster.log(0), ["0", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn other_partitions_go_on_while_one_waits() {
    let cluster = FakeCluster::new(2);
    let producer = cluster.producer(|config| config.linger = Duration::ZERO);
    cluster.script(|arrival| match arrival.partition {
        0 => Reply::Refuse(ErrorCode::NOT_ENOUGH_REPLICAS),
        _ => Reply::Normal,
    });
    let stuck = producer.send(record(0, "stuck")).await.unwrap();
    for index in 0..20 {
        let value = index.to_string();
        let delivery = producer.send(record(1, &value)).await.unwrap();
        assert_eq!(delivery.await.unwrap().offset, Some(index));
    }
    assert_eq!(stuck.await.unwrap_err().code(), Some(ErrorCode::NOT_ENOUGH_REPLICAS));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_does_not_exist_fails_its_records_alone() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|config| config.max_block = Duration::from_secs(5));
    let began = tokio::time::Instant::now();
    let error = producer.send(ProducerRecord::to("missing").value("v")).await.unwrap_err();
    assert_eq!((error.kind(), error.topic()), (ProduceErrorKind::UnknownTopic, Some("missing")));
    assert!(began.elapsed() >= Duration::from_secs(5) && began.elapsed() < Duration::from_secs(6));
    let error = producer.send(ProducerRecord::to("not a name").value("v")).await.unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::InvalidTopic);
    let error = producer.send(ProducerRecord::to(TOPIC).partition(7).value("v")).await.unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::UnknownPartition);
    assert_eq!(offsets(send(&producer, ["0"]).await).await, [Some(0)]);
    assert_eq!(producer.stats().refused, 3);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_was_just_added_is_waited_for_and_one_that_does_not_come_is_refused() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|_| {});
    assert_eq!(offsets(send(&producer, ["0"]).await).await, [Some(0)]);
    let began = tokio::time::Instant::now();
    let (sent, ()) = tokio::join!(producer.send(record(1, "new")), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        cluster.add_partition();
    });
    assert_eq!(sent.unwrap().await.unwrap().offset, Some(0));
    let waited = began.elapsed();
    assert!((2.0..3.5).contains(&waited.as_secs_f64()), "{waited:?}");

    let began = tokio::time::Instant::now();
    let error = producer.send(record(2, "nowhere")).await.unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::UnknownPartition);
    assert!(error.to_string().contains("the topic has 2"), "{error}");
    let waited = began.elapsed();
    assert!((5.0..6.5).contains(&waited.as_secs_f64()), "{waited:?}");

    // A number below 0 will never be one.
    let began = tokio::time::Instant::now();
    let error = producer.send(record(-1, "never")).await.unwrap_err();
    assert_eq!((error.kind(), began.elapsed()), (ProduceErrorKind::UnknownPartition, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_does_not_come_is_unknown_however_long_a_record_may_wait() {
    let cluster = FakeCluster::new(1);
    // Wherever the time runs out, in the midst of a look at the metadata or between two.
    for max_block in (1_000..1_300).step_by(7).map(Duration::from_millis) {
        let producer = cluster.producer(|config| config.max_block = max_block);
        let error = producer.send(record(9, "nowhere")).await.unwrap_err();
        assert_eq!(error.kind(), ProduceErrorKind::UnknownPartition, "{max_block:?}: {error}");
    }
    // Where nobody answers, nobody said that it is missing.
    let producer = cluster.producer(|config| config.max_block = Duration::from_secs(3));
    assert_eq!(offsets(send(&producer, ["0"]).await).await, [Some(0)]);
    for broker in [1, 2] {
        cluster.set_down(broker, true);
    }
    let error = producer.send(record(9, "nowhere")).await.unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::Cluster, "{error}");
}
