//! Our own consumer, which reads beside the producer, without a group.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kafka_core::{TopicPartition, cluster::Client};
use kafka_stream::consumer::{AutoOffsetReset, Consumer, ConsumerConfig, ConsumerErrorKind};
use kafka_tests::chain::Chains;
use parking_lot::Mutex;

use super::Shared;
use crate::report::{Consumed, Report};

/// How long the consumer may get nothing more before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(150);

/// Reads until all that was acknowledged is there, or nothing comes any more.
pub(super) async fn read(client: Client, shared: Arc<Shared>, report: Arc<Mutex<Report>>) -> Consumed {
    let mut config = ConsumerConfig::default();
    config.auto_offset_reset = AutoOffsetReset::Earliest;
    let consumer = Consumer::new(client, config).expect("a consumer");
    let mut chains = Chains::default();
    let mut last = Instant::now();
    let mut assigned = 0;
    loop {
        let partitions = shared.partitions.load(Ordering::Relaxed);
        if partitions != assigned {
            assigned = partitions;
            let all = (0..partitions).map(|partition| TopicPartition::new(&*shared.topic, partition));
            consumer.assign(all).expect("assign");
        }
        match consumer.poll(Duration::from_millis(500)).await {
            Ok(records) => {
                for record in &records {
                    chains.see(std::str::from_utf8(record.value().unwrap_or_default()).unwrap_or("no text"));
                    last = Instant::now();
                }
                shared.read.store(chains.count(), Ordering::Relaxed);
            }
            Err(error) if error.kind() == ConsumerErrorKind::UnknownTopic && is_set(&shared.no_topic) => {}
            Err(error) => shared.note("poll", &error),
        }
        if shared.produced.is_cancelled() {
            let report = report.lock();
            // The count is cheap, and tells when looking at each is worth it.
            let done = chains.count() >= report.acked && missing(&chains, &report) == 0;
            if done || last.elapsed() > PATIENCE {
                break;
            }
        }
    }
    let missing = missing(&chains, &report.lock());
    if let Err(error) = consumer.close(Duration::from_secs(30)).await {
        shared.note("close the consumer", &error);
    }
    Consumed {
        missing,
        repeated: chains.repeated(),
        out_of_order: chains.out_of_order(),
        damaged: chains.damaged(),
    }
}

fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// How many acknowledged records were not read.
fn missing(chains: &Chains, report: &Report) -> u64 {
    let missing = report.acknowledged().filter(|(partition, number)| !chains.has(*partition, *number));
    u64::try_from(missing.count()).unwrap_or(u64::MAX)
}
