use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why a cluster could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is not possible.
    #[error("the cluster cannot be started: {0}")]
    Setting(String),
    /// A broker's port could not be opened.
    #[error("the port {address} cannot be opened: {source}; choose another, or 0 for any that is free")]
    Io {
        /// What was to be bound.
        address: SocketAddr,
        /// Why it could not.
        source: io::Error,
    },
    /// The data of a cluster cannot be used.
    #[error("the data in {} cannot be used: {what}", path.display())]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is no such broker.
    #[error("there is no broker {0}")]
    UnknownBroker(i32),
}

impl Error {
    pub(crate) fn data(path: &Path, what: impl Into<String>) -> Self {
        Self::Data { path: path.to_owned(), what: what.into() }
    }
}
