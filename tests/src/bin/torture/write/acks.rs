//! What becomes of each record.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use kafka_stream::producer::Delivery;
use tokio::sync::mpsc;

use super::{Shared, is_explained};

#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) acked: u64,
    pub(super) failed: Vec<(i32, u64)>,
    pub(super) longest_stall_ms: u64,
}

/// Awaits each record's fate, in order.
pub(super) async fn collect(
    mut records: mpsc::Receiver<(i32, u64, Delivery)>,
    shared: Arc<Shared>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut told = Instant::now();
    while let Some((partition, number, delivery)) = records.recv().await {
        let begin = Instant::now();
        match delivery.await {
            Ok(_) => {
                outcome.acked += 1;
                shared.acked.store(outcome.acked, Ordering::Relaxed);
            }
            Err(error) => {
                outcome.failed.push((partition, number));
                if !is_explained(&error) {
                    shared.note("deliver", &error);
                }
            }
        }
        let stall = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        outcome.longest_stall_ms = outcome.longest_stall_ms.max(stall);
        if told.elapsed() > Duration::from_secs(5) {
            eprintln!("acked {}, failed {}", outcome.acked, outcome.failed.len());
            told = Instant::now();
        }
    }
    outcome
}
