//! Zigzag variable-length integers, as the fields of a record are written.

use crate::records::error::corrupt;
use crate::{Error, Result};

/// The most bytes that a 32-bit integer takes.
pub(super) const MAX_VARINT: usize = 5;
/// The most bytes that a 64-bit integer takes.
pub(super) const MAX_VARLONG: usize = 10;

const fn zigzag32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

const fn zigzag64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// How many bytes `value` takes.
#[inline]
pub(super) const fn varint_size(value: i32) -> usize {
    sevenths(32 - (zigzag32(value) | 1).leading_zeros() as usize)
}

/// How many bytes `value` takes.
#[inline]
pub(super) const fn varlong_size(value: i64) -> usize {
    sevenths(64 - (zigzag64(value) | 1).leading_zeros() as usize)
}

/// `bits.div_ceil(7)` for 1 to 64 bits, without the division: sizes are asked for several times a record.
#[inline]
const fn sevenths(bits: usize) -> usize {
    (bits * 9 + 64) / 64
}

/// A few bytes on the stack that integers are written to before they go into the batch in one piece.
pub(super) struct Scratch<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Scratch<N> {
    #[inline]
    pub(super) fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    #[inline]
    pub(super) fn byte(&mut self, value: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = value;
            self.len += 1;
        }
    }

    #[inline]
    pub(super) fn varint(&mut self, value: i32) {
        let mut rest = zigzag32(value);
        while rest >= 0x80 {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    #[inline]
    pub(super) fn varlong(&mut self, value: i64) {
        let mut rest = zigzag64(value);
        while rest >= 0x80 {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    /// Appends what was written to `buffer`.
    #[inline]
    pub(super) fn append_to(&self, buffer: &mut Vec<u8>) {
        if buffer.capacity() - buffer.len() >= N {
            // Copying all and cutting off what is too much has a length that the compiler knows: a move or two in
            // place of a call.
            let len = buffer.len() + self.len;
            buffer.extend_from_slice(&self.bytes);
            buffer.truncate(len);
        } else {
            buffer.extend_from_slice(self.as_slice());
        }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Reads the fields of records from a slice; running out of bytes is an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline(always)]
    pub(super) fn byte(&mut self) -> Result<u8> {
        let (&first, rest) = self.rest.split_first().ok_or_else(ran_out)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline(always)]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or_else(ran_out)?;
        self.rest = rest;
        Ok(head)
    }

    #[inline(always)]
    pub(super) fn varint(&mut self) -> Result<i32> {
        let value = self.unsigned::<32>()? as u32;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    #[inline(always)]
    pub(super) fn varlong(&mut self) -> Result<i64> {
        let value = self.unsigned::<64>()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// An integer of so many bits. What a record holds takes one or two bytes nearly always.
    #[inline(always)]
    fn unsigned<const BITS: u32>(&mut self) -> Result<u64> {
        let value = u64::from(self.byte()?);
        if value < 0x80 {
            return Ok(value);
        }
        let value = value & 0x7f | u64::from(self.byte()?) << 7;
        if value < 0x80 << 7 { Ok(value) } else { self.longer::<BITS>(value & 0x3fff) }
    }

    /// Goes on with an integer whose first two bytes are read.
    #[inline(never)]
    fn longer<const BITS: u32>(&mut self, mut value: u64) -> Result<u64> {
        let mut shift = 14;
        loop {
            let byte = self.byte()?;
            // The last byte that there may be holds what bits are left.
            if shift + 7 > BITS && u32::from(byte) >> (BITS - shift) != 0 {
                return Err(corrupt(format_args!("a variable-length integer does not fit {BITS} bits")));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    /// A length followed by that many bytes; -1 stands for null, other negative lengths are an error.
    #[inline(always)]
    pub(super) fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Ok(None),
            len => self.take(length(len)?).map(Some),
        }
    }

    /// A length followed by that many bytes.
    #[inline(always)]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.varint()?;
        self.take(length(len)?)
    }
}

#[inline(always)]
fn length(len: i32) -> Result<usize> {
    usize::try_from(len).map_err(|_| negative(len))
}

#[cold]
fn negative(len: i32) -> Error {
    corrupt(format_args!("a length of {len} in a record"))
}

#[cold]
fn ran_out() -> Error {
    corrupt("a record ends before its last field")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again_and_has_the_size_foretold(a: i32, b: i64, shift in 0u32..64) {
            let (a, b) = (a >> (shift % 32), b >> shift);
            let mut scratch = Scratch::<{ MAX_VARINT + MAX_VARLONG }>::new();
            scratch.varint(a);
            prop_assert_eq!(scratch.as_slice().len(), varint_size(a));
            scratch.varlong(b);
            prop_assert_eq!(scratch.as_slice().len(), varint_size(a) + varlong_size(b));
            let mut cursor = Cursor::new(scratch.as_slice());
            prop_assert_eq!(cursor.varint().unwrap(), a);
            prop_assert_eq!(cursor.varlong().unwrap(), b);
            prop_assert_eq!(cursor.remaining(), 0);
        }
    }

    #[test]
    fn bits_are_divided_by_seven_and_rounded_up() {
        for bits in 1..=64 {
            assert_eq!(sevenths(bits), bits.div_ceil(7), "{bits} bits");
        }
    }

    #[test]
    fn extremes_take_five_and_ten_bytes() {
        for (value, size) in
            [(0, 1), (-1, 1), (63, 1), (64, 2), (-64, 1), (-65, 2), (i32::MAX, 5), (i32::MIN, 5)]
        {
            assert_eq!(varint_size(value), size, "{value}");
        }
        assert_eq!(varlong_size(i64::MIN), 10);
        assert_eq!(varlong_size(-64), 1);
    }

    #[test]
    fn integers_with_too_many_bits_are_refused() {
        assert!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).varint().is_err());
        assert!(Cursor::new(&[0xff; 5]).varint().is_err());
        assert!(
            Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).varlong().is_err()
        );
        assert!(Cursor::new(&[0xff; 20]).varlong().is_err());
        assert!(Cursor::new(&[0x80]).varint().is_err());
    }

    #[test]
    fn lengths_beyond_the_end_or_negative_are_refused() {
        assert!(Cursor::new(&[0x04, 1]).bytes().is_err());
        assert!(Cursor::new(&[0x01]).bytes().is_err());
        assert_eq!(Cursor::new(&[0x01]).nullable_bytes().unwrap(), None);
        assert!(Cursor::new(&[0x03]).nullable_bytes().is_err());
    }
}
