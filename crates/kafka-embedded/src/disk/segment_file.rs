use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kafka_core::records::{BATCH_OVERHEAD, Batch, Batches};
use tracing::warn;

use super::folder::sync_folder;
use crate::Error;
use crate::log::FoundSegment;

const SUFFIX: &str = ".log";

/// The path of a segment, named by its base offset as Kafka names them.
pub(super) fn path(folder: &Path, base_offset: i64) -> PathBuf {
    folder.join(format!("{base_offset:020}{SUFFIX}"))
}

/// Reads all segments of a log and checks them: checksums, lengths, rising offsets.
///
/// The last one may end in the middle of a batch that was being written when the process ended: that is cut off.
///
/// # Errors
/// [`Error::Data`] for damage anywhere else: what follows it is intact, so it is no write that was not finished.
pub(super) fn read_all(folder: &Path) -> Result<Vec<FoundSegment>, Error> {
    let names = list(folder).map_err(|error| Error::data(folder, format!("it cannot be read: {error}")))?;
    let mut segments: Vec<FoundSegment> = Vec::with_capacity(names.len());
    let (mut next, last) = (0, names.len().saturating_sub(1));
    for (at, base_offset) in names.into_iter().enumerate() {
        let path = path(folder, base_offset);
        let failed = |error: io::Error| Error::data(&path, error.to_string());
        if at > 0 && base_offset < next {
            // Its batches were joined to those before it, and only its file was left.
            fs::remove_file(&path).map_err(failed)?;
            continue;
        }
        let bytes = Bytes::from(fs::read(&path).map_err(failed)?);
        let (batches, end) = batches(&bytes, base_offset);
        if let Some(damage) = end.damage {
            if at < last || has_batch_after(&bytes, end.position, end.next_offset) {
                let what = format!("{damage} at byte {}, and intact records follow it", end.position);
                return Err(Error::data(&path, what));
            }
            let lost = bytes.len() - end.position;
            warn!(file = %path.display(), at = end.position, lost, damage, "the end of a log is cut off");
            cut(&path, end.position).map_err(failed)?;
        }
        next = end.next_offset;
        segments.push(FoundSegment { base_offset, batches });
    }
    Ok(segments)
}

/// Where the intact part of a segment ends.
struct End {
    position: usize,
    next_offset: i64,
    /// What is wrong with what follows.
    damage: Option<String>,
}

fn batches(bytes: &Bytes, base_offset: i64) -> (Vec<Batch>, End) {
    let mut end = End { position: 0, next_offset: base_offset, damage: None };
    let mut found = Vec::new();
    while end.position < bytes.len() {
        let batch = match Batches::new(bytes.slice(end.position..)).next() {
            None => Err("a batch that is cut off".to_owned()),
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(batch)) => batch.check_crc().map_err(|error| error.to_string()).map(|()| batch),
        };
        match batch {
            Ok(batch) if batch.base_offset() >= end.next_offset => {
                end.position += batch.size();
                end.next_offset = batch.last_offset().saturating_add(1);
                found.push(batch);
            }
            Ok(batch) => {
                let (offset, next) = (batch.base_offset(), end.next_offset);
                end.damage = Some(format!("offset {offset} where {next} is the next"));
                break;
            }
            Err(damage) => {
                end.damage = Some(damage);
                break;
            }
        }
    }
    (found, end)
}

/// Whether an intact batch begins somewhere after `position`.
fn has_batch_after(bytes: &Bytes, position: usize, next_offset: i64) -> bool {
    (position + 1..bytes.len().saturating_sub(BATCH_OVERHEAD)).any(|at| {
        let batch = Batches::new(bytes.slice(at..)).next();
        batch.is_some_and(|batch| {
            batch.is_ok_and(|batch| batch.base_offset() >= next_offset && batch.check_crc().is_ok())
        })
    })
}

fn cut(path: &Path, length: usize) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(u64::try_from(length).unwrap_or(u64::MAX))?;
    file.sync_all()
}

/// The base offsets of the segments in a folder, in order; what was not finished is removed.
fn list(folder: &Path) -> io::Result<Vec<i64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        } else if let Some(base_offset) = name.strip_suffix(SUFFIX).and_then(|stem| stem.parse().ok()) {
            found.push(base_offset);
        }
    }
    found.sort_unstable();
    Ok(found)
}

const UNFINISHED: &str = ".cleaned";

/// Puts a segment in the place of one with the same base offset, or of none, whole or not at all.
pub(super) fn put(folder: &Path, base_offset: i64, batches: &[Bytes]) -> io::Result<()> {
    use std::io::Write as _;

    let path = path(folder, base_offset);
    let unfinished = path.with_extension(format!("log{UNFINISHED}"));
    let mut file = io::BufWriter::new(fs::File::create(&unfinished)?);
    for batch in batches {
        file.write_all(batch)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&unfinished, &path)?;
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use kafka_core::records::{BatchBuilder, Compression, Compressor, NO_HEADERS, ProducerStamp};

    use super::*;

    fn batch(base_offset: i64, value: &str) -> Bytes {
        let mut builder = BatchBuilder::with_capacity(200);
        builder.append(0, None, Some(value.as_bytes()), NO_HEADERS).unwrap();
        let batch = builder.finish(Compression::None, &mut Compressor::default(), &ProducerStamp::NONE);
        let mut batch = batch.unwrap();
        batch.set_base_offset(base_offset, 0);
        batch.bytes()
    }

    fn segment(offsets: &[i64]) -> Vec<u8> {
        offsets.iter().flat_map(|&offset| batch(offset, "value")).collect()
    }

    fn write(folder: &Path, base_offset: i64, bytes: &[u8]) {
        fs::write(path(folder, base_offset), bytes).unwrap();
    }

    fn read(folder: &Path) -> Result<Vec<Vec<i64>>, Error> {
        let segments = read_all(folder)?;
        Ok(segments.iter().map(|segment| segment.batches.iter().map(Batch::base_offset).collect()).collect())
    }

    #[test]
    fn a_torn_end_is_cut_off_wherever_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let whole = segment(&[3, 4, 7]);
        let two = segment(&[3, 4]).len();
        for length in two..whole.len() {
            write(folder, 3, &whole[..length]);
            assert_eq!(read(folder).unwrap(), [[3, 4]], "{length}");
            assert_eq!(fs::read(path(folder, 3)).unwrap(), whole[..two]);
            // A file may have been made longer before the bytes were there.
            // (The last byte of a batch without headers is a zero.)
            let mut zeros = whole[..length.min(whole.len() - 2)].to_vec();
            zeros.resize(whole.len() + 100, 0);
            write(folder, 3, &zeros);
            assert_eq!(read(folder).unwrap(), [[3, 4]], "{length} and zeros");
        }
        for at in two..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            write(folder, 3, &changed);
            let found = read(folder).unwrap().remove(0);
            // The checksum does not cover the offset and the epoch.
            assert!(found.starts_with(&[3, 4]) && (found.len() == 2 || at < two + 16), "{at}: {found:?}");
        }
        write(folder, 3, &whole);
        assert_eq!(read(folder).unwrap(), [[3, 4, 7]]);
    }

    #[test]
    fn damage_before_intact_records_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut damaged = segment(&[0, 1, 2]);
        damaged[batch(0, "value").len() + 65] ^= 1;
        write(folder, 0, &damaged);
        let error = read(folder).unwrap_err().to_string();
        assert!(error.contains("00000000000000000000.log") && error.contains("at byte 73"), "{error}");
        assert_eq!(fs::read(path(folder, 0)).unwrap(), damaged, "nothing is changed");

        damaged.truncate(damaged.len() - batch(0, "value").len());
        write(folder, 0, &damaged);
        write(folder, 5, &segment(&[5]));
        assert!(read(folder).is_err(), "another segment follows");
        write(folder, 0, &segment(&[0, 1]));
        assert_eq!(read(folder).unwrap(), [vec![0, 1], vec![5]]);
        write(folder, 5, &segment(&[5, 6, 6, 7]));
        assert!(read(folder).unwrap_err().to_string().contains("offset 6 where 7 is the next"));
    }

    #[test]
    fn what_a_compaction_left_unfinished_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, 0, &segment(&[0, 5, 12]));
        write(folder, 10, &segment(&[10, 11, 12]));
        write(folder, 20, &segment(&[20]));
        fs::write(folder.join("00000000000000000020.log.cleaned"), b"half").unwrap();
        assert_eq!(read(folder).unwrap(), [vec![0, 5, 12], vec![20]]);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
        put(folder, 0, &[batch(5, "value")]).unwrap();
        assert_eq!(read(folder).unwrap(), [[5], [20]]);
    }
}
