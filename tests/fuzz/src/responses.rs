//! What a client reads from a broker: answers of every API at every version, and the frames that they come in.

use bytes::Bytes;
use fastrand::Rng;
use kafka_core::fuzzing::{Filler, Shape, split_frames};

use crate::corpus::{java_messages, read_by_clients, record_set};
use crate::mutate;

/// What a client takes of an answer at most, in the tests of frames.
const LARGEST_ANSWER: usize = 1 << 20;

/// A message that a client reads, undamaged: drawn, or one of Java's.
pub(crate) fn draw(random: &mut Rng) -> (Shape, Vec<u8>) {
    let shape = *random.choice(read_by_clients()).expect("there are messages");
    if random.u8(..4) == 0 {
        let java: Vec<_> = java_messages()
            .iter()
            .filter(|message| message.name == shape.name && message.version == shape.version)
            .collect();
        if let Some(message) = random.choice(java) {
            let mut frame = shape.header(random.i32(..));
            frame.extend_from_slice(&message.body);
            return (shape, frame);
        }
    }
    let mut filler = Filler::with_seed(random.u64(..)).longest_array(random.usize(1..6));
    if random.bool() {
        filler = filler.byte_strings([Bytes::from(record_set(random))]);
    }
    let frame = shape.draw(&mut filler);
    (shape, frame)
}

/// Whether the bytes could be read, to their end.
pub(crate) fn read(shape: &Shape, bytes: Vec<u8>) -> bool {
    shape.read(Bytes::from(bytes)).is_ok_and(|left| left == 0)
}

/// Answers in their frames, damaged.
pub(crate) fn stream(random: &mut Rng) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..random.usize(1..5) {
        let (_, frame) = draw(random);
        stream.extend_from_slice(&i32::try_from(frame.len()).unwrap_or(i32::MAX).to_be_bytes());
        stream.extend_from_slice(&frame);
    }
    let other = stream.clone();
    if random.u8(..8) > 0 {
        mutate(random, &mut stream, &other);
    }
    stream
}

/// Whether the stream could be split to its end.
pub(crate) fn split(stream: &[u8], piece: usize) -> bool {
    split_frames(stream, piece, LARGEST_ANSWER).is_ok()
}
