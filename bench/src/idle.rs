//! A consumer of a topic to which nobody writes.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use streaming_kafka::Client;
use streaming_kafka::consumer::Consumer;

use crate::flags::Flags;

pub(crate) async fn run(flags: &Flags) -> Result<Value> {
    let length = Duration::from_secs(flags.or("seconds", 30)?);
    let (client, settings) = flags.config()?.consumer_settings(Some(flags.text("group")?))?;
    let consumer = Consumer::new(Client::new(client)?, settings)?;
    consumer.subscribe(flags.topics()?)?;
    // What joining and looking up offsets costs is not what idling costs.
    let settle = Instant::now() + Duration::from_secs(flags.or("settle", 5)?);
    while Instant::now() < settle {
        consumer.poll(Duration::from_secs(1)).await?;
    }
    let partitions = consumer.assignment().len();
    let (begin, cpu) = (Instant::now(), cpu_seconds()?);
    while begin.elapsed() < length {
        consumer.poll(Duration::from_secs(1)).await?;
    }
    let used = cpu_seconds()? - cpu;
    consumer.close(Duration::from_secs(10)).await?;
    Ok(
        json!({ "messages": 0, "partitions": partitions, "seconds": begin.elapsed().as_secs_f64(), "idle_cpu_s": used }),
    )
}

/// User and system time of this process so far, as Linux counts it.
fn cpu_seconds() -> Result<f64> {
    /// `USER_HZ`, which is the same on every Linux.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may hold anything; the fields that follow it count from 3, and these are 14 and 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<_, _>>()?;
    Ok(ticks as f64 / TICKS)
}
