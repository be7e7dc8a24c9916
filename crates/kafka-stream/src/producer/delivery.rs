//! What becomes of a record, for whoever sent it.
//!
//! All records of a batch share one [`Completion`]; a [`Delivery`] is a reference to it and a position in it. No channel
//! and no allocation per record: a waker is kept only for those that are awaited before the batch is done.

use std::future::Future;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::{ProduceError, RecordMetadata};

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Written. `base_offset` is `None` where no answer tells it.
    Acked { base_offset: Option<i64>, log_append_time: Option<i64> },
    /// Given up.
    Failed(ProduceError),
    /// Cut into smaller batches (KIP-126): each with the index, in the original, of its first record; ascending.
    Split(Vec<(u32, Arc<Completion>)>),
}

/// The shared end of a batch and of the deliveries of its records.
#[derive(Debug)]
pub(crate) struct Completion {
    topic: Arc<str>,
    partition: i32,
    outcome: OnceLock<Outcome>,
    wakers: Mutex<Vec<Option<Waker>>>,
}

impl Completion {
    pub(crate) fn new(topic: Arc<str>, partition: i32) -> Arc<Self> {
        Arc::new(Self { topic, partition, outcome: OnceLock::new(), wakers: Mutex::new(Vec::new()) })
    }

    /// Settles the batch and wakes all who wait; only the first call counts. Returns whether this was it.
    pub(crate) fn settle(&self, outcome: Outcome) -> bool {
        let settled = self.outcome.set(outcome).is_ok();
        if settled {
            let wakers = std::mem::take(&mut *self.wakers.lock());
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
        settled
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.outcome.get().is_some()
    }

    pub(crate) fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub(crate) fn partition(&self) -> i32 {
        self.partition
    }
}

/// Sizes and time of one record, which its delivery reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) timestamp: i64,
    pub(crate) key_size: Length,
    pub(crate) value_size: Length,
}

/// The length of a key or value that there may be: half the size of an `Option`, which each `send` hands on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length(u32);

impl Length {
    const NONE: Self = Self(u32::MAX);

    #[inline]
    pub(crate) fn of(bytes: Option<&[u8]>) -> Self {
        // None that was accepted has 2 GiB.
        bytes.map_or(Self::NONE, |bytes| Self(u32::try_from(bytes.len()).unwrap_or(u32::MAX - 1)))
    }

    fn get(self) -> Option<u32> {
        (self.0 != Self::NONE.0).then_some(self.0)
    }
}

/// The outcome of one record: a future of where it was written, or of why not.
///
/// The record is the producer's once `send` has returned this: dropping a `Delivery` neither cancels nor loses it, and
/// costs next to nothing. Failures nobody awaits are still counted in the producer's statistics and reported to its
/// interceptors.
///
/// # Cancel safety
/// May be polled, dropped or selected on at any time.
#[derive(Debug)]
#[must_use = "a delivery says whether the record was written; drop it with `let _ =` where that does not matter"]
pub struct Delivery {
    completion: Arc<Completion>,
    index: u32,
    /// Where its waker is, counted from 1.
    slot: Option<NonZero<u32>>,
    receipt: Receipt,
}

impl Delivery {
    pub(crate) fn new(completion: Arc<Completion>, index: u32, receipt: Receipt) -> Self {
        Self { completion, index, slot: None, receipt }
    }

    /// The partition that the record was put to.
    pub fn partition(&self) -> i32 {
        self.completion.partition
    }

    /// The outcome if it is known already.
    pub fn try_result(&mut self) -> Option<Result<RecordMetadata, ProduceError>> {
        loop {
            match self.completion.outcome.get()? {
                Outcome::Acked { base_offset, log_append_time } => {
                    return Some(Ok(RecordMetadata {
                        topic: self.completion.topic.clone(),
                        partition: self.completion.partition,
                        offset: base_offset.map(|base| base + i64::from(self.index)),
                        timestamp: log_append_time.unwrap_or(self.receipt.timestamp),
                        serialized_key_size: self.receipt.key_size.get(),
                        serialized_value_size: self.receipt.value_size.get(),
                    }));
                }
                Outcome::Failed(error) => return Some(Err(error.clone())),
                Outcome::Split(parts) => {
                    let after = parts.partition_point(|(first, _)| *first <= self.index);
                    let (first, part) = parts.get(after.checked_sub(1)?)?;
                    let part = part.clone();
                    self.index -= first;
                    self.slot = None;
                    self.completion = part;
                }
            }
        }
    }
}

fn place(slot: NonZero<u32>) -> usize {
    slot.get() as usize - 1
}

impl Future for Delivery {
    type Output = Result<RecordMetadata, ProduceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(result) = self.try_result() {
                return Poll::Ready(result);
            }
            let completion = self.completion.clone();
            let mut wakers = completion.wakers.lock();
            // The outcome is set before the wakers are taken, so one that is seen unset here finds the waker below.
            if completion.is_settled() {
                continue;
            }
            match self.slot.and_then(|slot| wakers.get_mut(place(slot))) {
                Some(Some(waker)) => waker.clone_from(cx.waker()),
                _ => {
                    wakers.push(Some(cx.waker().clone()));
                    self.slot = u32::try_from(wakers.len()).ok().and_then(NonZero::new);
                }
            }
            return Poll::Pending;
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // What was never awaited has no waker to take back, which keeps dropping cheap.
        if let Some(slot) = self.slot
            && !self.completion.is_settled()
            && let Some(waker) = self.completion.wakers.lock().get_mut(place(slot))
        {
            *waker = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::producer::ProduceErrorKind;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn delivery(completion: &Arc<Completion>, index: u32) -> Delivery {
        let receipt =
            Receipt { timestamp: 7, key_size: Length::of(None), value_size: Length::of(Some(b"abc")) };
        Delivery::new(completion.clone(), index, receipt)
    }

    #[test]
    fn every_delivery_of_a_batch_learns_its_own_offset() {
        let completion = Completion::new("t".into(), 2);
        let (count, mut first, second) =
            (Arc::new(Count(AtomicUsize::new(0))), delivery(&completion, 0), delivery(&completion, 1));
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut first).poll(&mut cx).is_pending());
        assert!(Pin::new(&mut first).poll(&mut cx).is_pending());
        assert!(completion.settle(Outcome::Acked { base_offset: Some(40), log_append_time: None }));
        assert!(!completion.settle(Outcome::Acked { base_offset: Some(0), log_append_time: None }));
        assert_eq!(count.0.load(Ordering::SeqCst), 1, "polling twice registers once");
        let mut second = second;
        let metadata = second.try_result().unwrap().unwrap();
        assert_eq!((metadata.partition, metadata.offset, metadata.timestamp), (2, Some(41), 7));
        let Poll::Ready(Ok(metadata)) = Pin::new(&mut first).poll(&mut cx) else { panic!("should be ready") };
        assert_eq!(metadata.offset, Some(40));
    }

    #[test]
    fn a_split_batch_passes_its_deliveries_on() {
        let whole = Completion::new("t".into(), 0);
        let mut deliveries: Vec<_> = (0..4).map(|index| delivery(&whole, index)).collect();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut deliveries[3]).poll(&mut cx).is_pending());
        let (left, right) = (Completion::new("t".into(), 0), Completion::new("t".into(), 0));
        whole.settle(Outcome::Split(vec![(0, left.clone()), (3, right.clone())]));
        assert!(Pin::new(&mut deliveries[3]).poll(&mut cx).is_pending());
        left.settle(Outcome::Acked { base_offset: Some(10), log_append_time: Some(99) });
        right.settle(Outcome::Failed(ProduceError::closed()));
        let results: Vec<_> = deliveries.iter_mut().map(|d| d.try_result().unwrap()).collect();
        assert_eq!(results[2].as_ref().unwrap().offset, Some(12));
        assert_eq!(results[0].as_ref().unwrap().timestamp, 99);
        assert_eq!(results[3].as_ref().unwrap_err().kind(), ProduceErrorKind::Closed);
    }

    #[test]
    fn a_dropped_delivery_leaves_no_waker_behind() {
        let completion = Completion::new("t".into(), 0);
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut dropped = delivery(&completion, 0);
        assert!(Pin::new(&mut dropped).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(dropped);
        completion.settle(Outcome::Failed(ProduceError::closed()));
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
    }
}
