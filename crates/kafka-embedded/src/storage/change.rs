use std::sync::Arc;

use bytes::Bytes;
use kafka_core::protocol::Uuid;

/// The folder of a partition's log, and whose it is: a topic may be deleted, and another get its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LogPlace {
    /// `<topic>-<partition>`
    pub(crate) folder: String,
    pub(crate) topic: Uuid,
}

/// What is to be done on disk. Segments are named by their base offsets.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// An empty segment at the end of a log.
    Begin { log: Arc<LogPlace>, segment: i64 },
    /// A batch at the end of a log's last segment.
    Append { log: Arc<LogPlace>, segment: i64, batch: Bytes },
    /// A segment is gone.
    Remove { log: Arc<LogPlace>, segment: i64 },
    /// Segments are gone, and the first of them is there again with these batches.
    Replace { log: Arc<LogPlace>, segments: Vec<i64>, batches: Vec<Bytes> },
    /// A segment ends earlier, and is the last one.
    Truncate { log: Arc<LogPlace>, segment: i64, size: u64 },
    /// A log is gone.
    RemoveLog { log: Arc<LogPlace> },
    /// What is known under these keys is something else now, or nothing: all of it at once, or none of it.
    State(Vec<(String, Option<Bytes>)>),
    /// All that is known: whatever was written of the state before is not needed any more.
    Snapshot(Vec<(String, Bytes)>),
}
