use bytes::Bytes;

use crate::Result;
use crate::records::error::too_large;

/// What a decompressor writes to: it grows no further than the limit.
pub(super) struct Output {
    bytes: Vec<u8>,
    limit: usize,
}

impl Output {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// The limit, if `size` more bytes go beyond it.
    pub(super) fn check(&self, size: usize) -> Result<()> {
        if size > self.limit.saturating_sub(self.bytes.len()) { Err(too_large(self.limit)) } else { Ok(()) }
    }

    /// Adds `size` zeroes to be overwritten, and returns all that was written before and those.
    pub(super) fn extend(&mut self, size: usize) -> Result<(&mut [u8], &mut [u8])> {
        self.check(size)?;
        let start = self.bytes.len();
        if start == 0 && self.bytes.capacity() < size {
            // The allocator hands out zeroed memory for less than writing zeroes costs.
            self.bytes = vec![0; size];
        } else {
            self.bytes.resize(start + size, 0);
        }
        // `start` is the length it had, so it cannot lie outside.
        Ok(self.bytes.split_at_mut(start))
    }

    /// Room for `size` more bytes, or for as many as the limit leaves; to be filled without being zeroed.
    pub(super) fn reserve(&mut self, size: usize) -> &mut Vec<u8> {
        self.bytes.reserve(size.min(self.limit.saturating_sub(self.bytes.len())));
        &mut self.bytes
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, in memory that is not much larger than they are: records may be held for long.
    pub(super) fn into_bytes(mut self) -> Bytes {
        if self.bytes.capacity() - self.bytes.len() > self.bytes.len() / 4 {
            self.bytes.shrink_to_fit();
        }
        Bytes::from(self.bytes)
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
