//! Sends one record at a time to partition 0, and waits for each acknowledgement.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use streaming_kafka::Client;
use streaming_kafka::producer::{Producer, ProducerRecord};

use crate::flags::Flags;

const WARM_UP: usize = 100;

pub(crate) async fn run(flags: &Flags) -> Result<Value> {
    let (client, settings) = flags.config()?.producer_settings()?;
    let producer = Producer::new(Client::new(client)?, settings)?;
    let (payloads, topic, count) = (flags.payloads()?, flags.text("topic")?, flags.or("count", 5_000)?);
    ensure!(count > 0, "--count 0 measures nothing");
    let mut micros = Vec::with_capacity(count);
    for i in 0..count + WARM_UP {
        let begin = Instant::now();
        producer.send(ProducerRecord::to(topic).partition(0).value(payloads.get(i))).await?.await?;
        if i >= WARM_UP {
            micros.push(begin.elapsed().as_micros());
        }
    }
    producer.close(std::time::Duration::from_secs(10)).await?;
    micros.sort_unstable();
    let percentile = |percent: usize| micros.get(count * percent / 100).copied().unwrap_or_default();
    Ok(json!({ "messages": count, "p50_us": percentile(50), "p99_us": percentile(99) }))
}
