//! What is done with one record: it waits until it is due, is handled, tried again, and set aside if that does not help.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Semaphore, mpsc};

use super::partitions::Partition;
use super::policy::Decision;
use super::retry_topics::{Arrived, Stages};
use super::stats::{Became, Counters, count};
use super::{Failure, FailurePolicy, Handler, HandlerError, RetryPolicy};
use crate::consumer::{ConsumerHandle, ConsumerRecord};
use crate::dead_letter::{DeadLetterQueue, Provenance};

/// What all lanes share.
pub(crate) struct Work<H> {
    pub(crate) handler: H,
    pub(crate) retry: RetryPolicy,
    pub(crate) policy: FailurePolicy,
    pub(crate) stages: Stages,
    pub(crate) dead_letters: Option<DeadLetterQueue>,
    pub(crate) group: Option<Arc<str>>,
    /// As many handlers may run at a time, over all partitions.
    pub(crate) permits: Option<Semaphore>,
    pub(crate) consumer: ConsumerHandle,
    pub(crate) counters: Arc<Counters>,
    /// Takes the error that ends consumption.
    pub(crate) failed: mpsc::UnboundedSender<HandlerError>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was handled or set aside, and may be committed.
    Finished,
    /// The partition is drained before the record was begun, or begun again.
    LeftForOthers,
}

/// A record that failed for the moment or for good.
struct Failed<'a> {
    record: &'a ConsumerRecord,
    failure: Failure,
    attempts: u32,
}

impl<H: Handler> Work<H> {
    /// Does all that is to be done with a record.
    pub(crate) async fn process(
        &self,
        partition: &Partition,
        mut record: ConsumerRecord,
    ) -> Result<Ended, HandlerError> {
        match self.stages.arrived(&record, self.group.as_deref()) {
            Arrived::Plain => {}
            Arrived::Foreign => {
                count(&self.counters.foreign);
                return Ok(Ended::Finished);
            }
            Arrived::Waiting { record: origin, wait } => {
                if !waits(partition, wait).await {
                    return Ok(Ended::LeftForOthers);
                }
                record = origin;
            }
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let Err(failure) = self.call(record.clone()).await else {
                count(&self.counters.handled);
                return Ok(Ended::Finished);
            };
            let failed = Failed { record: &record, failure, attempts };
            let (random, goes_on) = (fastrand::f64(), self.stages.goes_on(&partition.tp.topic));
            match self.policy.decide(&failed.failure, attempts, &self.retry, random, goes_on) {
                Decision::Again(wait) => {
                    let Failed { failure, .. } = failed;
                    tracing::debug!(partition = %partition.tp, offset = record.offset, attempts, %failure, "handling failed, trying again");
                    count(&self.counters.retries);
                    self.counters.failures.count(&record.topic, failure.class(), Became::Retried);
                    if !waits(partition, wait).await {
                        return Ok(Ended::LeftForOthers);
                    }
                }
                Decision::RetryTopic => return self.send_to_retry(failed, &partition.tp.topic).await,
                Decision::DeadLetter => return self.send_to_dead_letters(failed).await,
                Decision::Skip => {
                    let Failed { failure, .. } = failed;
                    tracing::warn!(partition = %partition.tp, offset = record.offset, attempts, %failure, "the record is skipped");
                    count(&self.counters.skipped);
                    self.counters.failures.count(&record.topic, failure.class(), Became::Skipped);
                    return Ok(Ended::Finished);
                }
                Decision::Stop => {
                    let Failed { failure, .. } = failed;
                    return Err(HandlerError::Stopped {
                        partition: record.topic_partition(),
                        offset: record.offset,
                        failure,
                    });
                }
            }
        }
    }

    async fn call(&self, record: ConsumerRecord) -> Result<(), Failure> {
        let _permit = match &self.permits {
            // Never closed.
            Some(permits) => permits.acquire().await.ok(),
            None => None,
        };
        // The record is the handler's own, and the handler is told that it may be called again after it panicked.
        let handled = AssertUnwindSafe(async { self.handler.handle(record).await }).catch_unwind().await;
        handled.unwrap_or_else(|payload| Err(Failure::panicked(payload.as_ref())))
    }

    /// Puts a record into the next retry topic. The delay counts from now on.
    async fn send_to_retry(&self, failed: Failed<'_>, from: &str) -> Result<Ended, HandlerError> {
        let (Some(dead_letters), Some(next)) = (&self.dead_letters, self.stages.next(from)) else {
            return self.send_to_dead_letters(failed).await;
        };
        let Failed { record, failure, attempts } = &failed;
        let mut story = Provenance::failed(record, self.group.as_deref(), failure, *attempts);
        story.due_at = Some(next.due_at);
        match dead_letters.send_to_retry(&next.topic, record, story).await {
            Ok(_) => {
                tracing::info!(
                    partition = %record.topic_partition(), offset = record.offset, attempts, %failure,
                    retry_topic = next.topic, "the record waits in a retry topic"
                );
                count(&self.counters.retry_topics);
                self.counters.failures.count(&record.topic, failure.class(), Became::InRetryTopic);
                Ok(Ended::Finished)
            }
            // The handler needs it whole, or not at all.
            Err(error) if error.is_too_large() => {
                tracing::warn!(retry_topic = next.topic, %error, "the record is too large to wait");
                self.send_to_dead_letters(failed).await
            }
            Err(source) => Err(HandlerError::RetryTopic {
                partition: record.topic_partition(),
                offset: record.offset,
                failure: failed.failure,
                source,
            }),
        }
    }

    async fn send_to_dead_letters(&self, failed: Failed<'_>) -> Result<Ended, HandlerError> {
        let Failed { record, failure, attempts } = failed;
        let (partition, offset) = (record.topic_partition(), record.offset);
        let Some(dead_letters) = &self.dead_letters else {
            return Err(HandlerError::Record { partition, offset, failure });
        };
        match dead_letters.send(record, &failure, attempts).await {
            Ok(written) => {
                tracing::warn!(
                    %partition, offset, attempts, %failure, dead_letter_topic = %written.topic,
                    "the record is in the dead letter topic"
                );
                count(&self.counters.dead_lettered);
                self.counters.failures.count(&record.topic, failure.class(), Became::DeadLetter);
                Ok(Ended::Finished)
            }
            Err(source) => Err(HandlerError::DeadLetter { partition, offset, failure, source }),
        }
    }
}

/// Waits, unless the partition is drained first: false then.
async fn waits(partition: &Partition, wait: Duration) -> bool {
    if wait.is_zero() {
        return true;
    }
    tokio::select! {
        biased;
        () = partition.drain.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}
