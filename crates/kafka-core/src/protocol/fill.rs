//! Arbitrary messages for tests: every field that the version has, with ordinary values and those at the edges.

use bytes::Bytes;
use fastrand::Rng;

use super::Uuid;

pub(super) trait Fill {
    fn fill(random: &mut Rng, version: i16) -> Self;
}

macro_rules! integers {
    ($($integer:ident),*) => {$(
        impl Fill for $integer {
            fn fill(random: &mut Rng, _: i16) -> Self {
                match random.u8(..6) {
                    0 => $integer::MIN,
                    1 => $integer::MAX,
                    2 => 0,
                    _ => random.$integer(..),
                }
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u16, u32);

impl Fill for bool {
    fn fill(random: &mut Rng, _: i16) -> Self {
        random.bool()
    }
}

impl Fill for f64 {
    fn fill(random: &mut Rng, _: i16) -> Self {
        random.f64() * 1e9 - 5e8
    }
}

impl Fill for Uuid {
    fn fill(random: &mut Rng, _: i16) -> Self {
        Self(random.u128(..).to_be_bytes())
    }
}

impl Fill for String {
    fn fill(random: &mut Rng, _: i16) -> Self {
        // 200 needs two bytes as a compact length.
        let length = *random.choice(&[0, 1, 5, 200]).unwrap();
        std::iter::repeat_with(|| if random.u8(..8) == 0 { 'é' } else { random.alphanumeric() })
            .take(length)
            .collect()
    }
}

impl Fill for Bytes {
    fn fill(random: &mut Rng, _: i16) -> Self {
        // 3,000 becomes a segment of its own.
        let length = *random.choice(&[0, 1, 20, 3_000]).unwrap();
        std::iter::repeat_with(|| random.u8(..)).take(length).collect()
    }
}

impl<T: Fill> Fill for Option<T> {
    fn fill(random: &mut Rng, version: i16) -> Self {
        (random.u8(..4) > 0).then(|| T::fill(random, version))
    }
}

impl<T: Fill> Fill for Vec<T> {
    fn fill(random: &mut Rng, version: i16) -> Self {
        (0..random.u8(..3)).map(|_| T::fill(random, version)).collect()
    }
}
