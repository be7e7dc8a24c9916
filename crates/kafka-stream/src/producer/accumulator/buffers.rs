use kafka_core::records::BatchBuilder;
use parking_lot::Mutex;

/// Buffers of acknowledged batches, kept for the next ones.
#[derive(Debug)]
pub(crate) struct Buffers {
    batch_size: usize,
    keep: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Keeps buffers of at least `batch_size` bytes, as many as `memory` bytes allow.
    pub(crate) fn new(batch_size: usize, memory: usize) -> Self {
        Self { batch_size, keep: memory / batch_size.max(1), free: Mutex::default() }
    }

    /// A builder for a batch of `capacity` bytes.
    pub(crate) fn builder(&self, capacity: usize) -> BatchBuilder {
        if capacity == self.batch_size
            && let Some(buffer) = self.free.lock().pop()
        {
            return BatchBuilder::with_buffer(buffer);
        }
        BatchBuilder::with_capacity(capacity)
    }

    pub(crate) fn give_back(&self, buffer: Vec<u8>) {
        // A larger one came from a large record, and would cost more than is accounted for.
        if buffer.capacity() == self.batch_size {
            let mut free = self.free.lock();
            if free.len() < self.keep {
                free.push(buffer);
            }
        }
    }
}
