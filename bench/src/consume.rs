//! Reads topics from their beginning as the only member of a group, and touches every value.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use streaming_kafka::Client;
use streaming_kafka::consumer::Consumer;

use crate::flags::Flags;

const POLL: Duration = Duration::from_secs(1);

pub(crate) async fn run(flags: &Flags) -> Result<Value> {
    let count = flags.or("count", 1_000_000)?;
    let begin = Instant::now();
    let (client, settings) = flags.config()?.consumer_settings(Some(flags.text("group")?))?;
    let consumer = Consumer::new(Client::new(client)?, settings)?;
    consumer.subscribe(flags.topics()?)?;

    let (mut messages, mut bytes, mut first) = (0, 0, None);
    let mut touched = 0u64;
    while messages < count {
        let records = consumer.poll(POLL).await?;
        if records.is_empty() {
            continue;
        }
        first.get_or_insert_with(Instant::now);
        for record in &records {
            let value = record.value().unwrap_or_default();
            bytes += value.len();
            touched += value.first().copied().map_or(0, u64::from);
        }
        messages += records.len();
    }
    let first = first.unwrap_or(begin);
    let seconds = first.elapsed().as_secs_f64();
    consumer.commit_sync().await?;
    consumer.close(Duration::from_secs(10)).await?;
    Ok(json!({
        "messages": messages, "bytes": bytes, "seconds": seconds,
        "first_s": first.duration_since(begin).as_secs_f64(), "touched": touched,
    }))
}
