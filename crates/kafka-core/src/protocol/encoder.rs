use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use rskafka::protocol::api_version::ApiVersion;
use rskafka::protocol::messages::WriteVersionedError;
use rskafka::protocol::primitives::Int16;
use rskafka::protocol::traits::WriteError;

use super::wire::Wire;

/// Byte strings below this size are copied: a segment of its own costs more than copying them.
const SMALLEST_SEGMENT: usize = 1024;

/// Writes messages into a list of [`Bytes`] for a vectored write.
///
/// Small parts are collected in one buffer; large byte strings (record sets) become segments of their own and are never
/// copied.
#[derive(Debug, Default)]
pub struct Encoder {
    small: BytesMut,
    /// What is to be inserted into `small`, and where.
    large: Vec<(usize, Bytes)>,
    large_bytes: usize,
    flexible: bool,
}

impl Encoder {
    /// An empty encoder.
    pub fn new() -> Self {
        Self { small: BytesMut::with_capacity(256), ..Self::default() }
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.small.len() + self.large_bytes
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes `bytes` as they are; large ones are not copied.
    pub fn put_bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < SMALLEST_SEGMENT {
            self.small.put_slice(bytes);
        } else {
            self.large.push((self.small.len(), bytes.clone()));
            self.large_bytes += bytes.len();
        }
    }

    /// Writes an unsigned variable-length integer (KIP-482).
    pub fn put_uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.small.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.small.put_u8((value & 0x7f) as u8);
    }

    /// What has been written, in order, as segments for a vectored write.
    pub fn finish(self) -> Vec<Bytes> {
        let mut small = self.small.freeze();
        let mut segments = Vec::with_capacity(2 * self.large.len() + 1);
        let mut done = 0;
        for (at, large) in self.large {
            if at > done {
                segments.push(small.split_to(at - done));
                done = at;
            }
            segments.push(large);
        }
        if !small.is_empty() {
            segments.push(small);
        }
        segments
    }

    /// As [`finish`](Self::finish), with the frame's length (32 bits, itself not counted) before the rest.
    ///
    /// # Errors
    /// The frame is longer than 2 GiB, or [`reserve_frame_length`](Self::reserve_frame_length) was not called first.
    pub(super) fn finish_frame(mut self) -> Result<Vec<Bytes>, WriteError> {
        let length = i32::try_from(self.len().saturating_sub(4))?;
        match self.small.first_chunk_mut::<4>() {
            Some(head) => *head = length.to_be_bytes(),
            None => return Err(WriteError::Malformed("a frame has no room for its length".into())),
        }
        Ok(self.finish())
    }

    pub(super) fn reserve_frame_length(&mut self) {
        self.put([0; 4]);
    }

    pub(super) fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.small.put_slice(&bytes);
    }

    pub(super) fn string(&mut self, text: Option<&str>) -> Result<(), WriteError> {
        if self.flexible {
            self.compact_length(text.map(str::len))?;
            self.small.put_slice(text.unwrap_or_default().as_bytes());
            return Ok(());
        }
        self.legacy_string(text)
    }

    /// A string whose encoding is the old one even in flexible versions.
    pub(super) fn legacy_string(&mut self, text: Option<&str>) -> Result<(), WriteError> {
        self.put(text.map_or(Ok(-1), |text| i16::try_from(text.len()))?.to_be_bytes());
        self.small.put_slice(text.unwrap_or_default().as_bytes());
        Ok(())
    }

    pub(super) fn bytes(&mut self, bytes: Option<&Bytes>) -> Result<(), WriteError> {
        self.length(bytes.map(Bytes::len))?;
        if let Some(bytes) = bytes {
            self.put_bytes(bytes);
        }
        Ok(())
    }

    pub(super) fn array<T: Wire>(
        &mut self,
        elements: Option<&[T]>,
        version: i16,
    ) -> Result<(), WriteVersionedError> {
        self.length(elements.map(<[T]>::len))?;
        elements.unwrap_or_default().iter().try_for_each(|element| element.write(self, version))
    }

    fn length(&mut self, length: Option<usize>) -> Result<(), WriteError> {
        if self.flexible {
            return self.compact_length(length);
        }
        self.put(length.map_or(Ok(-1), i32::try_from)?.to_be_bytes());
        Ok(())
    }

    fn compact_length(&mut self, length: Option<usize>) -> Result<(), WriteError> {
        self.put_uvarint(length.map_or(Ok(0), |length| u32::try_from(length.saturating_add(1)))?);
        Ok(())
    }

    pub(super) fn tagged_fields(&mut self, fields: TaggedFields) {
        if self.flexible {
            self.put_uvarint(fields.count);
            self.small.put_slice(&fields.encoded.small);
        }
    }
}

impl io::Write for Encoder {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.small.put_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The tagged fields of one structure, encoded apart because their sizes come before them. Allocates only if there are
/// any.
#[derive(Default)]
pub(super) struct TaggedFields {
    count: u32,
    encoded: Encoder,
}

impl TaggedFields {
    /// Adds a field; tags must come in rising order.
    pub(super) fn add(
        &mut self,
        tag: u32,
        value: &impl Wire,
        version: i16,
    ) -> Result<(), WriteVersionedError> {
        let mut field = Encoder { flexible: true, ..Encoder::default() };
        value.write(&mut field, version)?;
        self.count += 1;
        self.encoded.put_uvarint(tag);
        self.encoded.put_uvarint(u32::try_from(field.len()).map_err(WriteError::Overflow)?);
        field.finish().iter().for_each(|segment| self.encoded.small.put_slice(segment));
        Ok(())
    }
}

/// The error for a value that the version cannot carry.
#[cold]
pub(super) fn not_available(field: &str, version: i16) -> WriteVersionedError {
    WriteVersionedError::FieldNotAvailable { field: field.to_owned(), version: ApiVersion(Int16(version)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_parts_stay_where_they_were_put() {
        let large = Bytes::from(vec![1; SMALLEST_SEGMENT]);
        let mut encoder = Encoder::new();
        encoder.put_bytes(&large);
        encoder.put_bytes(&large);
        encoder.put([2; 3]);
        encoder.put_bytes(&large);
        encoder.put_bytes(&Bytes::from_static(&[3]));
        assert_eq!(encoder.len(), 3 * SMALLEST_SEGMENT + 4);
        let segments = encoder.finish();
        let lengths: Vec<usize> = segments.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [SMALLEST_SEGMENT, SMALLEST_SEGMENT, 3, SMALLEST_SEGMENT, 1]);
        assert_eq!(segments[3].as_ptr(), large.as_ptr());
    }

    #[test]
    fn variable_length_integers_are_as_short_as_they_can_be() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut encoder = Encoder::new();
            encoder.put_uvarint(value);
            assert_eq!(encoder.finish().concat(), bytes);
        }
    }

    #[test]
    fn text_too_long_for_its_length_is_an_error() {
        let text = "x".repeat(40_000);
        let mut encoder = Encoder::new();
        assert!(text.write(&mut encoder, 0).is_err());
        encoder.set_flexible(true);
        assert!(text.write(&mut encoder, 0).is_ok());
    }

    #[test]
    fn a_frame_needs_room_for_its_length() {
        assert!(Encoder::new().finish_frame().is_err());
    }
}
