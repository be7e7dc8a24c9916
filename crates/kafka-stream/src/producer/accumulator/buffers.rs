use kafka_core::records::BatchBuilder;
use parking_lot::Mutex;

/// How many buffers are kept even where all memory is spoken for: enough for those that are filled at the moment.
const AT_LEAST: usize = 8;

/// Buffers of batches that need them no more, kept for the next ones.
#[derive(Debug)]
pub(crate) struct Buffers {
    batch_size: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Keeps buffers of `batch_size` bytes.
    pub(crate) fn new(batch_size: usize) -> Self {
        Self { batch_size, free: Mutex::default() }
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

    /// Keeps a buffer, if those that are kept then fit into the `available` bytes that no batch has reserved. A batch that
    /// was compressed ahead of time has its reservation still and its buffer no more: with all of these, memory would grow
    /// beyond its limit.
    pub(crate) fn give_back(&self, buffer: Vec<u8>, available: usize) {
        // A larger one came from a large record, and would cost more than is accounted for.
        if buffer.capacity() == self.batch_size {
            let keep = (available / self.batch_size.max(1)).max(AT_LEAST);
            let mut free = self.free.lock();
            if free.len() < keep {
                free.push(buffer);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.free.lock().len()
    }
}
