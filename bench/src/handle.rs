//! Hands every record to an empty handler: what the handler runtime costs above plain polling.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use streaming_kafka::consumer::ConsumerRecord;
use streaming_kafka::handler::{Concurrency, Failure};
use streaming_kafka::{ConsumeOptions, KafkaManager};

use crate::flags::Flags;

pub(crate) async fn run(flags: &Flags) -> Result<Value> {
    let count = flags.or("count", 1_000_000)?;
    let manager = KafkaManager::new(&flags.config()?)?;
    let mut options = ConsumeOptions::in_group(flags.text("group")?);
    let mut handling = manager.config().handler_config.options.clone();
    handling.concurrency = match flags.or("lanes", 1)? {
        0 => bail!("--lanes 0 handles nothing"),
        1 => Concurrency::ByPartition,
        lanes => Concurrency::ByKey(lanes),
    };
    options.handler = Some(handling);
    let begin = Instant::now();
    let (seen, stop) = (Arc::new(AtomicUsize::new(0)), manager.clone());
    let handled = {
        let seen = seen.clone();
        move |record: ConsumerRecord| {
            if seen.fetch_add(1, Ordering::Relaxed) + 1 == count {
                stop.stop_consuming();
            }
            let empty = record.value.is_none();
            async move { if empty { Err(Failure::poison("an event without a value")) } else { Ok(()) } }
        }
    };
    let stats = manager.consume_events_with(flags.text("topic")?, options, handled).await?;
    Ok(json!({ "messages": stats.handled, "seconds": begin.elapsed().as_secs_f64() }))
}
