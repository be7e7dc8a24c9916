//! Arbitrary messages for tests: every field that the version has, with ordinary values and those at the edges.

use bytes::Bytes;
use fastrand::Rng;

use super::Uuid;

/// Draws values from a seed, and some of them from what it was given.
#[derive(Clone, Debug)]
pub struct Filler {
    random: Rng,
    texts: Vec<String>,
    ids: Vec<Uuid>,
    byte_strings: Vec<Bytes>,
    longest_array: usize,
}

impl Filler {
    /// A filler that draws the same values for the same seed.
    pub fn with_seed(seed: u64) -> Self {
        let (texts, ids, byte_strings) = Default::default();
        Self { random: Rng::with_seed(seed), texts, ids, byte_strings, longest_array: 2 }
    }

    /// Half of all strings are among these: names that mean something to who reads the message.
    #[must_use]
    pub fn texts<'a>(mut self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        self.texts = texts.into_iter().map(str::to_owned).collect();
        self
    }

    /// Half of all ids are among these.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.ids = ids.into_iter().collect();
        self
    }

    /// Half of all byte strings are among these.
    #[must_use]
    pub fn byte_strings(mut self, byte_strings: impl IntoIterator<Item = Bytes>) -> Self {
        self.byte_strings = byte_strings.into_iter().collect();
        self
    }

    /// How many elements an array has at most, 2 by default.
    #[must_use]
    pub fn longest_array(mut self, elements: usize) -> Self {
        self.longest_array = elements;
        self
    }

    /// What the choices that belong to no field are drawn from.
    pub fn random(&mut self) -> &mut Rng {
        &mut self.random
    }

    /// One of what was given, or nothing.
    fn given<T: Clone>(random: &mut Rng, given: &[T]) -> Option<T> {
        if given.is_empty() || random.bool() { None } else { random.choice(given).cloned() }
    }
}

pub(super) trait Fill {
    fn fill(filler: &mut Filler, version: i16) -> Self;
}

macro_rules! integers {
    ($($integer:ident),*) => {$(
        impl Fill for $integer {
            fn fill(filler: &mut Filler, _: i16) -> Self {
                let random = &mut filler.random;
                match random.u8(..10) {
                    0 => $integer::MIN,
                    1 => $integer::MAX,
                    2 | 3 => 0,
                    // Partitions, brokers, epochs and the like.
                    4 | 5 => random.$integer(..4).rem_euclid(4),
                    _ => random.$integer(..),
                }
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u16, u32);

impl Fill for bool {
    fn fill(filler: &mut Filler, _: i16) -> Self {
        filler.random.bool()
    }
}

impl Fill for f64 {
    fn fill(filler: &mut Filler, _: i16) -> Self {
        filler.random.f64() * 1e9 - 5e8
    }
}

impl Fill for Uuid {
    fn fill(filler: &mut Filler, _: i16) -> Self {
        let given = Filler::given(&mut filler.random, &filler.ids);
        given.unwrap_or_else(|| Self(filler.random.u128(..).to_be_bytes()))
    }
}

impl Fill for String {
    fn fill(filler: &mut Filler, _: i16) -> Self {
        let random = &mut filler.random;
        if let Some(given) = Filler::given(random, &filler.texts) {
            return given;
        }
        // 200 needs two bytes as a compact length.
        let length = *random.choice(&[0, 1, 5, 200]).unwrap_or(&0);
        std::iter::repeat_with(|| if random.u8(..8) == 0 { 'é' } else { random.alphanumeric() })
            .take(length)
            .collect()
    }
}

impl Fill for Bytes {
    fn fill(filler: &mut Filler, _: i16) -> Self {
        let random = &mut filler.random;
        if let Some(given) = Filler::given(random, &filler.byte_strings) {
            return given;
        }
        // 3,000 becomes a segment of its own.
        let length = *random.choice(&[0, 1, 20, 3_000]).unwrap_or(&0);
        std::iter::repeat_with(|| random.u8(..)).take(length).collect()
    }
}

impl<T: Fill> Fill for Option<T> {
    fn fill(filler: &mut Filler, version: i16) -> Self {
        (filler.random.u8(..4) > 0).then(|| T::fill(filler, version))
    }
}

impl<T: Fill> Fill for Vec<T> {
    fn fill(filler: &mut Filler, version: i16) -> Self {
        (0..filler.random.usize(..=filler.longest_array)).map(|_| T::fill(filler, version)).collect()
    }
}
