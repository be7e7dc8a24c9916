//! What becomes of batches: answers, failures, deadlines, the end.

use std::time::Duration;

use kafka_core::records::Compression;
use tokio::time::Instant;

use super::answers::Heard;
use super::partition::Part;
use super::plan::Plan;
use crate::producer::batch::Batch;
use crate::producer::delivery::Outcome;
use crate::producer::sequence::{Answer, Verdict};
use crate::producer::{ProduceError, ProduceErrorKind, SizeLimit};

impl Plan {
    /// Takes in what was heard of one batch of a request.
    pub(super) fn heard(&mut self, part: &Part, heard: &Heard, now: Instant) {
        self.wants_metadata |= heard.refreshes_metadata();
        let Some(Some(partition)) = self.partitions.get_mut(part.id) else { return };
        let mut leader_found = false;
        if let Heard::Refused { leader: Some(leader), .. } = heard
            && partition.leader.is_none_or(|known| known.epoch < leader.epoch)
        {
            // KIP-951: the answer says who leads now.
            partition.leader = Some(*leader);
            partition.queue.set_available(!self.availability.is_left_out(leader.broker));
            leader_found = true;
        } else if heard.is_not_leader() {
            let doubts = partition.order.batch_mut(part.number).map_or(0, |batch| batch.doubts);
            partition.doubted =
                now.checked_add(self.terms.backoff.delay(doubts)).map(|until| (part.leader, until));
        }
        if heard.is_too_large() && self.split(part, now) {
            return;
        }
        let Some(Some(partition)) = self.partitions.get_mut(part.id) else { return };
        let answer = heard.answer();
        let mut may_retry = false;
        if let Some(batch) = partition.order.batch_mut(part.number) {
            let in_time = batch.deadline(self.terms.delivery_timeout) > now;
            may_retry = in_time && batch.attempts < self.terms.retries;
            if heard.is_not_leader() && self.terms.retries > 0 {
                // Waiting for a leader counts against the deadline alone; another leader is asked at once.
                may_retry = in_time;
                batch.doubts += 1;
                batch.retry_at = None;
                batch.last_error = Some(heard.error());
            } else if heard.is_unavailable(self.terms.idempotent) && self.terms.retries > 0 {
                // So does waiting until it takes writes again.
                may_retry = in_time;
                let wait = self.terms.backoff.delay(batch.doubts);
                batch.retry_at = now.checked_add(if leader_found { Duration::ZERO } else { wait });
                batch.doubts += 1;
                batch.last_error = Some(heard.error());
            } else if answer != Answer::Written {
                let wait = self.terms.backoff.delay(batch.attempts);
                batch.retry_at = now.checked_add(if leader_found { Duration::ZERO } else { wait });
                batch.last_error = Some(heard.error());
                batch.attempts += 1;
            }
        }
        match partition.order.answered(part.number, answer, may_retry) {
            Verdict::Acked(batch) => self.finish(batch, heard.outcome()),
            Verdict::Failed { batch, maybe_written } => {
                let error = final_error(heard, &batch, maybe_written, self.terms.codec.compression);
                self.fail_batch(batch, error);
            }
            Verdict::Retry { counted } => {
                if !counted && let Some(batch) = partition.order.batch_mut(part.number) {
                    batch.attempts = batch.attempts.saturating_sub(1);
                    batch.retry_at = None;
                }
            }
            Verdict::Nothing => {}
        }
        self.consider(part.id, now);
    }

    /// Fails a batch that could not be encoded or sent, before anything of it was written.
    pub(super) fn fail(&mut self, id: usize, number: u64, error: ProduceError) {
        let Some(Some(partition)) = self.partitions.get_mut(id) else { return };
        if let Verdict::Failed { batch, maybe_written } =
            partition.order.answered(number, Answer::Final { maybe_written: false }, false)
        {
            let error = if maybe_written { error.maybe_written() } else { error };
            self.fail_batch(batch, error);
        }
    }

    /// Takes back a batch whose request never left; it uses up no retry.
    pub(super) fn not_sent(&mut self, part: &Part, now: Instant) {
        let Some(Some(partition)) = self.partitions.get_mut(part.id) else { return };
        if let Some(batch) = partition.order.batch_mut(part.number) {
            batch.retry_at = None;
        }
        partition.order.answered(part.number, Answer::Retriable { maybe_written: false }, true);
        self.consider(part.id, now);
    }

    /// Lets what is ready for `broker` wait, because there is no connection to it.
    pub(super) fn set_back(&mut self, broker: i32, now: Instant, wait: Duration) {
        self.wants_metadata = true;
        let Some(until) = now.checked_add(wait) else { return };
        for id in self.take_ready(broker) {
            self.look_again(id, until);
        }
    }

    /// Cuts a batch that was refused as too large, if that can help.
    fn split(&mut self, part: &Part, now: Instant) -> bool {
        let Some(Some(partition)) = self.partitions.get_mut(part.id) else { return false };
        let mut completions = Vec::new();
        let whole = partition.order.split(part.number, |batch| {
            let parts = batch.split();
            completions = parts.iter().map(|(first, part)| (*first, part.completion.clone())).collect();
            parts
                .into_iter()
                .map(|(_, part)| (part.count(), part))
                .map(|(count, part)| (part, count))
                .collect()
        });
        let Some(whole) = whole else { return false };
        tracing::debug!(
            topic = %part.topic, partition = part.partition, parts = completions.len(),
            "the broker found a batch too large: it is sent in parts"
        );
        self.finish(whole, Outcome::Split(completions));
        self.consider(part.id, now);
        true
    }

    /// Gives up what is past its deadline, and notes the next one.
    pub(super) fn expire(&mut self, now: Instant) {
        let timeout = self.terms.delivery_timeout;
        self.next_expiry = None;
        for id in 0..self.partitions.len() {
            let mut expired = Vec::new();
            if let Some(Some(partition)) = self.partitions.get_mut(id) {
                while let Some(found) = partition.order.give_up(|batch| batch.deadline(timeout) <= now) {
                    expired.push(found);
                }
                if let Some(oldest) = now.checked_sub(timeout) {
                    while let Some(batch) = partition.queue.take_older_than(oldest) {
                        expired.push((batch, false));
                    }
                }
            }
            for (batch, maybe_written) in expired {
                let error = expired_error(&batch, maybe_written, timeout);
                self.fail_batch(batch, error);
            }
            // This also notes the deadline of what is left.
            self.consider(id, now);
        }
    }

    /// Fails all that is left with the error that `why` makes of it.
    pub(super) fn abort(&mut self, why: impl Fn() -> ProduceError) {
        for queue in self.shared.queues() {
            while let Some(batch) = queue.take() {
                self.fail_batch(batch, why());
            }
        }
        for id in 0..self.partitions.len() {
            while let Some((batch, maybe_written)) =
                self.partitions.get_mut(id).and_then(Option::as_mut).and_then(|it| it.order.give_up(|_| true))
            {
                let error = if maybe_written { why().maybe_written() } else { why() };
                self.fail_batch(batch, error);
            }
        }
    }

    /// Fails what waits for a broker that will never accept us.
    pub(super) fn abort_broker(&mut self, broker: i32, error: &ProduceError, now: Instant) {
        for id in 0..self.partitions.len() {
            let mut failed = Vec::new();
            if let Some(Some(partition)) = self.partitions.get_mut(id)
                && partition.leader.is_some_and(|leader| leader.broker == broker)
            {
                while let Some(found) = partition.order.give_up(|_| true) {
                    failed.push(found);
                }
                while let Some(batch) = partition.queue.take() {
                    failed.push((batch, false));
                }
            }
            for (batch, maybe_written) in failed {
                let error = if maybe_written { error.clone().maybe_written() } else { error.clone() };
                self.fail_batch(batch, error);
            }
            self.consider(id, now);
        }
    }

    fn fail_batch(&self, batch: Batch, error: ProduceError) {
        let completion = &batch.completion;
        let error = error.with_partition(completion.topic(), completion.partition());
        self.finish(batch, Outcome::Failed(error));
    }

    fn finish(&self, batch: Batch, outcome: Outcome) {
        self.hooks.finish(batch, outcome, &self.shared.buffers);
    }
}

/// What to tell the senders of a batch that is given up after an answer.
fn final_error(heard: &Heard, batch: &Batch, maybe_written: bool, compression: Compression) -> ProduceError {
    let error = if heard.is_unsupported_compression() {
        let message = format!(
            "the broker does not take `compression_type` {compression} for this topic: use gzip, snappy or lz4, or \
             upgrade the broker and the topic's message format (zstd needs 2.1)"
        );
        ProduceError::new(ProduceErrorKind::Unsupported, message)
    } else if heard.is_too_large() {
        let size = batch.uncompressed_size();
        let kind = ProduceErrorKind::RecordTooLarge { size, limit: None, which: SizeLimit::Topic };
        let message = format!(
            "a record of about {size} bytes is larger than the topic's `max.message.bytes`: raise it or send smaller records"
        );
        ProduceError::new(kind, message)
    } else {
        heard.error()
    };
    if maybe_written { error.maybe_written() } else { error }
}

fn expired_error(batch: &Batch, maybe_written: bool, timeout: Duration) -> ProduceError {
    let because = batch.last_error.as_ref().map(|error| format!("; the last attempt failed: {error}"));
    let because = because.unwrap_or_default();
    let code = batch.last_error.as_ref().and_then(ProduceError::code);
    let error = if maybe_written {
        let message = format!(
            "no answer told within `delivery_timeout` of {timeout:?} whether the records were written{because}"
        );
        ProduceError::new(ProduceErrorKind::OutcomeUnknown, message)
    } else {
        let message = format!(
            "the records could not be written within `delivery_timeout` of {timeout:?}: is the partition's leader up?{because}"
        );
        ProduceError::new(ProduceErrorKind::Timeout(timeout), message)
    };
    error.with_code(code)
}
