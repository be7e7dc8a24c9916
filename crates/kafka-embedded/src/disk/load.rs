use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tracing::warn;

use super::journal::State;
use super::log_folder::{REMOVED, topic_of};
use super::{Disk, Folder, segment_file};
use crate::Error;
use crate::log::FoundSegment;
use crate::storage::LogPlace;

/// What a folder held.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) state: State,
    /// By folder.
    pub(crate) logs: BTreeMap<String, (LogPlace, Vec<FoundSegment>)>,
}

/// Opens a folder, and reads and checks all that is in it.
///
/// # Errors
/// [`Error::Data`] if the folder cannot be used or holds damage.
pub(crate) fn load(path: &Path) -> Result<(Disk, Found), Error> {
    let folder = Folder::open(path)?;
    let (disk, state) = Disk::start(folder)?;
    let mut found = Found { state, logs: BTreeMap::new() };
    let failed = |error: std::io::Error| Error::data(path, format!("it cannot be read: {error}"));
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_log = name.rsplit_once('-').is_some_and(|(_, index)| index.parse::<i32>().is_ok());
        if name.ends_with(REMOVED) {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        } else if is_log {
            let Some(topic) = topic_of(&entry.path()) else {
                // Its making was not finished, so nothing was ever acknowledged of it.
                warn!(folder = name, "a folder without partition.metadata is left out");
                continue;
            };
            let segments = segment_file::read_all(&entry.path())?;
            found.logs.insert(name.clone(), (LogPlace { folder: name, topic }, segments));
        }
    }
    Ok((disk, found))
}
