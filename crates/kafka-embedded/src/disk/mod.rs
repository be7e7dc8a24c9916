//! Logs and state in a folder: Kafka's own segments, and a journal of what the cluster knows beside them.
//!
//! ```text
//! kafka-embedded.properties     says that the folder is ours; locked while a cluster runs on it
//! state/<offset>.log            the journal, itself in Kafka's log format: JSON by JSON keys, the latest of each counts
//! <topic>-<partition>/          as in a broker's folder:
//!     partition.metadata        the topic's id
//!     <base offset>.log         record batches as on the wire
//! ```
//!
//! `folder` opens it, `load` reads and checks all of it, and a thread of its own (`writer`) does what the core asks for.
//! It does so in groups: all that came since the last time is written and synchronised once, the journal first, and only
//! then the answers leave that depend on it. Knows no API and no socket.

mod folder;
mod journal;
mod load;
mod log_folder;
mod segment_file;
mod writer;

pub(crate) use folder::Folder;
pub(crate) use load::load;
pub(crate) use writer::{Disk, Done};
