//! Random faults from a seed at every batch, and what was acknowledged compared with the logs.
//!
//! A failure prints its seed; `RUNS` of them make one test.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use kafka_core::protocol::ErrorCode;
use tokio::time::sleep;

use crate::producer::testkit::{Arrival, FakeCluster, Reply, record};
use crate::producer::{ProduceErrorKind, Producer};

const RUNS: u64 = 150;
const PARTITIONS: usize = 3;
const RECORDS: usize = 120;

/// A reply that brings trouble one time in `odds`.
fn reply(rng: &mut Rng, odds: u32, arrival: &Arrival) -> Reply {
    if rng.u32(0..odds) > 0 {
        return Reply::Normal;
    }
    let before = [
        ErrorCode::NOT_ENOUGH_REPLICAS,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::LEADER_NOT_AVAILABLE,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::THROTTLING_QUOTA_EXCEEDED,
        ErrorCode::INVALID_RECORD,
        ErrorCode::CORRUPT_MESSAGE,
    ];
    let after = [
        ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        ErrorCode::REQUEST_TIMED_OUT,
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::KAFKA_STORAGE_ERROR,
        ErrorCode::UNKNOWN_SERVER_ERROR,
    ];
    match rng.u32(0..9) {
        0 | 1 => Reply::Refuse(before[rng.usize(..before.len())]),
        2 => Reply::Refuse(after[rng.usize(..after.len())]),
        3 | 4 => Reply::AppendThen(after[rng.usize(..after.len())]),
        5 => Reply::HangUp,
        6 => Reply::AppendAndHangUp,
        7 if arrival.values.len() > 1 => Reply::Refuse(ErrorCode::MESSAGE_TOO_LARGE),
        7 => Reply::Silence,
        _ => Reply::Late(Duration::from_millis(rng.u64(1..3_000))),
    }
}

struct Told {
    value: String,
    partition: usize,
    /// The offset, or whether it may be written all the same.
    outcome: Result<i64, bool>,
}

async fn send_all(cluster: &FakeCluster, producer: &Producer, rng: &mut Rng) -> Vec<Told> {
    let mut deliveries = Vec::new();
    for index in 0..RECORDS {
        let (partition, value) = (rng.usize(0..PARTITIONS), format!("{index:04}"));
        let delivery = producer.send(record(i32::try_from(partition).unwrap(), &value)).await.unwrap();
        deliveries.push((value, partition, delivery));
        if rng.u32(0..4) == 0 {
            sleep(Duration::from_millis(rng.u64(0..40))).await;
        }
        if rng.u32(0..40) == 0 {
            cluster.lead(rng.usize(0..PARTITIONS), rng.i32(1..3));
        }
    }
    let mut told = Vec::new();
    for (value, partition, delivery) in deliveries {
        let outcome = match delivery.await {
            Ok(metadata) => Ok(metadata.offset.unwrap()),
            Err(error) => {
                assert_ne!(error.kind(), ProduceErrorKind::Closed);
                Err(error.may_be_written())
            }
        };
        told.push(Told { value, partition, outcome });
    }
    told
}

fn check(cluster: &FakeCluster, told: &[Told]) {
    for partition in 0..PARTITIONS {
        let log = cluster.log(partition);
        // Values rise in the order of sending: a log that rises strictly repeats and reorders nothing.
        assert!(log.windows(2).all(|pair| pair[0] < pair[1]), "not in order or repeated: {log:?}");
        let offsets: BTreeMap<&str, i64> = log.iter().map(String::as_str).zip(0..).collect();
        for told in told.iter().filter(|told| told.partition == partition) {
            let written = offsets.get(told.value.as_str());
            match told.outcome {
                Ok(offset) => assert_eq!(written, Some(&offset), "{} was acknowledged", told.value),
                Err(false) => assert_eq!(written, None, "{} was said not to be written", told.value),
                Err(true) => {}
            }
        }
    }
}

async fn run(seed: u64) {
    // Back-off and the client's choices draw from here.
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(seed);
    let cluster = FakeCluster::new(PARTITIONS);
    let producer = cluster.producer(|config| {
        config.batch_size = [1, 100, 300, 16_384][rng.usize(0..4)];
        config.linger = Duration::from_millis(rng.u64(0..10));
        config.max_in_flight = rng.usize(1..=5);
        config.retries = [1, 3, u32::MAX][rng.usize(0..3)];
        config.request_timeout = Duration::from_secs(2);
        config.delivery_timeout = Duration::from_secs([3, 10, 60][rng.usize(0..3)]);
    });
    let (mut faults, odds) = (rng.fork(), [3, 8, 30][rng.usize(0..3)]);
    cluster.script(move |arrival| reply(&mut faults, odds, arrival));
    let told = send_all(&cluster, &producer, &mut rng).await;
    check(&cluster, &told);
    let stats = producer.stats();
    assert_eq!((stats.in_flight, stats.buffer_available), (0, stats.buffer_total));
    // Once the faults end, everything works again.
    cluster.script(|_| Reply::Normal);
    for partition in 0..PARTITIONS {
        producer.send(record(i32::try_from(partition).unwrap(), "end")).await.unwrap().await.unwrap();
    }
    producer.close(Duration::from_secs(10)).await.unwrap();
}

#[test]
fn whatever_brokers_do_nothing_acknowledged_is_lost_repeated_or_reordered() {
    let only = std::env::var("PRODUCER_SEED").ok().map(|seed| seed.parse().unwrap());
    for seed in only.map_or(0..RUNS, |seed: u64| seed..seed + 1) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(run(seed))));
        if outcome.is_err() {
            panic!("run it again by PRODUCER_SEED={seed}");
        }
    }
}
