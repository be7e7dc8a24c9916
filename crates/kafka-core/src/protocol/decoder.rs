use std::io;

use bytes::{Buf, Bytes};
use rskafka::protocol::traits::ReadError;

use super::wire::Wire;

/// Reads messages from a frame that is held as [`Bytes`].
///
/// Integers come straight from the slice; byte strings and record sets are slices of the frame that share its memory,
/// never copies. The input is not trusted: every length is compared with what is left before anything is allocated,
/// and what does not fit is an error.
///
/// It implements [`io::Read`], so that readers written for any stream (such as rskafka's primitives) work on it too.
#[derive(Clone, Debug)]
pub struct Decoder {
    rest: Bytes,
    flexible: bool,
}

impl Decoder {
    /// Starts at the first byte of `frame`.
    pub fn new(frame: Bytes) -> Self {
        Self { rest: frame, flexible: false }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Takes the next `n` bytes as a slice of the frame, without a copy.
    ///
    /// # Errors
    /// Fewer than `n` bytes are left.
    pub fn take_bytes(&mut self, n: usize) -> Result<Bytes, ReadError> {
        if n > self.rest.len() {
            return Err(end_of_input());
        }
        Ok(self.rest.split_to(n))
    }

    /// Reads an unsigned variable-length integer (KIP-482) of at most 32 bits.
    ///
    /// # Errors
    /// The input ends within it, or it does not fit 32 bits.
    pub fn read_uvarint(&mut self) -> Result<u32, ReadError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.take()?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(malformed("a variable-length integer is longer than 32 bits"))
    }

    /// From here on strings, bytes and arrays are compact, and structures end with tagged fields, or not.
    pub(super) fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    #[inline]
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let Some(head) = self.rest.first_chunk::<N>().copied() else {
            return Err(end_of_input());
        };
        self.rest.advance(N);
        Ok(head)
    }

    /// A decoder for the next `size` bytes alone, which this one skips.
    pub(super) fn split(&mut self, size: u32) -> Result<Self, ReadError> {
        let rest = self.take_bytes(usize::try_from(size)?)?;
        Ok(Self { rest, flexible: self.flexible })
    }

    /// The length of a string; `None` is null.
    pub(super) fn string_length(&mut self) -> Result<Option<usize>, ReadError> {
        if self.flexible {
            return self.compact_length();
        }
        self.legacy_string_length()
    }

    /// The length of a string whose encoding is the old one even in flexible versions.
    pub(super) fn legacy_string_length(&mut self) -> Result<Option<usize>, ReadError> {
        let length = i16::from_be_bytes(self.take()?);
        self.signed_length(length.into())
    }

    /// The length of a byte string or an array; `None` is null.
    pub(super) fn length(&mut self) -> Result<Option<usize>, ReadError> {
        if self.flexible {
            return self.compact_length();
        }
        let length = i32::from_be_bytes(self.take()?);
        self.signed_length(length)
    }

    fn compact_length(&mut self) -> Result<Option<usize>, ReadError> {
        match self.read_uvarint()?.checked_sub(1) {
            None => Ok(None),
            Some(length) => self.within(usize::try_from(length)?).map(Some),
        }
    }

    fn signed_length(&self, length: i32) -> Result<Option<usize>, ReadError> {
        if length == -1 {
            return Ok(None);
        }
        self.within(usize::try_from(length)?).map(Some)
    }

    /// Whatever is counted takes at least one byte each, so that no length can be larger than what is left.
    fn within(&self, length: usize) -> Result<usize, ReadError> {
        if length > self.rest.len() {
            return Err(end_of_input());
        }
        Ok(length)
    }

    pub(super) fn string(&mut self, length: usize) -> Result<String, ReadError> {
        let text = match self.rest.get(..length).map(std::str::from_utf8) {
            Some(Ok(text)) => text.to_owned(),
            Some(Err(_)) => return Err(malformed("a string is not UTF-8")),
            None => return Err(end_of_input()),
        };
        self.rest.advance(length);
        Ok(text)
    }

    pub(super) fn array<T: Wire>(&mut self, length: usize, version: i16) -> Result<Vec<T>, ReadError> {
        let mut elements = Vec::with_capacity(self.set_aside::<T>(length)?);
        for _ in 0..length {
            elements.push(T::read(self, version)?);
        }
        Ok(elements)
    }

    /// For how many of `length` elements memory is taken at once.
    ///
    /// An element may be larger in memory than on the wire: what is taken at once is bounded by the input's size, the
    /// rest grows with elements that are really there.
    fn set_aside<T: Wire>(&self, length: usize) -> Result<usize, ReadError> {
        if length.saturating_mul(T::SMALLEST.max(1)) > self.rest.len() {
            return Err(end_of_input());
        }
        Ok(length.min((self.rest.len() / size_of::<T>().max(1)).max(16)))
    }

    /// Hands each tagged field to `read`, which says whether it knows the tag; those it does not know are skipped.
    pub(super) fn tagged_fields(
        &mut self,
        mut read: impl FnMut(u32, &mut Self) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.read_uvarint()? {
            let tag = self.read_uvarint()?;
            let size = self.read_uvarint()?;
            let mut field = self.split(size)?;
            if read(tag, &mut field)? && field.remaining() > 0 {
                return Err(malformed("a tagged field is shorter than its size says"));
            }
        }
        Ok(())
    }
}

impl io::Read for Decoder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.rest.len());
        self.rest.copy_to_slice(buf.get_mut(..n).unwrap_or_default());
        Ok(n)
    }
}

#[cold]
pub(super) fn end_of_input() -> ReadError {
    ReadError::IO(io::ErrorKind::UnexpectedEof.into())
}

#[cold]
pub(super) fn malformed(what: &'static str) -> ReadError {
    ReadError::Malformed(what.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use rskafka::protocol::primitives::Int32;
    use rskafka::protocol::traits::ReadType as _;

    use super::*;
    use crate::protocol::messages::metadata_response::MetadataResponseTopic;

    fn decoder(bytes: &'static [u8], flexible: bool) -> Decoder {
        Decoder { rest: Bytes::from_static(bytes), flexible }
    }

    #[test]
    fn byte_strings_share_the_memory_of_the_frame() {
        let frame = Bytes::from(vec![0, 0, 0, 3, 7, 8, 9]);
        let taken = Bytes::read(&mut Decoder::new(frame.clone()), 0).unwrap();
        assert_eq!(taken, [7, 8, 9].as_slice());
        assert_eq!(taken.as_ptr(), frame[4..].as_ptr());
    }

    #[test]
    fn variable_length_integers_end_at_32_bits() {
        let read = |bytes| decoder(bytes, true).read_uvarint();
        assert_eq!(read(&[0x7f]).unwrap(), 127);
        assert_eq!(read(&[0x80, 0x01]).unwrap(), 128);
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f]).unwrap(), u32::MAX);
        assert!(read(&[0xff, 0xff, 0xff, 0xff, 0x10]).is_err());
        assert!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).is_err());
        assert!(read(&[0x80]).is_err());
    }

    #[test]
    fn lengths_beyond_the_input_and_below_null_are_errors() {
        for bytes in [&[0x7f, 0xff, 0xff, 0xff, 1][..], &[0xff, 0xff, 0xff, 0xfe, 1], &[0, 0, 0, 2, 1]] {
            assert!(Vec::<i8>::read(&mut decoder(bytes, false), 0).is_err());
            assert!(Option::<Bytes>::read(&mut decoder(bytes, false), 0).is_err());
        }
        for bytes in [&[0xff, 0xff, 0xff, 0xff, 0x0f, 1][..], &[3, 1]] {
            assert!(Vec::<i8>::read(&mut decoder(bytes, true), 0).is_err());
            assert!(String::read(&mut decoder(bytes, true), 0).is_err());
        }
        assert!(String::read(&mut decoder(&[0xff, 0xfe, 1], false), 0).is_err());
    }

    #[test]
    fn null_is_an_error_where_a_value_must_be() {
        assert_eq!(Option::<String>::read(&mut decoder(&[0xff, 0xff], false), 0).unwrap(), None);
        assert!(String::read(&mut decoder(&[0xff, 0xff], false), 0).is_err());
        assert_eq!(Option::<Vec<i32>>::read(&mut decoder(&[0], true), 0).unwrap(), None);
        assert!(Vec::<i32>::read(&mut decoder(&[0], true), 0).is_err());
        assert!(Bytes::read(&mut decoder(&[0], true), 0).is_err());
    }

    #[test]
    fn a_hostile_array_takes_no_more_memory_than_its_frame() {
        let frame = Bytes::from(vec![0; 1 << 20]);
        let decoder = Decoder { rest: frame.clone(), flexible: false };
        // More elements than could be there are refused at once, although there are as many bytes.
        assert!(decoder.set_aside::<i32>(frame.len()).is_err());
        assert_eq!(decoder.set_aside::<i32>(frame.len() / 4).unwrap(), frame.len() / 4);
        let topics = frame.len() / MetadataResponseTopic::SMALLEST;
        let set_aside = decoder.set_aside::<MetadataResponseTopic>(topics).unwrap();
        assert!(set_aside * size_of::<MetadataResponseTopic>() <= frame.len());
        assert_eq!(decoder.set_aside::<MetadataResponseTopic>(3).unwrap(), 3);
    }

    #[test]
    fn text_that_is_not_utf8_is_an_error() {
        assert!(String::read(&mut decoder(&[3, 0xc3, 0x28], true), 0).is_err());
    }

    #[test]
    fn a_tagged_field_must_fill_its_size() {
        let read = |bytes| {
            decoder(bytes, true).tagged_fields(|tag, field| {
                if tag == 0 {
                    i16::read(field, 0)?;
                }
                Ok(tag == 0)
            })
        };
        assert!(read(&[2, 0, 2, 0, 1, 9, 1, 5]).is_ok());
        assert!(read(&[1, 0, 3, 0, 1, 2]).is_err());
        assert!(read(&[1, 0, 1, 0]).is_err());
        assert!(read(&[1, 9, 4, 0]).is_err());
    }

    #[test]
    fn readers_for_any_stream_work_on_it() {
        let mut decoder = decoder(&[0, 0, 1, 0, 5, 6], false);
        assert_eq!(Int32::read(&mut decoder).unwrap(), Int32(256));
        let mut rest = Vec::new();
        decoder.read_to_end(&mut rest).unwrap();
        assert_eq!((rest, decoder.remaining()), (vec![5, 6], 0));
    }
}
