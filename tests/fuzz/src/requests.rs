//! What brokers read from a client: requests of every API at every version.

use bytes::Bytes;
use fastrand::Rng;
use kafka_core::fuzzing::{Filler, Shape};
use kafka_core::protocol::{ApiKey, Uuid};

use crate::corpus::{batch, read_by_brokers, record_set, repair};
use crate::mutate;

/// Whether a request can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// It is as a client would write it.
    Whole,
    /// Its bytes are damaged.
    Damaged,
}

/// Draws requests in which half of all names and ids are some that the brokers know.
#[derive(Debug)]
pub struct Requests {
    random: Rng,
    texts: Vec<&'static str>,
    ids: Vec<Uuid>,
    longest_array: usize,
}

impl Requests {
    /// Requests that are the same for the same seed.
    pub fn new(seed: u64, texts: &[&'static str], ids: Vec<Uuid>) -> Self {
        Self { random: Rng::with_seed(seed), texts: texts.to_vec(), ids, longest_array: 3 }
    }

    /// How many elements an array has at most, 3 by default.
    #[must_use]
    pub fn longest_array(mut self, elements: usize) -> Self {
        self.longest_array = elements;
        self
    }

    /// What else is to be drawn.
    pub fn random(&mut self) -> &mut Rng {
        &mut self.random
    }

    /// Every request that embedded brokers offer, in every version.
    pub fn all() -> &'static [(Shape, ApiKey)] {
        read_by_brokers()
    }

    /// A frame with this request, without its length.
    pub fn frame(&mut self, shape: &Shape, kind: RequestKind) -> Vec<u8> {
        let mut frame = self.whole(shape);
        if kind == RequestKind::Damaged {
            let (other, _) =
                self.random.choice(read_by_brokers()).copied().unwrap_or((*shape, ApiKey::Produce));
            let other = self.whole(&other);
            mutate(&mut self.random, &mut frame, &other);
        }
        frame
    }

    fn whole(&mut self, shape: &Shape) -> Vec<u8> {
        let byte_strings = [self.record_set(), batch(&mut self.random)];
        let mut filler = Filler::with_seed(self.random.u64(..))
            .texts(self.texts.iter().copied())
            .ids(self.ids.iter().copied())
            .byte_strings(byte_strings)
            .longest_array(self.longest_array);
        shape.draw(&mut filler)
    }

    /// A record set that is damaged, but of the right length and with the right checksum.
    fn record_set(&mut self) -> Bytes {
        let (mut bytes, other) = (record_set(&mut self.random), record_set(&mut self.random));
        mutate(&mut self.random, &mut bytes, &other);
        repair(&mut bytes);
        Bytes::from(bytes)
    }
}
