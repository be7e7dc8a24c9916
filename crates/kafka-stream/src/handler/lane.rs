//! A lane: records handled one after the other.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Mutex, mpsc};

use super::Handler;
use super::partitions::{Partition, Share};
use super::stats::count;
use super::work::{Ended, Work};
use crate::consumer::ConsumerRecord;

/// What a partition's records come through.
#[derive(Debug)]
pub(crate) struct Queue {
    receiver: mpsc::UnboundedReceiver<Share>,
    round: u32,
    batch: std::vec::IntoIter<ConsumerRecord>,
}

impl Queue {
    pub(crate) fn new(receiver: mpsc::UnboundedReceiver<Share>) -> Self {
        Self { receiver, round: 0, batch: Vec::new().into_iter() }
    }

    /// The next record if it is here already.
    fn at_hand(&mut self) -> Option<(u32, ConsumerRecord)> {
        self.batch.next().map(|record| (self.round, record))
    }

    /// The next record, and the round in which it was handed out; `None` when there will be none.
    async fn next(&mut self) -> Option<(u32, ConsumerRecord)> {
        loop {
            if let Some(next) = self.at_hand() {
                return Some(next);
            }
            let (round, batch) = self.receiver.recv().await?;
            (self.round, self.batch) = (round, batch.into_iter());
        }
    }
}

/// Where a lane takes its records from.
pub(crate) enum Source {
    /// A queue of its own: what is in it stays in order.
    Own(Queue),
    /// One queue for all lanes of the partition.
    Shared(Arc<Mutex<Queue>>),
}

impl Source {
    async fn next(&mut self) -> Option<(u32, ConsumerRecord)> {
        match self {
            Self::Own(queue) => match queue.at_hand() {
                Some(next) => Some(next),
                None => queue.next().await,
            },
            Self::Shared(queue) => queue.lock().await.next().await,
        }
    }
}

/// Handles what comes, until the partition is drained or a record can neither be handled nor set aside.
pub(crate) async fn run<H: Handler>(work: Arc<Work<H>>, partition: Arc<Partition>, mut records: Source) {
    let mut abandoned = pin!(partition.abandoned.cancelled());
    while let Some((round, record)) = records.next().await {
        if partition.draining.load(Ordering::Acquire) {
            return;
        }
        let offset = record.offset;
        let ended = tokio::select! {
            // First, so that a handler that does not wait costs no look at the other. Whoever ends in the last moment has ended.
            biased;
            ended = work.process(&partition, record) => ended,
            () = &mut abandoned => {
                count(&work.counters.abandoned);
                tracing::warn!(partition = %partition.tp, offset, "the handler did not end in time and was dropped");
                return;
            }
        };
        match ended {
            Ok(Ended::Finished) => partition.finish(offset, round, &work.consumer),
            Ok(Ended::LeftForOthers) => return,
            Err(error) => {
                // The receiver is gone only where consumption has ended already.
                let _ = work.failed.send(error);
                return;
            }
        }
    }
}
