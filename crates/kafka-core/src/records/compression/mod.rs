//! The codecs, each in a file, behind two objects that keep their state and buffers between batches.

mod codec;
mod gzip;
mod lz4;
mod output;
mod snappy;
mod state;
mod zstd;

pub use codec::{Compression, CompressionLevels, UnknownCompression};
pub use state::{Compressor, Decompressor};
