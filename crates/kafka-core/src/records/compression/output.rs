use bytes::{Bytes, BytesMut};

use crate::Result;
use crate::records::error::too_large;

/// What a decompressor writes to: it grows no further than the limit.
pub(super) struct Output {
    /// All that was ever written is initialised, and need not be zeroed again.
    bytes: BytesMut,
    len: usize,
    limit: usize,
}

impl Output {
    /// An empty one that writes over `spare`.
    pub(super) fn new(spare: BytesMut, limit: usize) -> Self {
        Self { bytes: spare, len: 0, limit }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// The limit, if `size` more bytes go beyond it.
    pub(super) fn check(&self, size: usize) -> Result<()> {
        if size > self.limit.saturating_sub(self.len) { Err(too_large(self.limit)) } else { Ok(()) }
    }

    /// Adds `size` bytes to be overwritten, and returns all that was written before and those.
    pub(super) fn extend(&mut self, size: usize) -> Result<(&mut [u8], &mut [u8])> {
        self.check(size)?;
        let (start, end) = (self.len, self.len + size);
        if start == 0 && self.bytes.capacity() < size {
            // The allocator hands out zeroed memory for less than writing zeroes costs.
            self.bytes = BytesMut::zeroed(size);
        } else if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.len = end;
        let written = self.bytes.get_mut(..end).unwrap_or_default();
        Ok(written.split_at_mut_checked(start).unwrap_or_default())
    }

    /// Makes room for `size` more bytes at once, or for as many as the limit leaves.
    pub(super) fn reserve(&mut self, size: usize) {
        let size = size.min(self.limit.saturating_sub(self.len));
        self.bytes.reserve((self.len + size).saturating_sub(self.bytes.len()));
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The bytes, in memory that is not much larger than they are, since records may be held for long. Where it would be,
    /// they are copied, and their memory comes back beside them.
    pub(super) fn into_bytes(mut self) -> (Bytes, Option<BytesMut>) {
        if self.bytes.capacity() - self.len > self.len / 4 {
            return (Bytes::copy_from_slice(self.as_slice()), Some(self.bytes));
        }
        self.bytes.truncate(self.len);
        (self.bytes.freeze(), None)
    }
}

/// The first `size` bytes of a scratch buffer, which grows when needed and is never cleared: bytes that are zeroed once
/// are not zeroed again for the next batch.
pub(super) fn area(scratch: &mut Vec<u8>, size: usize) -> &mut [u8] {
    if scratch.len() < size {
        scratch.resize(size, 0);
    }
    scratch.get_mut(..size).unwrap_or_default()
}

/// Splits a little-endian number off the front.
pub(super) fn take_u32_le(input: &mut &[u8]) -> Option<u32> {
    let (head, rest) = input.split_first_chunk::<4>()?;
    *input = rest;
    Some(u32::from_le_bytes(*head))
}

/// Splits `len` bytes off the front.
pub(super) fn take<'a>(input: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, rest) = input.split_at_checked(len)?;
    *input = rest;
    Some(head)
}
