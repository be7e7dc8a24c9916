//! The client and its brokers on one thread and a clock of their own: hours pass in seconds, and a seed says what happens.

use std::time::{Duration, Instant};

use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_embedded::{EmbeddedCluster, Fault, Moment, on};
use streaming_kafka::{Client, ClientConfig};

use crate::support::{producer, send};

fn client(cluster: &EmbeddedCluster) -> Client {
    let servers = cluster.bootstrap_servers();
    let mut config = ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()));
    config.connector = Some(cluster.connector());
    Client::new(config).unwrap()
}

fn any_fault(random: &mut fastrand::Rng) -> Fault {
    let apis = [ApiKey::Produce, ApiKey::Metadata, ApiKey::InitProducerId];
    let fault = on(*random.choice(&apis).unwrap()).skip(random.u32(..3)).times(random.u32(1..4));
    match random.u8(..7) {
        0 => fault.reply(ErrorCode::NOT_LEADER_OR_FOLLOWER),
        1 => fault.drop_connection(Moment::BeforeApplying),
        2 => fault.drop_connection(Moment::AfterApplying),
        3 => fault.truncate(random.usize(..200)),
        4 => fault.delay(Duration::from_millis(random.u64(..2000))),
        5 => fault.never_answer(),
        _ => fault.throttle(Duration::from_millis(random.u64(..500))),
    }
}

/// An hour of producing, with a fault every minute and now and then a broker that dies.
async fn an_hour(seed: u64) {
    fastrand::seed(seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let cluster = EmbeddedCluster::builder().brokers(3).seed(seed).topic("t", 3).start().await.unwrap();
    let producer = producer(&client(&cluster));
    for minute in 0..60 {
        cluster.inject(any_fault(&mut random));
        let victim = random.i32(1..4);
        let dies = random.u8(..3) == 0;
        if dies {
            cluster.kill(victim).await.unwrap();
        }
        send(&producer, "t", minute * 20..minute * 20 + 20).await;
        if dies {
            cluster.start(victim).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let mut written = Vec::new();
    for partition in cluster.topic("t").unwrap().partitions {
        let values = partition.records.iter().map(|record| record.value.as_deref().unwrap());
        let numbers: Vec<u32> =
            values.map(|value| std::str::from_utf8(value).unwrap().parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "seed {seed}: in order: {:#?}", cluster.history());
        written.extend(numbers);
    }
    written.sort_unstable();
    assert!(
        written.into_iter().eq(0..1200),
        "seed {seed}: each record is written once: {:#?}",
        cluster.history()
    );
}

#[test]
fn nothing_is_lost_or_repeated_whatever_the_seed_brings() {
    let started = Instant::now();
    for seed in 0..10 {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let simulated = runtime.block_on(async {
            let begin = tokio::time::Instant::now();
            an_hour(seed).await;
            begin.elapsed()
        });
        assert!(simulated >= Duration::from_secs(3600), "{simulated:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(3600), "simulated time is not real time");
}
