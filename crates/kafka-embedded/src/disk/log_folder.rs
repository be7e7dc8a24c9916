use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kafka_core::protocol::Uuid;

use super::folder::sync_folder;
use super::segment_file;
use crate::storage::LogPlace;

const METADATA: &str = "partition.metadata";
/// The end of a folder's name while it is being removed.
pub(super) const REMOVED: &str = "-delete";

/// A partition's folder, and the segment in it that is written to.
#[derive(Debug)]
pub(super) struct LogFolder {
    path: PathBuf,
    open: Option<(i64, File)>,
    /// Whether something was written since it was last synchronised.
    written: bool,
}

impl LogFolder {
    /// The folder of a log, which is made if it is not there.
    pub(super) fn open(data: &Path, place: &LogPlace) -> io::Result<Self> {
        let path = data.join(&place.folder);
        if !path.join(METADATA).exists() {
            fs::create_dir_all(&path)?;
            let mut file = File::create(path.join(METADATA))?;
            write!(file, "version: 0\ntopic_id: {}\n", place.topic)?;
            file.sync_all()?;
            sync_folder(&path)?;
            sync_folder(data)?;
        }
        Ok(Self { path, open: None, written: false })
    }

    pub(super) fn append(&mut self, segment: i64, batch: &Bytes) -> io::Result<()> {
        self.written = true;
        self.segment(segment)?.write_all(batch)
    }

    /// What was written before is on disk before a new segment is: only the last one can be torn.
    pub(super) fn begin(&mut self, segment: i64) -> io::Result<()> {
        self.sync()?;
        self.segment(segment).map(drop)
    }

    pub(super) fn remove(&mut self, segment: i64) -> io::Result<()> {
        self.open = self.open.take().filter(|(base, _)| *base != segment);
        remove_if_there(&segment_file::path(&self.path, segment))
    }

    pub(super) fn replace(&mut self, segments: &[i64], batches: &[Bytes]) -> io::Result<()> {
        let Some((&first, others)) = segments.split_first() else { return Ok(()) };
        segment_file::put(&self.path, first, batches)?;
        for &other in others {
            remove_if_there(&segment_file::path(&self.path, other))?;
        }
        Ok(())
    }

    pub(super) fn truncate(&mut self, segment: i64, size: u64) -> io::Result<()> {
        let file = self.segment(segment)?;
        file.set_len(size)?;
        file.sync_all()
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.written)
            && let Some((_, file)) = &self.open
        {
            file.sync_data()?;
        }
        Ok(())
    }

    /// The open segment; another one is opened, and made if it is not there.
    fn segment(&mut self, base_offset: i64) -> io::Result<&mut File> {
        if self.open.as_ref().is_none_or(|(base, _)| *base != base_offset) {
            let path = segment_file::path(&self.path, base_offset);
            let is_new = !path.exists();
            let file = OpenOptions::new().append(true).create(true).open(path)?;
            if is_new {
                sync_folder(&self.path)?;
            }
            self.open = Some((base_offset, file));
        }
        self.open.as_mut().map(|(_, file)| file).ok_or_else(|| io::Error::other("no segment is open"))
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a log's folder: first its name, so that half of it is never taken for a log.
pub(super) fn remove_log(data: &Path, place: &LogPlace) -> io::Result<()> {
    let path = data.join(&place.folder);
    if topic_of(&path) != Some(place.topic) {
        return Ok(());
    }
    let removed = data.join(format!("{}.{}{REMOVED}", place.folder, place.topic));
    fs::rename(&path, &removed)?;
    fs::remove_dir_all(&removed)?;
    sync_folder(data)
}

/// The topic that a folder says it belongs to.
pub(super) fn topic_of(folder: &Path) -> Option<Uuid> {
    let text = fs::read_to_string(folder.join(METADATA)).ok()?;
    text.lines().find_map(|line| line.strip_prefix("topic_id:")?.trim().parse().ok())
}
