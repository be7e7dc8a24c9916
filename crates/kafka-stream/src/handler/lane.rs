//! A lane: records handled one after the other.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use tokio::sync::mpsc;

use super::partitions::Partition;
use super::stats::{Counters, count};
use super::{Failure, Handler, HandlerError, RetryPolicy};
use crate::consumer::{ConsumerHandle, ConsumerRecord};
use crate::dead_letter::DeadLetterQueue;

/// What all lanes share.
pub(crate) struct Work<H> {
    pub(crate) handler: H,
    pub(crate) retry: RetryPolicy,
    pub(crate) dead_letters: Option<DeadLetterQueue>,
    pub(crate) consumer: ConsumerHandle,
    pub(crate) counters: Arc<Counters>,
    /// Takes the error that ends consumption.
    pub(crate) failed: mpsc::UnboundedSender<HandlerError>,
}

/// Handles what comes, until the partition is drained or a record can neither be handled nor set aside.
pub(crate) async fn run<H: Handler>(
    work: Arc<Work<H>>,
    partition: Arc<Partition>,
    mut records: mpsc::UnboundedReceiver<Vec<ConsumerRecord>>,
) {
    while let Some(records) = records.recv().await {
        for record in records {
            if partition.draining.load(Ordering::Acquire) {
                return;
            }
            let offset = record.offset;
            let outcome = tokio::select! {
                biased;
                () = partition.abandoned.cancelled() => {
                    count(&work.counters.abandoned);
                    tracing::warn!(partition = %partition.tp, offset, "the handler did not end in time and was dropped");
                    return;
                }
                outcome = work.process(&partition, record) => outcome,
            };
            if let Err(error) = outcome {
                // The receiver is gone only where consumption has ended already.
                let _ = work.failed.send(error);
                return;
            }
            partition.finish(offset, &work.consumer);
        }
    }
}

impl<H: Handler> Work<H> {
    async fn process(&self, partition: &Partition, record: ConsumerRecord) -> Result<(), HandlerError> {
        let mut attempts = 0;
        let failure = loop {
            attempts += 1;
            let Err(failure) = self.call(record.clone()).await else {
                count(&self.counters.handled);
                return Ok(());
            };
            let wait = self.retry.backoff(attempts, fastrand::f64()).filter(|_| failure.is_retriable());
            let Some(wait) = wait else { break failure };
            tracing::debug!(partition = %partition.tp, offset = record.offset, attempts, %failure, "handling failed, trying again");
            count(&self.counters.retries);
            tokio::time::sleep(wait).await;
        };
        let Some(dead_letters) = &self.dead_letters else {
            return Err(HandlerError::Record {
                partition: partition.tp.clone(),
                offset: record.offset,
                failure,
            });
        };
        match dead_letters.send(&record, &failure, attempts).await {
            Ok(written) => {
                tracing::warn!(
                    partition = %partition.tp, offset = record.offset, attempts, %failure,
                    dead_letter_topic = %written.topic, "the record is in the dead letter topic"
                );
                count(&self.counters.dead_lettered);
                Ok(())
            }
            Err(source) => Err(HandlerError::DeadLetter {
                partition: partition.tp.clone(),
                offset: record.offset,
                failure,
                source,
            }),
        }
    }

    async fn call(&self, record: ConsumerRecord) -> Result<(), Failure> {
        // The record is the handler's own, and the handler is told that it may be called again after it panicked.
        let handled = AssertUnwindSafe(async { self.handler.handle(record).await }).catch_unwind().await;
        handled.unwrap_or_else(|payload| Err(Failure::panicked(payload.as_ref())))
    }
}
