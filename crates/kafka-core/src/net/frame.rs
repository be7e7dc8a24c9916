//! Splits the bytes that a broker sends into responses. Knows no socket: bytes are put in, frames come out.

use bytes::buf::Limit;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::recycler::Recycler;
use crate::{Error, ErrorKind, Result};

/// What one read takes at most while no large frame is under way.
const CHUNK: usize = 16 * 1024;
/// A frame up to this size is copied out of the chunk, so that a small answer that lives long does not keep a chunk.
const COPIED: usize = 4 * 1024;
/// What a length alone, without the bytes that it promises, may make us reserve: somewhat more than a consumer usually asks
/// for at once.
const TRUSTED: usize = 5 * 1024 * 1024;
const LENGTH: usize = 4;
const CORRELATION_ID: usize = 4;
/// How much memory of large frames is kept for the next ones, in bytes: two answers of a consumer, one that is read and one
/// that is used.
const KEPT: usize = 8 << 20;
/// After so many small frames in a row it is let go of.
const SMALL_IN_A_ROW: u32 = 16;

/// Collects what was read and gives out whole frames, without their length.
///
/// A frame larger than a chunk is read straight into a buffer of its own size. At most the first [`CHUNK`] bytes of
/// it, those that came with the length, are copied. Its memory is that of an earlier one, if nobody holds that any more.
#[derive(Debug)]
pub(crate) struct FrameReader {
    chunk: BytesMut,
    large: Option<LargeFrame>,
    given: Recycler,
    small_in_a_row: u32,
    max_size: usize,
}

#[derive(Debug)]
struct LargeFrame {
    bytes: BytesMut,
    size: usize,
}

impl FrameReader {
    pub(crate) fn new(max_size: usize) -> Self {
        let given = Recycler::new(KEPT);
        Self { chunk: BytesMut::new(), large: None, given, small_in_a_row: 0, max_size }
    }

    /// Where the next bytes go; never empty.
    pub(crate) fn spare(&mut self) -> Limit<&mut BytesMut> {
        match &mut self.large {
            Some(large) => {
                let have = large.bytes.len();
                if have == large.bytes.capacity() {
                    large.bytes.reserve((large.size - have).min(have));
                }
                let room = large.bytes.capacity().min(large.size) - have;
                (&mut large.bytes).limit(room)
            }
            None => {
                if self.chunk.is_empty() || self.chunk.len() == self.chunk.capacity() {
                    self.chunk.reserve(CHUNK);
                }
                let room = self.chunk.capacity() - self.chunk.len();
                (&mut self.chunk).limit(room)
            }
        }
    }

    /// Takes the next whole frame, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for a length that no frame of ours can have. Nothing after it can be read.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Bytes>> {
        if let Some(large) = &self.large {
            if large.bytes.len() < large.size {
                return Ok(None);
            }
            let frame = self.large.take().map(|large| large.bytes.freeze());
            frame.iter().for_each(|frame| self.given.keep(frame));
            self.small_in_a_row = 0;
            return Ok(frame);
        }
        let Some((head, rest)) = self.chunk.split_first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let size = self.check(i32::from_be_bytes(*head))?;
        if rest.len() >= size {
            self.chunk.advance(LENGTH);
            self.small_in_a_row = self.small_in_a_row.saturating_add(1);
            if self.small_in_a_row == SMALL_IN_A_ROW {
                self.given.clear();
            }
            if size > COPIED {
                return Ok(Some(self.chunk.split_to(size).freeze()));
            }
            let frame = self.chunk.get(..size).map(Bytes::copy_from_slice);
            self.chunk.advance(size);
            return Ok(frame);
        }
        if LENGTH + size > CHUNK {
            let mut bytes = memory(&mut self.given, size, rest.len());
            bytes.extend_from_slice(rest);
            self.chunk.clear();
            self.large = Some(LargeFrame { bytes, size });
        }
        Ok(None)
    }

    fn check(&self, size: i32) -> Result<usize> {
        match usize::try_from(size) {
            Ok(size) if (CORRELATION_ID..=self.max_size).contains(&size) => Ok(size),
            _ if is_tls(size) => Err(Error::new(
                ErrorKind::Tls,
                "this port speaks TLS, and this client does not: set `security.protocol` (`security_protocol`) to SSL or \
                 SASL_SSL",
            )),
            _ => Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "the broker announced an answer of {size} bytes, which is not between {CORRELATION_ID} and {}: is \
                     this port really Kafka's, and does its protocol (plain or TLS) match `security.protocol`?",
                    self.max_size
                ),
            )),
        }
    }
}

/// Room for a frame of `size` bytes, of which there are so many.
fn memory(given: &mut Recycler, size: usize, there: usize) -> BytesMut {
    match given.take(|kept| kept / 2 <= size) {
        // Not much more than the frame needs, which may be held for long: what it was given may be larger than what it held.
        Some(mut used) if used.capacity() >= size && used.capacity() / 3 <= size => {
            used.clear();
            used
        }
        // Somewhat more, so that the next one fits too if it is a bit larger. What is not written to takes no memory.
        _ => BytesMut::with_capacity((size + size / 8).min(TRUSTED.max(there))),
    }
}

/// Whether the bytes of a length are the start of an alert or a handshake in TLS: what it answers to a client without it.
fn is_tls(size: i32) -> bool {
    matches!(size.to_be_bytes(), [0x15 | 0x16, 3, 0..=4, _])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut bytes = i32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Feeds `input` in pieces of at most `piece` bytes, as a socket would.
    fn read_all(input: &[u8], piece: usize, max_size: usize) -> Result<Vec<Bytes>> {
        let (mut reader, mut frames, mut input) = (FrameReader::new(max_size), Vec::new(), input);
        while !input.is_empty() {
            let mut spare = reader.spare();
            let n = piece.min(spare.remaining_mut()).min(input.len());
            assert!(n > 0, "there is always room to read into");
            spare.put_slice(&input[..n]);
            input = &input[n..];
            while let Some(frame) = reader.next_frame()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    #[test]
    fn frames_come_out_whole_however_the_bytes_arrive() {
        let sizes = [4, 5, 100, COPIED, COPIED + 1, CHUNK - 4, CHUNK - 3, CHUNK, 3 * CHUNK, 4, 200_000, 7];
        let payloads: Vec<Vec<u8>> =
            sizes.iter().map(|&n| (0..n).map(|i| (i * 7 + n) as u8).collect()).collect();
        let input: Vec<u8> = payloads.iter().flat_map(|p| frame(p)).collect();
        for piece in [1, 2, 3, 5, 1000, CHUNK, usize::MAX] {
            assert_eq!(read_all(&input, piece, 1 << 20).unwrap(), payloads, "pieces of {piece}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        for size in [-1, i32::MIN, 0, 3, 1001, i32::MAX, i32::from_be_bytes(*b"HTTP")] {
            let error = read_all(&size.to_be_bytes(), 1, 1000).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Malformed, "{size}");
            assert!(error.to_string().contains(&size.to_string()), "{error}");
        }
    }

    #[test]
    fn a_large_length_alone_reserves_little() {
        let mut reader = FrameReader::new(1 << 30);
        reader.spare().put_slice(&(1_000_000_000i32).to_be_bytes());
        assert_eq!(reader.next_frame().unwrap(), None);
        assert!(reader.large.as_ref().unwrap().bytes.capacity() <= 2 * TRUSTED);
    }

    #[test]
    fn a_frame_larger_than_what_is_trusted_still_arrives() {
        let payload = vec![9u8; TRUSTED * 3 + 11];
        assert_eq!(read_all(&frame(&payload), usize::MAX, 1 << 30).unwrap(), [payload]);
    }

    #[test]
    fn large_frames_reuse_what_nobody_holds_any_more() {
        let mut reader = FrameReader::new(1 << 30);
        let mut next = |size: usize| {
            let (mut input, mut frame) = (&frame(&vec![3; size])[..], None);
            while frame.is_none() {
                let mut spare = reader.spare();
                let n = spare.remaining_mut().min(input.len());
                spare.put_slice(&input[..n]);
                input = &input[n..];
                frame = reader.next_frame().unwrap();
            }
            assert!(input.is_empty() && reader.chunk.is_empty());
            frame.unwrap()
        };
        let held = next(1_000_000);
        let first = next(1_000_000);
        let place = first.as_ptr();
        let part = first.slice(10..20);
        drop(first);
        assert_ne!(next(1_000_000).as_ptr(), place);
        assert_eq!(part, [3; 10][..]);
        drop(part);
        // The last one is used first.
        let (a, b) = (next(1_050_000), next(900_000));
        assert!([a.as_ptr(), b.as_ptr()].contains(&place));
        assert_eq!((a.len(), b.len(), held.len()), (1_050_000, 900_000, 1_000_000));
        drop((a, b, held));
        for _ in 0..SMALL_IN_A_ROW {
            next(100);
        }
        assert_eq!(reader.given.take(|_| true), None);
    }

    #[test]
    fn a_frame_is_not_given_much_more_memory_than_it_needs() {
        let mut given = Recycler::new(KEPT);
        let (mut size, mut used_again) = (1_000_000, 0);
        let mut places = Vec::new();
        while size > 20_000 {
            let mut bytes = memory(&mut given, size, 0);
            assert!((size..=3 * size).contains(&bytes.capacity()), "{} for {size}", bytes.capacity());
            used_again += usize::from(places.contains(&bytes.as_ptr()));
            places.push(bytes.as_ptr());
            bytes.resize(size, 0);
            given.keep(&bytes.freeze());
            size -= size / 4;
        }
        assert!(used_again > 5, "{used_again} of {}", places.len());
    }

    #[test]
    fn small_frames_reuse_one_chunk() {
        let mut reader = FrameReader::new(1 << 20);
        let mut kept = Vec::new();
        let mut places = std::collections::HashSet::new();
        for _ in 0..1000 {
            let mut spare = reader.spare();
            places.insert(spare.chunk_mut().as_mut_ptr() as usize / CHUNK);
            spare.put_slice(&frame(&[1; 50]));
            kept.push(reader.next_frame().unwrap().unwrap());
        }
        assert!(places.len() <= 3, "{} places", places.len());
    }
}
