//! The errors of this module, in one place so that they read alike.

use crate::{Error, ErrorKind};

/// A batch whose bytes contradict each other.
#[cold]
pub(super) fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::CorruptRecords,
        format!("record batch is damaged: {what}; fetch it again, and check the broker's log if it stays so"),
    )
}

/// A batch that would take more memory than the caller allows.
#[cold]
pub(super) fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!(
            "record batch decompresses to more than the {limit} bytes allowed; raise the limit if it is genuine"
        ),
    )
}
