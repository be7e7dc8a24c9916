//! LZ4 frames around blocks: independent ones are written, which is what Java's reader insists on.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use twox_hash::XxHash32;

use self::decode::BlockError;
use self::encode::Table;

use super::output::{Output, area, take, take_u32_le};
use crate::records::error::{corrupt, too_large};
use crate::{Error, ErrorKind, Result};

const MAGIC: u32 = 0x184d_2204;
/// Magic, flags, block size, checksum of the two.
const HEADER: usize = 7;

const VERSION: u8 = 0x40;
const INDEPENDENT: u8 = 0x20;
const BLOCK_CHECKSUMS: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const CONTENT_CHECKSUM: u8 = 0x04;
const DICTIONARY: u8 = 0x01;

/// In a block's length: its bytes are not compressed.
const STORED: u32 = 1 << 31;
/// How far back a match may reach.
const WINDOW: usize = 64 * 1024;
/// A byte of length extends a match by 255; nothing does better.
const MAX_RATIO: usize = 255;

/// The block size that is written, as its code in the descriptor and in bytes.
const BLOCK: (u8, usize) = (4, MOST);
/// The most bytes that a block which is written holds, and usually one that is read.
const MOST: usize = 64 * 1024;
/// A match is so long at least, and so much longer than its sequence says.
const LEAST_MATCH: usize = 4;
/// A length in a sequence's first byte that goes on in others.
const GOES_ON: usize = 15;

pub(super) struct Lz4Compressor {
    table: Table,
}

impl Lz4Compressor {
    pub(super) fn new() -> Self {
        Self { table: Table::new() }
    }

    /// Compresses into the front of `scratch` and returns how many bytes it took.
    pub(super) fn compress(&mut self, input: &[u8], scratch: &mut Vec<u8>) -> Result<usize> {
        let (code, block_size) = BLOCK;
        let blocks = input.len().div_ceil(block_size);
        // No block is written that is longer than what it holds; but one may be before that is known.
        let bound = HEADER + input.len() + blocks * 4 + encode::bound(block_size) + 4;
        let output = area(scratch, bound);

        let flags = VERSION | INDEPENDENT;
        let descriptor = [flags, code << 4];
        let [m0, m1, m2, m3] = MAGIC.to_le_bytes();
        let (header, mut rest) = output.split_at_mut_checked(HEADER).unwrap_or_default();
        header.copy_from_slice(&[m0, m1, m2, m3, flags, code << 4, header_checksum(&descriptor)]);
        let mut size = HEADER;
        for block in input.chunks(block_size) {
            let (length, body) = rest.split_at_mut_checked(4).unwrap_or_default();
            let mut written = encode::encode(block, body, &mut self.table).ok_or_else(failed)?;
            let mut field = written as u32;
            if written >= block.len() {
                written = block.len();
                field = written as u32 | STORED;
                body.get_mut(..written).unwrap_or_default().copy_from_slice(block);
            }
            length.copy_from_slice(&field.to_le_bytes());
            size += 4 + written;
            rest = body.get_mut(written..).unwrap_or_default();
        }
        if let Some(end) = rest.first_chunk_mut::<4>() {
            *end = [0; 4];
        }
        Ok(size + 4)
    }
}

#[cold]
fn failed() -> Error {
    Error::new(ErrorKind::InvalidInput, "lz4 refused the records; try another `compression.type`")
}

fn header_checksum(descriptor: &[u8]) -> u8 {
    (XxHash32::oneshot(0, descriptor) >> 8) as u8
}

/// Decompresses all frames, of which there usually is one.
pub(super) fn decompress(mut input: &[u8], output: &mut Output) -> Result<()> {
    while !input.is_empty() {
        frame(&mut input, output)?;
    }
    Ok(())
}

fn frame(input: &mut &[u8], output: &mut Output) -> Result<()> {
    let frame = Frame::read(input).ok_or_else(|| corrupt("an lz4 header that is none"))?;
    let start = output.len();
    // A first walk over the lengths says how much memory the blocks can take at most.
    let mut ahead = *input;
    let mut most = 0usize;
    while let Some(block) = frame.next_block(&mut ahead)? {
        most = most.saturating_add(frame.most(&block));
    }
    let limit = output.limit();
    let room = most.min(limit - start);
    let (_, space) = output.extend(room)?;
    let mut at = 0;
    while let Some(block) = frame.next_block(input)? {
        at = frame.decode(&block, space, at).map_err(|error| match error {
            // Out of room because of the limit is another matter than out of room within the block's size.
            BlockError::NoRoom if room < most => too_large(limit),
            BlockError::NoRoom => corrupt("an lz4 block larger than its frame allows"),
            BlockError::Damaged => corrupt("an lz4 block that cannot be decoded"),
        })?;
    }
    output.truncate(start + at);
    let contents = output.as_slice().get(start..).unwrap_or_default();
    if frame.size.is_some_and(|size| size != contents.len() as u64) {
        return Err(corrupt("an lz4 frame of another size than it says"));
    }
    if frame.flags & CONTENT_CHECKSUM != 0 && take_u32_le(input) != Some(XxHash32::oneshot(0, contents)) {
        return Err(corrupt("an lz4 frame whose checksum does not match"));
    }
    Ok(())
}

struct Frame {
    flags: u8,
    block_size: usize,
    size: Option<u64>,
}

struct Block<'a> {
    stored: bool,
    bytes: &'a [u8],
}

impl Frame {
    fn read(input: &mut &[u8]) -> Option<Self> {
        if take_u32_le(input)? != MAGIC {
            return None;
        }
        let descriptor = *input;
        let &[flags, block] = take(input, 2)? else { return None };
        if flags & 0xc0 != VERSION || flags & DICTIONARY != 0 {
            return None;
        }
        let block_size = match block >> 4 {
            code @ 4..=7 => 1 << (8 + 2 * code),
            _ => return None,
        };
        let size = match flags & CONTENT_SIZE {
            0 => None,
            _ => {
                let (size, rest) = input.split_first_chunk::<8>()?;
                *input = rest;
                Some(u64::from_le_bytes(*size))
            }
        };
        let descriptor = descriptor.get(..descriptor.len() - input.len())?;
        let &[checksum] = take(input, 1)? else { return None };
        (checksum == header_checksum(descriptor)).then_some(Self { flags, block_size, size })
    }

    /// The next block, its checksum not compared; `None` at the end mark.
    fn next_block<'a>(&self, input: &mut &'a [u8]) -> Result<Option<Block<'a>>> {
        let ends_early = || corrupt("an lz4 frame that ends early");
        let length = take_u32_le(input).ok_or_else(ends_early)?;
        if length == 0 {
            return Ok(None);
        }
        let bytes = take(input, (length & !STORED) as usize).ok_or_else(ends_early)?;
        if self.flags & BLOCK_CHECKSUMS != 0 {
            let checksum = take_u32_le(input).ok_or_else(ends_early)?;
            if checksum != XxHash32::oneshot(0, bytes) {
                return Err(corrupt("an lz4 block whose checksum does not match"));
            }
        }
        Ok(Some(Block { stored: length & STORED != 0, bytes }))
    }

    /// The most that a block can decompress to.
    fn most(&self, block: &Block<'_>) -> usize {
        if block.stored {
            block.bytes.len()
        } else {
            block.bytes.len().saturating_mul(MAX_RATIO).min(self.block_size)
        }
    }

    /// Decodes a block to `space` from `at` on, and returns where its contents end.
    fn decode(&self, block: &Block<'_>, space: &mut [u8], at: usize) -> Result<usize, BlockError> {
        let end = space.len().min(at + self.block_size);
        if block.stored {
            let until = at + block.bytes.len();
            let room = space.get_mut(..end).and_then(|space| space.get_mut(at..until));
            room.ok_or(BlockError::NoRoom)?.copy_from_slice(block.bytes);
            return Ok(until);
        }
        let seen = if self.flags & INDEPENDENT != 0 { at } else { at.saturating_sub(WINDOW) };
        let window = space.get_mut(seen..end).unwrap_or_default();
        decode::decode(block.bytes, window, at - seen).map(|end| seen + end)
    }
}
