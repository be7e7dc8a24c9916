//! Record batches (format 2) and their compression. Knows bytes and records; no socket and no topic.
//!
//! Writing: [`BatchBuilder`] takes records straight into one buffer, [`BatchBuilder::finish`] compresses them and adds
//! the header; the [`EncodedBatch`] goes to a broker as often as needed, and its memory into the next builder.
//!
//! Reading: [`Batches`] walks over a fetched record set, [`Batch::records`] decompresses one batch, and [`Records`]
//! yields its records, borrowed ([`RecordView`]) or owned ([`Record`]), neither of which copies a key or a value.
//! All of it treats its input as hostile: lengths and counts are checked before anything is allocated, and
//! decompression stops at a bound.

mod batch;
mod batch_header;
mod builder;
mod compression;
mod control;
mod cursor;
mod encoded;
mod error;
mod header;
mod put;
mod record;
mod rewrite;
mod size;
mod split;
#[cfg(test)]
mod tests;
mod timestamp_type;
mod varint;

pub use batch::{Batch, Batches};
pub use batch_header::BATCH_OVERHEAD;
pub use builder::{BatchBuilder, RecordSize};
pub use compression::{Compression, CompressionLevels, Compressor, Decompressor, UnknownCompression};
pub use control::ControlRecord;
pub use cursor::{RecordViews, Records};
pub use encoded::{EncodedBatch, ProducerStamp, recycle};
pub use header::{AsHeader, Header, NO_HEADERS};
pub use record::{HeaderView, Headers, Record, RecordView};
pub use size::record_size_upper_bound;
pub use split::split;
pub use timestamp_type::TimestampType;
