use bytes::{Bytes, BytesMut};

use super::gzip::{GzipCompressor, GzipDecompressor};
use super::lz4::{self, Lz4Compressor};
use super::output::{Output, area};
use super::snappy::{SnappyCompressor, SnappyDecompressor};
use super::zstd::{ZstdCompressor, ZstdDecompressor};
use super::{Compression, CompressionLevels};
use crate::Result;
use crate::recycler::Recycler;

/// Compresses batches one after the other; keeps the codecs' tables and its output buffer, so that only the first batch
/// allocates. One for each thread or task that encodes: `&mut` is its only lock.
pub struct Compressor {
    levels: CompressionLevels,
    scratch: Vec<u8>,
    gzip: Option<GzipCompressor>,
    snappy: Option<SnappyCompressor>,
    lz4: Option<Lz4Compressor>,
    zstd: Option<ZstdCompressor>,
}

impl Compressor {
    /// A compressor; a codec's state is set up when it is first used.
    pub fn new(levels: CompressionLevels) -> Self {
        Self { levels, scratch: Vec::new(), gzip: None, snappy: None, lz4: None, zstd: None }
    }

    /// Compresses `input` as the records of one batch. The result is valid until the next call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if a codec refuses the input, which only its size
    /// can cause.
    pub fn compress(&mut self, compression: Compression, input: &[u8]) -> Result<&[u8]> {
        let scratch = &mut self.scratch;
        let size = match compression {
            Compression::None => {
                area(scratch, input.len()).copy_from_slice(input);
                input.len()
            }
            Compression::Gzip => self
                .gzip
                .get_or_insert_with(|| GzipCompressor::new(self.levels.gzip))
                .compress(input, scratch)?,
            Compression::Snappy => {
                self.snappy.get_or_insert_with(SnappyCompressor::new).compress(input, scratch)?
            }
            Compression::Lz4 => self.lz4.get_or_insert_with(Lz4Compressor::new).compress(input, scratch)?,
            Compression::Zstd => {
                let zstd = self.zstd.get_or_insert_with(|| ZstdCompressor::new(self.levels.zstd));
                return Ok(zstd.compress(input));
            }
        };
        Ok(scratch.get(..size).unwrap_or_default())
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new(CompressionLevels::default())
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").field("levels", &self.levels).finish_non_exhaustive()
    }
}

/// How much memory a decompressor keeps for the next batches, in bytes.
const KEPT: usize = 4 << 20;

/// Decompresses batches one after the other; keeps the codecs' tables, and uses a batch's memory again once all its records
/// are dropped. One for each thread or task that decodes.
pub struct Decompressor {
    limit: usize,
    /// Memory for the next batch.
    spare: BytesMut,
    /// That of the last ones, which may be free again.
    given: Recycler,
    gzip: Option<GzipDecompressor>,
    snappy: SnappyDecompressor,
    zstd: Option<ZstdDecompressor>,
}

impl Decompressor {
    /// The most bytes that a batch may decompress to unless said otherwise: 128 MiB. Brokers accept batches of 1 MiB by
    /// default (`message.max.bytes`), compressed.
    pub const DEFAULT_LIMIT: usize = 128 << 20;

    /// A decompressor that refuses a batch whose records take more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let given = Recycler::new(KEPT);
        Self {
            limit,
            spare: BytesMut::new(),
            given,
            gzip: None,
            snappy: SnappyDecompressor::new(),
            zstd: None,
        }
    }

    /// Decompresses what [`Compressor::compress`] or another Kafka client wrote.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptRecords`](crate::ErrorKind::CorruptRecords) for damaged input,
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) beyond the limit.
    pub fn decompress(&mut self, compression: Compression, input: &Bytes) -> Result<Bytes> {
        if compression == Compression::None {
            return Ok(input.clone());
        }
        let spare = match std::mem::take(&mut self.spare) {
            spare if spare.capacity() == 0 => self.given.take(|_| true).unwrap_or_default(),
            spare => spare,
        };
        let mut output = Output::new(spare, self.limit);
        match compression {
            Compression::None => {}
            Compression::Gzip => {
                self.gzip.get_or_insert_with(GzipDecompressor::new).decompress(input, &mut output)?;
            }
            Compression::Snappy => self.snappy.decompress(input, &mut output)?,
            Compression::Lz4 => lz4::decompress(input, &mut output)?,
            Compression::Zstd => {
                self.zstd.get_or_insert_with(ZstdDecompressor::new).decompress(input, &mut output)?;
            }
        }
        let (bytes, spare) = output.into_bytes();
        match spare {
            Some(spare) if spare.capacity() <= KEPT => self.spare = spare,
            Some(_) => {}
            None => self.given.keep(&bytes),
        }
        Ok(bytes)
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

impl std::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decompressor").field("limit", &self.limit).finish_non_exhaustive()
    }
}
