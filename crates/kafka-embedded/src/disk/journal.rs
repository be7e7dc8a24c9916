use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use kafka_core::records::{BatchBuilder, Compression, Compressor, Decompressor, NO_HEADERS, ProducerStamp};

use super::folder::sync_folder;
use super::segment_file;
use crate::Error;

const FOLDER: &str = "state";
/// A snapshot is divided into batches of about so many bytes.
const BATCH: usize = 1 << 20;

/// What the cluster knows, by key: the latest value of each counts.
pub(crate) type State = BTreeMap<String, Bytes>;

/// The file that changes of the state are appended to.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    base_offset: i64,
    next_offset: i64,
    file: File,
}

impl Journal {
    /// Reads what was written, and goes on where it ends.
    pub(super) fn open(data: &Path) -> Result<(Self, State), Error> {
        let folder = data.join(FOLDER);
        let failed = |error: io::Error| Error::data(&folder, error.to_string());
        fs::create_dir_all(&folder).and_then(|()| sync_folder(data)).map_err(failed)?;
        let segments = segment_file::read_all(&folder)?;
        let (mut state, mut next_offset) = (State::new(), 0);
        let base_offset = segments.last().map_or(0, |segment| segment.base_offset);
        let mut decompressor = Decompressor::default();
        for batch in segments.into_iter().flat_map(|segment| segment.batches) {
            next_offset = batch.last_offset().saturating_add(1);
            let unreadable = |error: kafka_core::Error| Error::data(&folder, error.to_string());
            for record in batch.records(&mut decompressor).map_err(unreadable)? {
                let record = record.map_err(unreadable)?;
                let key = String::from_utf8(record.key.unwrap_or_default().to_vec());
                let key = key.map_err(|error| Error::data(&folder, error.to_string()))?;
                match record.value {
                    // Copied: a value is small, and would keep the whole file in memory.
                    Some(value) => state.insert(key, Bytes::copy_from_slice(&value)),
                    None => state.remove(&key),
                };
            }
        }
        let path = segment_file::path(&folder, base_offset);
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
        sync_folder(&folder).map_err(failed)?;
        Ok((Self { folder, base_offset, next_offset, file }, state))
    }

    /// Appends the changes as one batch, so that a crash leaves all of them or none.
    pub(super) fn append(&mut self, changes: &[(String, Option<Bytes>)]) -> io::Result<()> {
        let changes = changes.iter().map(|(key, value)| (key.as_str(), value.as_ref()));
        for batch in encode(changes, usize::MAX, &mut self.next_offset)? {
            self.file.write_all(&batch)?;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Begins a new file with all that is known, and removes the ones before.
    pub(super) fn begin_with(&mut self, state: &[(String, Bytes)]) -> io::Result<()> {
        let former = self.base_offset;
        // One offset is left out, so that a file that was never written to is not replaced by itself.
        self.next_offset += 1;
        let base_offset = self.next_offset;
        let state = state.iter().map(|(key, value)| (key.as_str(), Some(value)));
        let batches = encode(state, BATCH, &mut self.next_offset)?;
        segment_file::put(&self.folder, base_offset, &batches)?;
        self.file = OpenOptions::new().append(true).open(segment_file::path(&self.folder, base_offset))?;
        self.base_offset = base_offset;
        fs::remove_file(segment_file::path(&self.folder, former))?;
        sync_folder(&self.folder)
    }
}

fn encode<'a>(
    pairs: impl Iterator<Item = (&'a str, Option<&'a Bytes>)>,
    limit: usize,
    next_offset: &mut i64,
) -> io::Result<Vec<Bytes>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since.as_millis()).unwrap_or_default();
    let mut pairs = pairs.peekable();
    let mut batches = Vec::new();
    while pairs.peek().is_some() {
        let mut builder = BatchBuilder::with_capacity(1024);
        while builder.size() < limit
            && let Some((key, value)) = pairs.next()
        {
            let value = value.map(Bytes::as_ref);
            builder.append(now, Some(key.as_bytes()), value, NO_HEADERS).map_err(io::Error::other)?;
        }
        let batch = builder.finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE);
        let mut batch = batch.map_err(io::Error::other)?;
        batch.set_base_offset(*next_offset, 0);
        *next_offset += i64::from(batch.count());
        batches.push(batch.bytes());
    }
    Ok(batches)
}
