use bytes::Bytes;

use crate::records::batch_header::BatchHeader;
use crate::records::error::corrupt;
use crate::records::record::Headers;
use crate::records::varint::Cursor;
use crate::records::{Record, RecordView, TimestampType};
use crate::{Error, Result};

/// A record takes seven bytes at least: length, attributes, timestamp, offset, null key, null value, no headers.
const MIN_RECORD: usize = 7;

/// The records of a batch: a cursor that owns the (decompressed) bytes, and so can be kept between polls.
///
/// [`next_view`](Self::next_view) and [`views`](Self::views) borrow and allocate nothing; as an iterator it yields
/// owned [`Record`]s that share the batch's memory. After an error each of them ends.
#[derive(Clone, Debug)]
pub struct Records {
    payload: Bytes,
    walk: Walk,
}

impl Records {
    pub(super) fn new(header: &BatchHeader, payload: Bytes) -> Result<Self> {
        let left = usize::try_from(header.count).unwrap_or_default();
        if left > payload.len() / MIN_RECORD {
            return Err(corrupt(format_args!("a count of {left} records in {} bytes", payload.len())));
        }
        let (timestamp_type, base_timestamp, time_counts) = match header.timestamp_type() {
            TimestampType::CreateTime => (TimestampType::CreateTime, header.base_timestamp, -1),
            TimestampType::LogAppendTime => (TimestampType::LogAppendTime, header.max_timestamp, 0),
        };
        let walk = Walk {
            position: 0,
            left,
            base_offset: header.base_offset,
            last_offset_delta: header.last_offset_delta,
            base_timestamp,
            delta_mask: time_counts,
            timestamp_type,
        };
        Ok(Self { payload, walk })
    }

    /// How many records are left.
    pub fn remaining(&self) -> usize {
        self.walk.left
    }

    /// The decompressed bytes of all records, also of those already read.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The next record, borrowed; `None` after the last.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptRecords`](crate::ErrorKind::CorruptRecords) if its lengths do not fit; nothing follows then.
    #[inline(always)]
    pub fn next_view(&mut self) -> Result<Option<RecordView<'_>>> {
        self.walk.next(&self.payload)
    }

    /// The records that are left, borrowed; the cursor itself does not move.
    pub fn views(&self) -> RecordViews<'_> {
        RecordViews { payload: &self.payload, walk: self.walk }
    }

    /// Moves past the records before `offset`: a fetch returns whole batches, also when it starts inside one.
    ///
    /// # Errors
    /// As [`next_view`](Self::next_view).
    pub fn skip_before(&mut self, offset: i64) -> Result<()> {
        while self.walk.left > 0 {
            let here = self.walk;
            match self.walk.next(&self.payload)? {
                Some(view) if view.offset() >= offset => {
                    self.walk = here;
                    return Ok(());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Iterator for Records {
    type Item = Result<Record>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next(&self.payload).map(|view| view.map(|view| view.to_record())).transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error comes instead of records or after the last.
        (self.walk.left.min(1), Some(self.walk.left + 1))
    }
}

/// The records of a batch, borrowed from [`Records`].
#[derive(Clone, Debug)]
pub struct RecordViews<'a> {
    payload: &'a Bytes,
    walk: Walk,
}

impl<'a> Iterator for RecordViews<'a> {
    type Item = Result<RecordView<'a>>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next(self.payload).transpose()
    }
}

/// Where in a batch a cursor stands, and what its header says about every record.
#[derive(Clone, Copy, Debug)]
struct Walk {
    position: usize,
    left: usize,
    base_offset: i64,
    last_offset_delta: i32,
    base_timestamp: i64,
    /// All ones, or zero when the broker's time counts and the records' own deltas do not.
    delta_mask: i64,
    timestamp_type: TimestampType,
}

impl Walk {
    #[inline(always)]
    fn next<'a>(&mut self, payload: &'a Bytes) -> Result<Option<RecordView<'a>>> {
        if self.left == 0 {
            return self.end(payload).map(|()| None);
        }
        match self.parse(payload) {
            Ok((view, length)) => {
                self.position += length;
                self.left -= 1;
                Ok(Some(view))
            }
            Err(error) => {
                self.left = 0;
                self.position = payload.len();
                Err(error)
            }
        }
    }

    /// Bytes after the last record mean that the count is wrong.
    #[cold]
    fn end(&mut self, payload: &Bytes) -> Result<()> {
        let surplus = payload.len().saturating_sub(self.position);
        self.position = payload.len();
        if surplus == 0 {
            Ok(())
        } else {
            Err(corrupt(format_args!("{surplus} bytes after its last record")))
        }
    }

    #[inline(always)]
    fn parse<'a>(&self, payload: &'a Bytes) -> Result<(RecordView<'a>, usize)> {
        let rest = payload.get(self.position..).unwrap_or_default();
        let mut outer = Cursor::new(rest);
        let mut body = Cursor::new(outer.bytes()?);
        let length = rest.len() - outer.remaining();

        // Attributes of a record are unused so far.
        body.byte()?;
        let timestamp_delta = body.varlong()?;
        let offset_delta = body.varint()?;
        if !(0..=self.last_offset_delta).contains(&offset_delta) {
            return Err(self.outside(offset_delta));
        }
        let key = body.nullable_bytes()?;
        let value = body.nullable_bytes()?;
        let headers = Headers::read(body)?;
        let view = RecordView {
            // The header's reader has checked that the last offset fits.
            offset: self.base_offset.saturating_add(i64::from(offset_delta)),
            timestamp: self.base_timestamp.wrapping_add(timestamp_delta & self.delta_mask),
            timestamp_type: self.timestamp_type,
            key,
            value,
            headers,
            payload,
        };
        Ok((view, length))
    }

    #[cold]
    fn outside(&self, offset_delta: i32) -> Error {
        corrupt(format_args!(
            "a record {offset_delta} past the first offset, the last being {}",
            self.last_offset_delta
        ))
    }
}
