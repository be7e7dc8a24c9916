//! Handles events until it is told to end; what cannot be handled goes to the dead letter topic.
//!
//! `cargo run --example consume` with `STREAMING_KAFKA__BOOTSTRAP_SERVERS` set.

use std::process::ExitCode;

use serde::Deserialize;
use streaming_kafka::prelude::*;

#[derive(Debug, Deserialize)]
struct Event {
    event_id: String,
    duration_ms: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match consume().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if matches!(error, Error::Config(_)) { 2 } else { 1 })
        }
    }
}

async fn consume() -> Result<(), Error> {
    let manager = KafkaManager::from_env()?;
    manager.stop_on_signal()?;
    let topic = manager.config().topics.events.clone();

    let handler = json(async |event: Event, record: ConsumerRecord| {
        println!("{}-{}: {} took {} ms", record.topic, record.partition, event.event_id, event.duration_ms);
        Ok::<_, std::io::Error>(())
    });
    let stats = manager.consume_events(&topic, handler).await?;
    println!("handled {}, dead-lettered {}", stats.handled, stats.dead_lettered);
    Ok(())
}
