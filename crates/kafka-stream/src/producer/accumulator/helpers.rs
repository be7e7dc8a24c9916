//! Compressing complete batches ahead of the sender.
//!
//! What compresses quickly does so where the batch became complete, since its bytes are still in the processor's cache
//! there. The batch then takes only the memory that it still needs, and its buffer is free for the next one. For the others
//! there are threads, while more batches wait than the sender gets done. Those stay in their buffers: as records come quicker
//! than they are compressed, all memory is in use anyway, and more beside it would go beyond its limit.
//!
//! A batch is lent from its place in its queue and comes back to it, so order is the queue's alone. What is compressed
//! gets its sequence only when it is sent.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
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
    /// Whether compressing is quick.
    at_once: bool,
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
        let slow = matches!(config.compression_type, Compression::Gzip | Compression::Zstd);
        Self {
            codec: Codec::new(config),
            // Measured for LZ4, handing batches over costs a fifth more CPU time, and snappy is as quick.
            at_once: matches!(config.compression_type, Compression::Lz4 | Compression::Snappy),
            limit: if slow { config.compression_parallelism.saturating_sub(1) } else { 0 },
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
    fn offer(&self, queue: &Arc<PartitionQueue>) {
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
    /// A batch of `queue` became complete: if it is not the only one, it need not wait for the sender to be compressed.
    /// Returns whether the sender has to look at the queue because of what came of it.
    pub(super) fn compress_ahead(&self, queue: &Arc<PartitionQueue>) -> bool {
        if self.helpers.at_once {
            return self.compress_next(queue);
        }
        if self.counts.complete.load(Ordering::Relaxed) > 1 {
            self.helpers.offer(queue);
        }
        false
    }

    /// Compresses one batch; false if there is none.
    fn help(&self) -> bool {
        let Some(queue) = self.helpers.next() else { return false };
        if self.compress_next(&queue) {
            self.announce(&queue);
        }
        true
    }

    /// Compresses the first complete batch of `queue` that is not compressed, if the sender was not quicker. The sender, who
    /// leaves it alone meanwhile, has to look again then.
    fn compress_next(&self, queue: &Arc<PartitionQueue>) -> bool {
        let Some((completion, builder)) = queue.lend() else { return false };
        let encoded = if self.helpers.at_once {
            self.helpers.codec.finish_apart(builder).map(|(encoded, buffer)| {
                self.buffers.give_back(buffer, self.memory.available());
                encoded
            })
        } else {
            self.helpers.codec.finish(builder, &ProducerStamp::NONE)
        };
        queue.give_back(&completion, encoded)
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
        filled_by(Compression::Gzip, parallelism)
    }

    fn filled_by(compression_type: Compression, parallelism: usize) -> Arc<Accumulator> {
        let config = ProducerConfig {
            batch_size: 1_000,
            compression_type,
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
        assert_eq!(shared.buffers.free(), 0, "they are in their buffers, and need no other memory");
        let count = batches.len();
        batches.into_iter().for_each(|batch| batch.release(&shared.buffers, || true));
        assert_eq!(shared.buffers.free(), count);
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
    async fn what_compresses_quickly_is_compressed_at_once_and_gives_its_buffer_to_the_next_batch() {
        let shared = filled_by(Compression::Lz4, 1);
        let topic = shared.topic("t").unwrap();
        let queue = topic.queue(0).unwrap();
        let mut batches: Vec<_> = std::iter::from_fn(|| queue.take_to_send()).collect();
        assert_eq!(batches.iter().map(|batch| batch.count()).sum::<i32>(), 100);
        let reserved: usize = batches.iter().map(|batch| batch.reserved.bytes()).sum();
        assert_eq!(
            (reserved, shared.memory.available()),
            (batches.len() * 1_000, shared.memory.limit() - reserved)
        );
        let open = batches.pop().unwrap();
        assert!(open.encoded().is_none() && batches.len() > 10);
        assert!(batches.iter().all(|batch| batch.encoded().unwrap().size() < 500));
        open.release(&shared.buffers, || true);
        assert_eq!(shared.buffers.free(), 1, "one buffer was enough");
    }

    #[tokio::test]
    async fn a_batch_that_is_lent_keeps_its_place() {
        let shared = filled(1);
        let topic = shared.topic("t").unwrap();
        let queue = topic.queue(0).unwrap();
        let (waiting, (completion, builder)) = (queue.len(), queue.lend().unwrap());
        assert!(queue.head(1_000).unwrap().lent && queue.take_to_send().is_none());
        assert_eq!((queue.len(), queue.records()), (waiting, 100));
        let encoded = shared.helpers.codec.finish_apart(builder).map(|(encoded, _)| encoded);
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
        let encoded = shared.helpers.codec.finish_apart(builder).map(|(encoded, _)| encoded);
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
        for (index, (completion, builder)) in lent.into_iter().enumerate().rev() {
            let encoded = shared.helpers.codec.finish_apart(builder).map(|(encoded, _)| encoded);
            assert_eq!(
                queue.give_back(&completion, encoded),
                index == 0,
                "the sender waits for the first alone"
            );
        }
        for completion in order {
            let batch = queue.take_to_send().unwrap();
            assert!(Arc::ptr_eq(&batch.completion, &completion) && batch.encoded().is_some());
        }
        assert!(queue.lend().is_none() && queue.take_to_send().is_some_and(|open| open.encoded().is_none()));
    }
}
