//! What one fetch brought of one partition, handed out piece by piece.
//!
//! A chunk is a record set as it came from the socket. Its batch headers are looked at on arrival, to know where the
//! next fetch goes on; checksums, decompression and records wait until `poll` wants them, one batch at a time.

use bytes::Bytes;
use kafka_core::Error;
use kafka_core::records::{BATCH_OVERHEAD, Batch, Batches, Decompressor, Records};

use super::aborted::AbortedTransactions;

/// Records of one batch, in the order of their offsets; checked, so that reading them again cannot fail.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// Stands at the first record of the slice.
    pub(crate) records: Records,
    /// How many records of it belong to the slice.
    pub(crate) len: usize,
    /// -1 if unknown.
    pub(crate) leader_epoch: i32,
}

/// How a chunk is decoded.
#[derive(Debug)]
pub(crate) struct Decoding {
    pub(crate) decompressor: Decompressor,
    pub(crate) check_crcs: bool,
}

/// What [`Chunk::take`] took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) records: usize,
    /// Bytes of their keys and values.
    pub(crate) bytes: usize,
    /// The offset to go on at.
    pub(crate) position: i64,
    /// The leader epoch of the last record or batch gone past.
    pub(crate) epoch: Option<i32>,
}

/// A damaged batch.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) error: Error,
    /// The first offset that cannot be read.
    pub(crate) offset: i64,
    /// The first offset behind the batch, if its header can be read.
    pub(crate) next_offset: Option<i64>,
}

#[derive(Debug)]
struct Open {
    records: Records,
    last_offset: i64,
    leader_epoch: i32,
    size: usize,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Chunk {
    fetch_offset: i64,
    next_offset: i64,
    last_epoch: Option<i32>,
    batches: Batches,
    open: Option<Open>,
    bytes: usize,
    aborted: Option<AbortedTransactions>,
    damage: Option<Damage>,
}

impl Chunk {
    /// Looks at the batches of a record set that was fetched from `fetch_offset`. `None` if no whole batch is in it.
    pub(crate) fn new(
        fetch_offset: i64,
        record_set: Bytes,
        aborted: Option<AbortedTransactions>,
    ) -> Option<Self> {
        let mut chunk = Self {
            fetch_offset,
            next_offset: fetch_offset,
            last_epoch: None,
            batches: Batches::new(record_set.clone()),
            open: None,
            bytes: 0,
            aborted,
            damage: None,
        };
        let mut damaged = false;
        for batch in Batches::new(record_set) {
            match batch {
                Ok(batch) => {
                    chunk.bytes += batch.size();
                    chunk.next_offset = chunk.next_offset.max(batch.last_offset().saturating_add(1));
                    chunk.last_epoch = epoch_of(&batch).or(chunk.last_epoch);
                }
                // Said when `take` gets there.
                Err(_) => damaged = true,
            }
        }
        (chunk.next_offset > fetch_offset || damaged).then_some(chunk)
    }

    /// The offset it was fetched from.
    pub(crate) fn fetch_offset(&self) -> i64 {
        self.fetch_offset
    }

    /// The offset behind its last batch.
    pub(crate) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The leader epoch of its last batch.
    pub(crate) fn last_epoch(&self) -> Option<i32> {
        self.last_epoch
    }

    /// Bytes of the batches not yet gone through.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing is left in it, an error included.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0 && self.open.is_none() && self.damage.is_none()
    }

    /// Takes up to `max` records from `position` on, as slices at the end of `out`.
    ///
    /// # Errors
    /// A damaged batch, once all records before it are taken. What is behind it can only be fetched anew.
    pub(crate) fn take(
        &mut self,
        max: usize,
        position: i64,
        decoding: &mut Decoding,
        out: &mut Vec<Slice>,
    ) -> Result<Taken, Damage> {
        let mut taken = Taken { records: 0, bytes: 0, position, epoch: None };
        while taken.records < max && self.damage.is_none() {
            if self.open.is_none() {
                match self.open_next(&mut taken, decoding) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(damage) => {
                        self.fail(damage);
                        break;
                    }
                }
            }
            if let Err(damage) = self.take_open(max, &mut taken, out) {
                self.fail(damage);
            }
        }
        match self.damage.take() {
            Some(damage) if taken.records == 0 => {
                self.bytes = 0;
                Err(Damage { offset: damage.offset.max(taken.position), ..damage })
            }
            damage => {
                self.damage = damage;
                Ok(taken)
            }
        }
    }

    fn fail(&mut self, damage: Damage) {
        self.open = None;
        self.batches = Batches::new(Bytes::new());
        self.bytes = 0;
        self.damage = Some(damage);
    }

    /// Opens the next batch with records for the user, going past the others; false if there is none.
    fn open_next(&mut self, taken: &mut Taken, decoding: &mut Decoding) -> Result<bool, Damage> {
        loop {
            let batch = match self.batches.next() {
                None => {
                    self.bytes = 0;
                    return Ok(false);
                }
                Some(Ok(batch)) => batch,
                Some(Err(error)) => return Err(Damage { error, offset: taken.position, next_offset: None }),
            };
            let size = batch.size();
            let next_offset = batch.last_offset().saturating_add(1);
            if next_offset <= taken.position {
                self.bytes = self.bytes.saturating_sub(size);
                continue;
            }
            let damage =
                |error| Damage { error, offset: batch.base_offset(), next_offset: Some(next_offset) };
            if decoding.check_crcs {
                batch.check_crc().map_err(damage)?;
            }
            let hidden = match &mut self.aborted {
                Some(aborted) => aborted.hides(&batch, &mut decoding.decompressor).map_err(damage)?,
                None => batch.is_control(),
            };
            if !hidden && batch.count() == 0 && batch.size() > BATCH_OVERHEAD {
                return Err(damage(corrupt("it says that it is empty, and is not")));
            }
            if hidden || batch.count() == 0 {
                self.bytes = self.bytes.saturating_sub(size);
                taken.position = next_offset;
                taken.epoch = epoch_of(&batch).or(taken.epoch);
                continue;
            }
            let mut records = batch.records(&mut decoding.decompressor).map_err(damage)?;
            if batch.base_offset() < taken.position {
                records.skip_before(taken.position).map_err(damage)?;
            }
            self.open = Some(Open {
                records,
                last_offset: batch.last_offset(),
                leader_epoch: batch.leader_epoch(),
                size,
            });
            return Ok(true);
        }
    }

    fn take_open(&mut self, max: usize, taken: &mut Taken, out: &mut Vec<Slice>) -> Result<(), Damage> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let next_offset = open.last_offset.saturating_add(1);
        let len = open.records.remaining().min(max - taken.records);
        let slice = Slice { records: open.records.clone(), len, leader_epoch: open.leader_epoch };
        // None of them is handed out unless all are.
        let from = taken.position;
        let damage = |error| Damage { error, offset: from, next_offset: Some(next_offset) };
        let (mut position, mut bytes) = (from, 0);
        for _ in 0..len {
            match open.records.next_view().map_err(damage)? {
                Some(view) if view.offset() >= position && view.offset() < next_offset => {
                    position = view.offset() + 1;
                    bytes += view.key().map_or(0, <[u8]>::len) + view.value().map_or(0, <[u8]>::len);
                }
                _ => return Err(damage(corrupt("its offsets do not increase"))),
            }
        }
        if open.records.remaining() == 0 {
            // What follows the last record is a record that would be lost.
            open.records.next_view().map_err(damage)?;
        }
        taken.records += len;
        taken.bytes += bytes;
        taken.position = position;
        if open.leader_epoch >= 0 {
            taken.epoch = Some(open.leader_epoch);
        }
        if open.records.remaining() == 0 {
            taken.position = next_offset;
            self.bytes = self.bytes.saturating_sub(open.size);
            self.open = None;
        }
        if len > 0 {
            out.push(slice);
        }
        Ok(())
    }
}

fn epoch_of(batch: &Batch) -> Option<i32> {
    Some(batch.leader_epoch()).filter(|epoch| *epoch >= 0)
}

#[cold]
fn corrupt(what: &str) -> Error {
    Error::new(
        kafka_core::ErrorKind::CorruptRecords,
        format!("record batch is damaged: {what}; fetch it again, and check the broker's log if it stays so"),
    )
}
