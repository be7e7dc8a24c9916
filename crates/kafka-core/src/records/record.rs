use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;

use crate::Result;
use crate::records::varint::Cursor;
use crate::records::{Header, TimestampType};

/// A record that owns its parts; they share the memory of the batch it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970, -1 if there is none.
    pub timestamp: i64,
    /// Whose clock the timestamp is from.
    pub timestamp_type: TimestampType,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; null is a tombstone in a compacted topic.
    pub value: Option<Bytes>,
    /// The headers, in the order they were written.
    pub headers: Vec<Header>,
}

/// A record that borrows from its batch.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) timestamp_type: TimestampType,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Headers<'a>,
    pub(super) payload: &'a Bytes,
}

impl<'a> RecordView<'a> {
    /// Its offset in the partition.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Milliseconds since 1970, -1 if there is none.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// Whose clock the timestamp is from.
    pub fn timestamp_type(&self) -> TimestampType {
        self.timestamp_type
    }

    /// The key.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key
    }

    /// The value; null is a tombstone in a compacted topic.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.value
    }

    /// The headers, in the order they were written.
    pub fn headers(&self) -> Headers<'a> {
        self.headers
    }

    /// The same record, owning its parts: slices of the batch's memory, which stays alive as long as one of them.
    /// Allocates for headers only.
    pub fn to_record(&self) -> Record {
        Record {
            offset: self.offset,
            timestamp: self.timestamp,
            timestamp_type: self.timestamp_type,
            key: self.key.map(|key| self.payload.slice_ref(key)),
            value: self.value.map(|value| self.payload.slice_ref(value)),
            headers: self.headers_to_vec(),
        }
    }

    fn headers_to_vec(&self) -> Vec<Header> {
        if self.headers.is_empty() {
            return Vec::new();
        }
        let mut headers = Vec::with_capacity(self.headers.len());
        headers.extend(self.headers.map(|header| Header {
            key: key_of(self.payload, header.key),
            value: header.value.map(|value| self.payload.slice_ref(value)),
        }));
        headers
    }
}

/// Keys are UTF-8 by definition; others are shown as Java shows them, with replacement characters.
fn key_of(payload: &Bytes, key: &[u8]) -> ByteString {
    ByteString::try_from(payload.slice_ref(key))
        .unwrap_or_else(|_| ByteString::from(String::from_utf8_lossy(key).into_owned()))
}

/// The headers of a [`RecordView`], parsed as they are iterated over.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    count: usize,
    rest: Cursor<'a>,
}

impl<'a> Headers<'a> {
    /// Reads what is left of a record and checks it all, so that iterating cannot fail.
    #[inline]
    pub(super) fn read(mut cursor: Cursor<'a>) -> Result<Self> {
        let count = cursor.varint()?;
        if count == 0 && cursor.remaining() == 0 {
            return Ok(Self { count: 0, rest: cursor });
        }
        Self::check(count, cursor)
    }

    fn check(count: i32, rest: Cursor<'a>) -> Result<Self> {
        use crate::records::error::corrupt;
        let mut cursor = rest;
        // A header takes two bytes at least, so a false count ends with the bytes at hand.
        let Some(count) = usize::try_from(count).ok().filter(|&count| count <= cursor.remaining() / 2) else {
            return Err(corrupt(format_args!("a count of {count} headers in a record")));
        };
        for _ in 0..count {
            cursor.bytes()?;
            cursor.nullable_bytes()?;
        }
        if cursor.remaining() != 0 {
            return Err(corrupt("a record has bytes after its last header"));
        }
        Ok(Self { count, rest })
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The last header with that key, as Java's `lastHeader` finds it.
    pub fn last_with_key(&self, key: &str) -> Option<HeaderView<'a>> {
        self.filter(|header| header.key == key.as_bytes()).last()
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = HeaderView<'a>;

    fn next(&mut self) -> Option<HeaderView<'a>> {
        self.count = self.count.checked_sub(1)?;
        let key = self.rest.bytes().ok()?;
        let value = self.rest.nullable_bytes().ok()?;
        Some(HeaderView { key, value })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// A header that borrows from its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderView<'a> {
    key: &'a [u8],
    value: Option<&'a [u8]>,
}

impl<'a> HeaderView<'a> {
    /// The key; bytes that are not UTF-8 are replaced.
    pub fn key(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.key)
    }

    /// The key as it was written.
    pub fn key_bytes(&self) -> &'a [u8] {
        self.key
    }

    /// The value.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.value
    }
}
