//! Snappy in the framing of xerial's `snappy-java`, which Java's client writes: a header, then blocks with their lengths.
//! Other clients write one bare block; that is read too.

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::output::{Output, area, take};
use crate::records::error::corrupt;
use crate::{Error, ErrorKind, Result};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// Magic, version 1, compatible with version 1.
const HEADER: [u8; 16] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];
/// What snappy-java writes by default.
const BLOCK: usize = 32 * 1024;
/// A copy of three bytes yields 64; nothing does better.
const MAX_RATIO: usize = 22;

pub(super) struct SnappyCompressor {
    encoder: Encoder,
}

impl SnappyCompressor {
    pub(super) fn new() -> Self {
        Self { encoder: Encoder::new() }
    }

    /// Compresses into the front of `scratch` and returns how many bytes it took.
    pub(super) fn compress(&mut self, input: &[u8], scratch: &mut Vec<u8>) -> Result<usize> {
        let blocks = input.len().div_ceil(BLOCK);
        let output = area(scratch, HEADER.len() + blocks * (4 + max_compress_len(BLOCK)));
        let (header, mut rest) = output.split_at_mut_checked(HEADER.len()).unwrap_or_default();
        header.copy_from_slice(&HEADER);
        let mut size = HEADER.len();
        for block in input.chunks(BLOCK) {
            let Some((length, body)) = rest.split_first_chunk_mut::<4>() else { break };
            let written = self.encoder.compress(block, body).map_err(failed)?;
            *length = (written as u32).to_be_bytes();
            size += 4 + written;
            rest = body.get_mut(written..).unwrap_or_default();
        }
        Ok(size)
    }
}

#[cold]
fn failed(error: snap::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, "snappy refused the records; try another `compression.type`")
        .with_source(error)
}

pub(super) struct SnappyDecompressor {
    decoder: Decoder,
}

impl SnappyDecompressor {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new() }
    }

    pub(super) fn decompress(&mut self, input: &[u8], output: &mut Output) -> Result<()> {
        if !input.starts_with(&MAGIC) {
            return self.block(input, output);
        }
        // All blocks' lengths are added up first, so that there is one allocation.
        let mut total = 0usize;
        for block in (Blocks { rest: input }) {
            total = total.saturating_add(length(block?)?);
        }
        output.check(total)?;
        output.reserve(total);
        for block in (Blocks { rest: input }) {
            self.block(block?, output)?;
        }
        Ok(())
    }

    fn block(&mut self, block: &[u8], output: &mut Output) -> Result<()> {
        let size = length(block)?;
        let (_, space) = output.extend(size)?;
        let written = self.decoder.decompress(block, space).map_err(damaged)?;
        if written == size { Ok(()) } else { Err(corrupt("a snappy block shorter than it says")) }
    }
}

/// What a block decompresses to, according to itself and within reason.
fn length(block: &[u8]) -> Result<usize> {
    let size = decompress_len(block).map_err(damaged)?;
    if size > block.len().saturating_mul(MAX_RATIO) {
        return Err(corrupt(format_args!("a snappy block of {} bytes that claims {size}", block.len())));
    }
    Ok(size)
}

#[cold]
fn damaged(error: snap::Error) -> Error {
    corrupt("a snappy block that cannot be decoded").with_source(error)
}

/// The blocks of the framing. Streams that were appended to each other repeat the header.
struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.rest.starts_with(&MAGIC) {
            if take(&mut self.rest, HEADER.len()).is_none() {
                return self.fail();
            }
        }
        if self.rest.is_empty() {
            return None;
        }
        let Some((length, rest)) = self.rest.split_first_chunk::<4>() else {
            return self.fail();
        };
        self.rest = rest;
        match take(&mut self.rest, u32::from_be_bytes(*length) as usize) {
            Some(block) => Some(Ok(block)),
            None => self.fail(),
        }
    }
}

impl<'a> Blocks<'a> {
    #[cold]
    fn fail(&mut self) -> Option<Result<&'a [u8]>> {
        self.rest = &[];
        Some(Err(corrupt("a snappy block that ends early")))
    }
}
