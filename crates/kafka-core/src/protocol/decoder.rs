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
