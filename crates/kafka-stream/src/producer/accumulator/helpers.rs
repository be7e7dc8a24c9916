//! Threads that compress complete batches ahead of the sender, while more of them wait than it gets done.
//!
//! A batch is lent from its place in its queue and comes back to it, so order is the queue's alone. What is compressed
//! gets its sequence only when it is sent.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, Weak};

use kafka_core::records::{Compression, ProducerStamp};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{Accumulator, PartitionQueue};
use crate::producer::ProducerConfig;
use crate::producer::codec::Codec;

#[derive(Debug)]
pub(crate) struct Helpers {
    codec: Codec,
    /// How many threads may help; 0 where compressing is quick or nothing is compressed.
    limit: usize,
    started: OnceLock<(Weak<Accumulator>, Handle)>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Queues in which a batch became complete, each as often as that happened.
    complete: VecDeque<Arc<PartitionQueue>>,
    active: usize,
}

impl Helpers {
    pub(super) fn new(config: &ProducerConfig) -> Self {
        // Measured for LZ4, handing batches over costs a fifth more CPU time, and snappy is as quick.
        let pays = matches!(config.compression_type, Compression::Gzip | Compression::Zstd);
        Self {
            codec: Codec::new(config),
            limit: if pays { config.compression_parallelism.saturating_sub(1) } else { 0 },
            started: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// Lets threads of `runtime` help from now on.
    pub(crate) fn start(&self, shared: &Arc<Accumulator>, runtime: Handle) {
        if self.limit > 0 {
            // Only the first start counts.
            let _ = self.started.set((Arc::downgrade(shared), runtime));
        }
    }

    /// A batch of `queue` is complete, and others wait too.
    pub(super) fn offer(&self, queue: &Arc<PartitionQueue>) {
        let Some((shared, runtime)) = self.started.get() else { return };
        let mut state = self.state.lock();
        state.complete.push_back(queue.clone());
        if state.active < self.limit {
            state.active += 1;
            drop(state);
            let shared = shared.clone();
            runtime.spawn_blocking(move || while shared.upgrade().is_some_and(|shared| shared.help()) {});
        }
    }

    /// The next queue to look at; without one, the helper that asks is done.
    fn next(&self) -> Option<Arc<PartitionQueue>> {
        let mut state = self.state.lock();
        let next = state.complete.pop_front();
        state.active -= usize::from(next.is_none());
        next
    }
}

impl Accumulator {
    /// Compresses one batch; false if there is none.
    fn help(&self) -> bool {
        let Some(queue) = self.helpers.next() else { return false };
        // The sender may have been quicker.
        if let Some((completion, builder)) = queue.lend() {
            let encoded = self.helpers.codec.finish(builder, &ProducerStamp::NONE);
            if queue.give_back(&completion, encoded) {
                self.announce(&queue);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Attempt;
    use super::*;
    use crate::producer::ProducerRecord;
    use crate::producer::partitioner::KeyHash;

    fn filled(parallelism: usize) -> Arc<Accumulator> {
        let config = ProducerConfig {
            batch_size: 1_000,
            compression_type: Compression::Gzip,
            compression_parallelism: parallelism,
            ..Default::default()
        };
        let shared = Arc::new(Accumulator::new(&config));
        shared.helpers.start(&shared, Handle::current());
        shared.set_partitions("t", 1);
        for _ in 0..100 {
            let record = ProducerRecord::to("t").value("compressible ".repeat(20));
            assert!(matches!(shared.append(&record, &KeyHash, None), Attempt::Done(_)));
        }
        shared
    }

    #[tokio::test]
    async fn complete_batches_are_compressed_before_the_sender_asks_for_them() {
        let shared = filled(3);
        let topic = shared.topic("t").unwrap();
        let queue = topic.queue(0).unwrap();
        let idle = || shared.helpers.state.lock().active == 0;
        while !idle() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let batches: Vec<_> = std::iter::from_fn(|| queue.take_to_send()).collect();
        let (records, compressed) = (
            batches.iter().map(|batch| batch.count()).sum::<i32>(),
            batches.iter().filter(|batch| batch.encoded().is_some()).count(),
        );
        assert_eq!(records, 100);
        assert!(compressed >= batches.len() - 2, "{compressed} of {}", batches.len());
        assert!(batches.iter().all(|batch| batch.encoded().is_none_or(|encoded| encoded.size() < 500)));
    }

    #[tokio::test]
    async fn one_at_a_time_leaves_all_to_the_sender() {
        let shared = filled(1);
        let topic = shared.topic("t").unwrap();
        let queue = topic.queue(0).unwrap();
        assert!(std::iter::from_fn(|| queue.take_to_send()).all(|batch| batch.encoded().is_none()));
        assert!(shared.helpers.state.lock().complete.is_empty());
    }

    #[tokio::test]
    async fn a_batch_that_is_lent_keeps_its_place() {
        let shared = filled(1);
        let topic = shared.topic("t").unwrap();
        let queue = topic.queue(0).unwrap();
        let (waiting, (completion, builder)) = (queue.len(), queue.lend().unwrap());
        assert!(queue.head(1_000).unwrap().lent && queue.take_to_send().is_none());
        assert_eq!((queue.len(), queue.records()), (waiting, 100));
        let encoded = shared.helpers.codec.finish(builder, &ProducerStamp::NONE);
        assert!(queue.give_back(&completion, encoded));
        let first = queue.take_to_send().unwrap();
        assert!(Arc::ptr_eq(&first.completion, &completion) && first.encoded().is_some());
    }

    #[tokio::test]
    async fn a_batch_that_was_given_up_while_it_was_lent_does_not_come_back() {
        let shared = filled(1);
        let topic = shared.topic("t").unwrap();
        let queue = topic.queue(0).unwrap();
        let (completion, builder) = queue.lend().unwrap();
        drop(queue.take());
        let encoded = shared.helpers.codec.finish(builder, &ProducerStamp::NONE);
        assert!(!queue.give_back(&completion, encoded));
        assert!(!queue.head(1_000).unwrap().lent);
        while queue.take().is_some() {}
        assert_eq!(shared.memory.available(), shared.memory.limit());
    }

    #[tokio::test]
    async fn each_batch_is_lent_once_in_order_and_may_come_back_in_any() {
        let shared = filled(1);
        let topic = shared.topic("t").unwrap();
        let queue = topic.queue(0).unwrap();
        drop(queue.take());
        let mut lent = vec![queue.lend().unwrap(), queue.lend().unwrap()];
        assert!(queue.take_to_send().is_none());
        lent.extend(std::iter::from_fn(|| queue.lend()));
        // The last one is open.
        assert_eq!(lent.len() + 1, queue.len() as usize);
        let order: Vec<_> = lent.iter().map(|(completion, _)| completion.clone()).collect();
        for (completion, builder) in lent.into_iter().rev() {
            let encoded = shared.helpers.codec.finish(builder, &ProducerStamp::NONE);
            assert!(queue.give_back(&completion, encoded));
        }
        for completion in order {
            let batch = queue.take_to_send().unwrap();
            assert!(Arc::ptr_eq(&batch.completion, &completion) && batch.encoded().is_some());
        }
        assert!(queue.lend().is_none() && queue.take_to_send().is_some_and(|open| open.encoded().is_none()));
    }
}
