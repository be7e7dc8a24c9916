//! Each setting changes what it promises to change.

use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_core::records::Compression;
use tokio::time::{Instant, sleep};

use crate::producer::testkit::{FakeCluster, Reply, TOPIC, record};
use crate::producer::{Acks, ProduceErrorKind, ProducerConfig, ProducerRecord, SizeLimit};

fn not_idempotent(config: &mut ProducerConfig) {
    config.enable_idempotence = false;
}

#[tokio::test(start_paused = true)]
async fn acks_and_request_timeout_reach_the_broker() {
    for (acks, code) in [(Acks::None, 0), (Acks::Leader, 1), (Acks::All, -1)] {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| {
            not_idempotent(config);
            config.acks = acks;
            config.request_timeout = Duration::from_millis(12_345);
        });
        let written = producer.send(record(0, "v")).await.unwrap().await.unwrap();
        assert_eq!(written.offset, (acks != Acks::None).then_some(0));
        sleep(Duration::from_millis(10)).await;
        let arrival = cluster.arrivals().pop().unwrap();
        assert_eq!((arrival.acks, arrival.timeout_ms), (code, 12_345));
        assert_eq!(cluster.log(0), ["v"]);
    }
}

#[tokio::test(start_paused = true)]
async fn request_timeout_ends_the_wait_for_an_answer() {
    let cluster = FakeCluster::new(1);
    cluster.script_first([Reply::Silence]);
    let producer = cluster.producer(|config| config.request_timeout = Duration::from_secs(7));
    let began = Instant::now();
    producer.send(record(0, "v")).await.unwrap().await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(7) && began.elapsed() < Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn idempotence_puts_numbers_on_batches() {
    for idempotent in [true, false] {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| config.enable_idempotence = idempotent);
        producer.send(record(0, "v")).await.unwrap().await.unwrap();
        let arrival = cluster.arrivals().pop().unwrap();
        assert_eq!(
            (arrival.producer_id >= 0, arrival.sequence),
            (idempotent, if idempotent { 0 } else { -1 })
        );
    }
}

#[tokio::test(start_paused = true)]
async fn retries_counts_the_attempts_after_the_first() {
    for retries in [0, 1, 5] {
        let cluster = FakeCluster::new(1);
        cluster.script(|_| Reply::Refuse(ErrorCode::REQUEST_TIMED_OUT));
        let producer = cluster.producer(|config| {
            not_idempotent(config);
            config.retries = retries;
        });
        let error = producer.send(record(0, "v")).await.unwrap().await.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::REQUEST_TIMED_OUT));
        assert_eq!(cluster.arrivals().len(), 1 + retries as usize);
        assert_eq!(producer.stats().retries, u64::from(retries));
    }
}

#[tokio::test(start_paused = true)]
async fn batch_size_and_linger_decide_how_many_records_go_together() {
    let sizes = async |batch_size: usize, linger: u64, pause: u64| {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| {
            config.batch_size = batch_size;
            config.linger = Duration::from_millis(linger);
        });
        // The topic is known from here on.
        producer.send(record(0, "v")).await.unwrap().await.unwrap();
        let value = "v".repeat(100);
        let mut deliveries = Vec::new();
        for _ in 0..12 {
            deliveries.push(producer.send(record(0, &value)).await.unwrap());
            sleep(Duration::from_millis(pause)).await;
        }
        producer.flush().await.unwrap();
        cluster.arrivals().iter().skip(1).map(|arrival| arrival.values.len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(16_384, 1_000, 0).await, [12]);
    assert_eq!(sizes(500, 1_000, 0).await, [4, 4, 4]);
    assert_eq!(sizes(1, 1_000, 0).await, [1; 12]);
    assert_eq!(sizes(16_384, 0, 2).await, [1; 12]);
    assert_eq!(sizes(16_384, 35, 10).await, [4, 4, 4]);
}

#[tokio::test(start_paused = true)]
async fn buffer_memory_holds_senders_back_and_max_block_ends_their_wait() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|config| {
        config.batch_size = 1_000;
        config.buffer_memory = 3_000;
        config.max_block = Duration::from_secs(2);
    });
    producer.send(record(0, "v")).await.unwrap().await.unwrap();
    cluster.script(|_| Reply::Silence);
    let value = "v".repeat(900);
    let deliveries: Vec<_> = (0..3).map(|_| producer.try_send(record(0, &value)).unwrap()).collect();
    let refused = producer.try_send(record(0, &value)).unwrap_err();
    assert_eq!(refused.error().kind(), ProduceErrorKind::BufferFull);
    assert_eq!(refused.into_parts().0.value_bytes(), Some(value.as_bytes()));
    let began = Instant::now();
    let error = producer.send(record(0, &value)).await.unwrap_err();
    assert_eq!((error.kind(), began.elapsed()), (ProduceErrorKind::BufferFull, Duration::from_secs(2)));
    assert!(error.to_string().contains("3000"), "{error}");
    assert_eq!(producer.stats().buffer_total, 3_000);
    drop(deliveries);
}

#[tokio::test(start_paused = true)]
async fn compression_levels_change_the_size() {
    let sent = async |compression: Compression, gzip: i32, zstd: i32| {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| {
            config.batch_size = 200_000;
            config.compression_type = compression;
            config.compression_levels.gzip = Some(gzip);
            config.compression_levels.zstd = Some(zstd);
        });
        let value: String = (0..8_000_u32)
            .map(|n| format!("{{\"id\":{},\"v\":{n}}},", n.wrapping_mul(2_654_435_761) >> 20))
            .collect();
        producer.send(record(0, &value)).await.unwrap().await.unwrap();
        assert_eq!(cluster.log(0), [value]);
        cluster.arrivals()[0].size
    };
    assert!(sent(Compression::Gzip, 9, 1).await < sent(Compression::Gzip, 1, 1).await);
    assert_ne!(sent(Compression::Zstd, 1, 9).await, sent(Compression::Zstd, 1, 1).await);
}

#[tokio::test]
async fn batches_that_are_compressed_side_by_side_keep_their_order() {
    for parallelism in [1, 4] {
        let cluster = FakeCluster::new(2);
        let mut count = 0;
        // Refusals and lost connections in between: what was compressed ahead is numbered again where need be.
        cluster.script(move |_| {
            count += 1;
            match count % 40 {
                7 => Reply::Refuse(ErrorCode::NOT_ENOUGH_REPLICAS),
                19 => Reply::Refuse(ErrorCode::INVALID_PRODUCER_EPOCH),
                31 => Reply::AppendAndHangUp,
                _ => Reply::Normal,
            }
        });
        let producer = cluster.producer(|config| {
            config.compression_type = Compression::Gzip;
            config.compression_parallelism = parallelism;
            config.batch_size = 1_000;
            config.buffer_memory = 100_000;
            config.retries = 20;
        });
        let values: Vec<String> = (0..4_000).map(|index| format!("{index:0100}")).collect();
        for (index, value) in values.iter().enumerate() {
            drop(producer.send(record(i32::from(index % 2 == 1), value)).await.unwrap());
        }
        producer.close(Duration::from_secs(60)).await.unwrap();
        assert_eq!(producer.stats().send_errors, 0);
        for partition in 0..2 {
            let expected = values.iter().skip(partition).step_by(2);
            assert!(cluster.log(partition).iter().eq(expected), "parallelism {parallelism}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn max_in_flight_bounds_the_requests_on_a_connection() {
    for limit in 1..=5 {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| {
            config.batch_size = 1;
            config.max_in_flight = limit;
        });
        producer.send(record(0, "v")).await.unwrap().await.unwrap();
        cluster.script(|_| Reply::Late(Duration::from_secs(1)));
        let before = producer.stats().requests;
        let deliveries: Vec<_> = (0..10).map(|_| producer.try_send(record(0, "v")).unwrap()).collect();
        sleep(Duration::from_millis(500)).await;
        assert_eq!(producer.stats().requests - before, limit as u64);
        for delivery in deliveries {
            delivery.await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn max_request_size_bounds_records_and_requests() {
    let cluster = FakeCluster::new(10);
    let producer = cluster.producer(|config| config.max_request_size = 5_000);
    let value = "v".repeat(2_000);
    let deliveries = {
        let mut deliveries = Vec::new();
        for partition in 0..10 {
            deliveries.push(producer.send(record(partition, &value)).await.unwrap());
        }
        deliveries
    };
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let largest = cluster.arrivals().iter().map(|arrival| arrival.request_size).max().unwrap();
    assert!(largest > 4_000 && largest < 5_000, "{largest}");
    let error = producer.send(record(0, &"v".repeat(5_000))).await.unwrap_err();
    assert!(matches!(
        error.kind(),
        ProduceErrorKind::RecordTooLarge { limit: Some(5_000), which: SizeLimit::MaxRequestSize, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn delivery_timeout_bounds_the_whole_way_of_a_record() {
    let cluster = FakeCluster::new(1);
    cluster.set_down(1, true);
    let producer = cluster.producer(|config| {
        config.request_timeout = Duration::from_secs(3);
        config.delivery_timeout = Duration::from_secs(9);
    });
    let began = Instant::now();
    let error = producer.send(record(0, "v")).await.unwrap().await.unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::Timeout(Duration::from_secs(9)));
    assert!(began.elapsed() >= Duration::from_secs(9) && began.elapsed() < Duration::from_secs(10));
    assert!(!error.may_be_written());
}

#[tokio::test(start_paused = true)]
async fn partitioner_ignore_keys_spreads_one_key() {
    for ignore in [false, true] {
        let cluster = FakeCluster::new(6);
        let producer = cluster.producer(|config| {
            config.batch_size = 1;
            config.partitioner_ignore_keys = ignore;
        });
        let mut partitions = std::collections::BTreeSet::new();
        for _ in 0..60 {
            let record = ProducerRecord::to(TOPIC).key("one").value("v");
            partitions.insert(producer.send(record).await.unwrap().await.unwrap().partition);
        }
        assert_eq!(partitions.len() > 1, ignore, "{partitions:?}");
    }
}

/// How 400 batches without a key are spread while broker 1 answers slowly, or not at all; partitions 0 and 2 are its.
async fn spread(configure: impl FnOnce(&mut ProducerConfig), reply: Reply) -> [usize; 4] {
    let cluster = FakeCluster::new(4);
    let producer = cluster.producer(|config| {
        config.batch_size = 1;
        configure(config);
    });
    for partition in 0..4 {
        producer.send(record(partition, "first")).await.unwrap().await.unwrap();
    }
    cluster.script(move |arrival| if arrival.broker == 1 { reply.clone() } else { Reply::Normal });
    let mut counts = [0; 4];
    for _ in 0..400 {
        let delivery = producer.send(ProducerRecord::to(TOPIC).value("v")).await.unwrap();
        counts[usize::try_from(delivery.partition()).unwrap()] += 1;
        drop(delivery);
        sleep(Duration::from_millis(10)).await;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn adaptive_partitioning_sends_less_to_a_slow_broker() {
    let slow = || Reply::Late(Duration::from_millis(300));
    let even = spread(|config| config.partitioner_adaptive_partitioning = false, slow()).await;
    let adapted = spread(|_| {}, slow()).await;
    assert!(even[0] + even[2] > 140, "{even:?}");
    assert!(adapted[0] + adapted[2] < 110, "{adapted:?}");
}

#[tokio::test(start_paused = true)]
async fn availability_timeout_leaves_out_a_broker_that_takes_nothing() {
    let within = |timeout: u64| {
        move |config: &mut ProducerConfig| {
            config.partitioner_adaptive_partitioning = false;
            config.partitioner_availability_timeout = Duration::from_millis(timeout);
        }
    };
    let without = spread(within(0), Reply::Silence).await;
    assert!(without[0] + without[2] > 140, "{without:?}");
    let left_out = spread(within(200), Reply::Silence).await;
    assert!(left_out[0] + left_out[2] < 60, "{left_out:?}");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_was_left_out_gets_records_again() {
    let cluster = FakeCluster::new(2);
    let producer = cluster.producer(|config| {
        config.batch_size = 1;
        config.partitioner_availability_timeout = Duration::from_millis(200);
    });
    for partition in 0..2 {
        producer.send(record(partition, "first")).await.unwrap().await.unwrap();
    }
    cluster.set_down(1, true);
    cluster.script(|arrival| if arrival.broker == 1 { Reply::HangUp } else { Reply::Normal });
    let mut last = 0;
    let mut used = async |count: usize| {
        let mut partitions = std::collections::BTreeSet::new();
        for _ in 0..count {
            last += 1;
            let value = last.to_string();
            let delivery = producer.send(ProducerRecord::to(TOPIC).value(&value)).await.unwrap();
            partitions.insert(delivery.partition());
            drop(delivery);
            sleep(Duration::from_millis(10)).await;
        }
        partitions.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(used(60).await, [0, 1]);
    assert_eq!(used(100).await, [1]);
    cluster.set_down(1, false);
    cluster.script(|_| Reply::Normal);
    used(300).await;
    assert_eq!(used(60).await, [0, 1]);
    producer.flush().await.unwrap();
    assert_eq!(cluster.all_values().len(), 2 + 520);
}
