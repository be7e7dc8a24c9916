//! Sends values through the client's own partitioner, or with keys, from one task or several.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use streaming_kafka::Client;
use streaming_kafka::producer::{Producer, ProducerRecord};
use tokio::task::JoinSet;

use crate::flags::{Flags, Payloads};

/// What one task sends.
struct Share {
    topics: Vec<String>,
    payloads: Payloads,
    /// Records have none where there are none.
    keys: Arc<[String]>,
    first: usize,
    step: usize,
    count: usize,
}

pub(crate) async fn run(flags: Flags) -> Result<Value> {
    let (client, mut settings) = flags.config()?.producer_settings()?;
    settings.compression_parallelism =
        flags.or("compression-parallelism", settings.compression_parallelism)?;
    let producer = Producer::new(Client::new(client)?, settings)?;
    let payloads = flags.payloads()?;
    let (count, tasks) = (flags.or("count", 1_000_000)?, flags.or("tasks", 1)?);
    let topics = flags.topics()?;
    let keys: Arc<[String]> = (0..flags.or("keys", 0)?).map(|key| format!("key-{key}")).collect();

    let begin = Instant::now();
    let mut sending = JoinSet::new();
    for first in 0..tasks {
        let (topics, payloads, keys) = (topics.clone(), payloads.clone(), keys.clone());
        let share = Share { topics, payloads, keys, first, step: tasks, count };
        sending.spawn(send(producer.clone(), share));
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    producer.flush().await?;
    let seconds = begin.elapsed().as_secs_f64();

    let stats = producer.stats();
    producer.close(std::time::Duration::from_secs(10)).await?;
    ensure!(stats.send_errors == 0, "{} records failed", stats.send_errors);
    let bytes = stats.messages_sent * payloads.size() as u64;
    Ok(json!({
        "messages": stats.messages_sent, "bytes": bytes, "seconds": seconds, "failed": stats.send_errors,
        "batches": stats.batches, "requests": stats.requests, "wire_bytes": stats.compressed_bytes_sent,
    }))
}

async fn send(producer: Producer, share: Share) -> Result<()> {
    let Share { topics, payloads, keys, first, step, count } = share;
    let mut topic_of = topics.iter().cycle();
    let mut key_of = keys.iter().cycle();
    for i in (first..count).step_by(step.max(1)) {
        let Some(topic) = topic_of.next() else { break };
        let mut record = ProducerRecord::to(topic).value(payloads.get(i));
        if let Some(key) = key_of.next() {
            record = record.key(key);
        }
        // Failures are counted by the producer; there is nothing to be done for one record.
        drop(producer.send(record).await?);
    }
    Ok(())
}
