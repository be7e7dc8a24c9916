use std::cell::RefCell;

use kafka_core::Result;
use kafka_core::records::{
    BatchBuilder, Compression, CompressionLevels, Compressor, EncodedBatch, ProducerStamp,
};

use super::ProducerConfig;

/// How batches are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codec {
    pub(crate) compression: Compression,
    pub(crate) levels: CompressionLevels,
}

thread_local! {
    /// A compressor's tables are large and bound to its thread; a thread meets few different levels.
    static COMPRESSORS: RefCell<Vec<(CompressionLevels, Compressor)>> = const { RefCell::new(Vec::new()) };
}

/// How many compressors a thread keeps.
const KEPT: usize = 4;

impl Codec {
    pub(crate) fn new(config: &ProducerConfig) -> Self {
        Self { compression: config.compression_type, levels: config.compression_levels }
    }

    /// Compresses the records of `builder` on this thread and completes the batch.
    pub(crate) fn finish(self, builder: BatchBuilder, stamp: &ProducerStamp) -> Result<EncodedBatch> {
        self.with_compressor(|compressor| builder.finish(self.compression, compressor, stamp))
    }

    /// As [`finish`](Self::finish), without a stamp; the batch takes no more memory than it needs, and the builder's buffer
    /// comes back.
    pub(crate) fn finish_apart(self, builder: BatchBuilder) -> Result<(EncodedBatch, Vec<u8>)> {
        self.with_compressor(|compressor| {
            builder.finish_apart(self.compression, compressor, &ProducerStamp::NONE)
        })
    }

    fn with_compressor<T>(self, work: impl FnOnce(&mut Compressor) -> T) -> T {
        COMPRESSORS.with_borrow_mut(|compressors| {
            let known = compressors.iter().position(|(levels, _)| *levels == self.levels);
            let place = known.unwrap_or_else(|| {
                compressors.truncate(KEPT - 1);
                compressors.insert(0, (self.levels, Compressor::new(self.levels)));
                0
            });
            match compressors.get_mut(place) {
                Some((_, compressor)) => work(compressor),
                None => work(&mut Compressor::new(self.levels)),
            }
        })
    }
}
