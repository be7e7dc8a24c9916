//! Record batches (format v2) and their compression. Knows bytes and records; no socket and no topic.

mod compression;

pub use compression::{Compression, CompressionLevels};
