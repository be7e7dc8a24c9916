//! Produces a few events, keyed by their ids, and prints where each was written and what the producer counted.
//!
//! `cargo run --example produce` with `STREAMING_KAFKA__BOOTSTRAP_SERVERS` set.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use streaming_kafka::{Error, KafkaManager};

#[derive(Serialize)]
struct Event {
    event_id: String,
    event_type: &'static str,
    duration_ms: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match produce().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if matches!(error, Error::Config(_)) { 2 } else { 1 })
        }
    }
}

async fn produce() -> Result<(), Error> {
    let manager = KafkaManager::from_env()?.with_key_field("event_id");
    let topic = manager.config().topics.events.clone();

    let mut deliveries = Vec::new();
    for number in 0..10 {
        let event =
            Event { event_id: format!("event-{number}"), event_type: "page_view", duration_ms: 100 * number };
        deliveries.push(manager.send_event(&topic, &event).await?);
    }
    for delivery in deliveries {
        let written = delivery.await?;
        println!("{}-{} at offset {:?}", written.topic, written.partition, written.offset);
    }

    let stats = manager.producer_stats();
    println!("Messages sent: {}", stats.messages_sent);
    println!("Bytes sent: {}", stats.bytes_sent);
    println!("Send errors: {}", stats.send_errors);
    manager.close(Duration::from_secs(10)).await
}
