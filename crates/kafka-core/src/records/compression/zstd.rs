//! Zstandard frames.

use structured_zstd::decoding::FrameDecoder;
use structured_zstd::decoding::errors::FrameDecoderError;
use structured_zstd::encoding::{CompressionLevel, FrameCompressor};

use super::output::Output;
use crate::Result;
use crate::records::error::{corrupt, too_large};

const DEFAULT_LEVEL: i32 = 3;

/// A block of 4 bytes (3 of header, 1 repeated) yields this much; nothing does better.
const MAX_BLOCK: usize = 128 * 1024;
const MIN_BLOCK: usize = 4;

pub(super) struct ZstdCompressor {
    compressor: FrameCompressor,
    output: Vec<u8>,
}

impl ZstdCompressor {
    pub(super) fn new(level: Option<i32>) -> Self {
        let level = CompressionLevel::from_level(level.unwrap_or(DEFAULT_LEVEL));
        let mut compressor = FrameCompressor::new(level);
        // The batch has a checksum of its own.
        compressor.set_content_checksum(false);
        Self { compressor, output: Vec::new() }
    }

    pub(super) fn compress(&mut self, input: &[u8]) -> &[u8] {
        self.compressor.compress_independent_frame_into(input, &mut self.output);
        &self.output
    }
}

pub(super) struct ZstdDecompressor {
    decoder: FrameDecoder,
    /// How many times larger the last batch without a declared size became: the next of its producer will be alike.
    ratio: usize,
}

impl ZstdDecompressor {
    pub(super) fn new() -> Self {
        Self { decoder: FrameDecoder::new(), ratio: 4 }
    }

    pub(super) fn decompress(&mut self, input: &[u8], output: &mut Output) -> Result<()> {
        let most = (input.len() / MIN_BLOCK + 1).saturating_mul(MAX_BLOCK).min(output.limit());
        let declared = content_size(input);
        let mut room = match declared {
            Some(size) if size > most as u64 => {
                return Err(if size > output.limit() as u64 {
                    too_large(output.limit())
                } else {
                    corrupt("a zstd frame that claims more than it can hold")
                });
            }
            Some(size) => usize::try_from(size).unwrap_or(most),
            None => input.len().saturating_mul(self.ratio).saturating_add(1024).min(most),
        };
        loop {
            let (_, space) = output.extend(room)?;
            match self.decoder.decode_all(input, space) {
                Ok(written) => {
                    output.truncate(written);
                    if declared.is_none() {
                        self.ratio = (written / input.len().max(1)).clamp(3, 64) + 1;
                    }
                    return Ok(());
                }
                Err(FrameDecoderError::TargetTooSmall) if room < most => {
                    output.truncate(0);
                    room = room.saturating_mul(4).clamp(MAX_BLOCK.min(most), most);
                }
                Err(FrameDecoderError::TargetTooSmall) => return Err(too_large(output.limit())),
                Err(error) => return Err(corrupt("a zstd frame that cannot be decoded").with_source(error)),
            }
        }
    }
}

/// What the first frame's header says about the size of its contents (RFC 8878, 3.1.1.1), if it does.
fn content_size(input: &[u8]) -> Option<u64> {
    let (head, rest) = input.split_first_chunk::<5>()?;
    let &[0x28, 0xb5, 0x2f, 0xfd, descriptor] = head else {
        return None;
    };
    let single_segment = descriptor & 0x20 != 0;
    let dictionary_id = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let rest = rest.get(usize::from(!single_segment) + dictionary_id..)?;
    match descriptor >> 6 {
        0 if single_segment => rest.first().map(|&size| u64::from(size)),
        0 => None,
        1 => rest.first_chunk().map(|size| u64::from(u16::from_le_bytes(*size)) + 256),
        2 => rest.first_chunk().map(|size| u64::from(u32::from_le_bytes(*size))),
        _ => rest.first_chunk().map(|size| u64::from_le_bytes(*size)),
    }
}
