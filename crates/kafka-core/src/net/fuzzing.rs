use bytes::BufMut;

use super::frame::FrameReader;
use crate::Result;

/// Splits what a broker sent into answers as a connection does, in pieces of at most `piece` bytes; how many there are.
///
/// # Errors
/// A length that no answer of at most `max_size` bytes has.
pub fn split_frames(mut input: &[u8], piece: usize, max_size: usize) -> Result<usize> {
    let (mut reader, mut frames) = (FrameReader::new(max_size), 0);
    while !input.is_empty() {
        let mut spare = reader.spare();
        let (head, rest) = input.split_at(piece.max(1).min(spare.remaining_mut()).min(input.len()));
        spare.put_slice(head);
        input = rest;
        while reader.next_frame()?.is_some() {
            frames += 1;
        }
    }
    Ok(frames)
}
