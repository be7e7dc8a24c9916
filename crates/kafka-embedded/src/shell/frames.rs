use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

const LENGTH: usize = 4;
/// What is read at once while no larger frame is under way.
const CHUNK: usize = 64 * 1024;
/// What a length alone, without the bytes that it promises, may make us reserve.
const TRUSTED: usize = 1024 * 1024;

/// Splits what a client sends into requests.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: BytesMut,
    max: usize,
}

impl Frames {
    pub(super) fn new(max: usize) -> Self {
        Self { buffer: BytesMut::new(), max }
    }

    /// The next request, without its length; `None` at the end of the stream.
    ///
    /// # Errors
    /// The stream's own, and a length that no request can have.
    pub(super) async fn next(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Bytes>> {
        loop {
            let wanted = match self.buffer.first_chunk::<LENGTH>() {
                Some(head) => LENGTH + self.check(i32::from_be_bytes(*head))?,
                None => LENGTH,
            };
            if self.buffer.len() >= wanted && wanted > LENGTH {
                self.buffer.advance(LENGTH);
                return Ok(Some(self.buffer.split_to(wanted - LENGTH).freeze()));
            }
            let missing = wanted.saturating_sub(self.buffer.len());
            self.buffer.reserve(missing.clamp(CHUNK, TRUSTED));
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn check(&self, size: i32) -> io::Result<usize> {
        match usize::try_from(size) {
            Ok(size) if (1..=self.max).contains(&size) => Ok(size),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a request of {size} bytes; up to {} are taken", self.max),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(input: &[u8]) -> io::Result<Vec<Bytes>> {
        let (mut frames, mut input, mut all) = (Frames::new(1 << 20), input, Vec::new());
        while let Some(frame) = frames.next(&mut input).await? {
            all.push(frame);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn requests_are_told_apart_by_their_length() {
        let input = [0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9, 0, 0];
        assert_eq!(read_all(&input).await.unwrap(), [&[7, 8][..], &[9]]);
    }

    #[tokio::test]
    async fn lengths_that_no_request_has_end_the_stream() {
        for head in [[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], [0x7f, 0xff, 0xff, 0xff]] {
            assert!(read_all(&head).await.is_err());
        }
    }
}
