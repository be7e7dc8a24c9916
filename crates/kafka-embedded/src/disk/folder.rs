use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::Error;

const MARK: &str = "kafka-embedded.properties";
const CONTENT: &str = "# A cluster of kafka-embedded keeps its data here.\nversion=1\n";

/// A folder that belongs to this process alone while it lives.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is not there, and locks it.
    ///
    /// # Errors
    /// [`Error::Data`] if it holds something else, data of another version, or is in use.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |what: &str, error: io::Error| Error::data(path, format!("{what}: {error}"));
        fs::create_dir_all(path).map_err(|error| failed("it cannot be made", error))?;
        let mark = path.join(MARK);
        if !mark.exists() {
            check_is_empty(path)?;
        }
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).open(&mark);
        let mut file = opened.map_err(|error| failed("it cannot be written to", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::data(
                    path,
                    "another process uses it; stop that one, or choose another folder",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed("it cannot be locked", error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| failed("its version cannot be read", error))?;
        if text.is_empty() {
            let written = file.write_all(CONTENT.as_bytes()).and_then(|()| file.sync_all());
            written
                .and_then(|()| sync_folder(path))
                .map_err(|error| failed("it cannot be written to", error))?;
        } else if !text.lines().any(|line| line.trim() == "version=1") {
            return Err(Error::data(
                path,
                "it was written by a version of this program that is not known here",
            ));
        }
        Ok(Self { path: path.to_owned(), _lock: file })
    }
}

fn check_is_empty(path: &Path) -> Result<(), Error> {
    let unreadable = |error: io::Error| Error::data(path, format!("it cannot be read: {error}"));
    let mut entries = fs::read_dir(path).map_err(unreadable)?;
    match entries.next().transpose().map_err(unreadable)? {
        None => Ok(()),
        Some(_) if path.join("meta.properties").exists() => {
            Err(Error::data(path, "it belongs to a broker of Apache Kafka; choose another folder"))
        }
        Some(entry) => {
            let name = entry.file_name();
            let what = format!("it holds something else ({}); choose an empty one", name.to_string_lossy());
            Err(Error::data(path, what))
        }
    }
}

/// Makes the names in a folder last.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Other systems open no folder as a file; names are their own business there.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
