use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

/// How often a password must be hashed at least.
pub(crate) const MIN_ITERATIONS: i32 = 4_096;
/// And at most.
pub(crate) const MAX_ITERATIONS: i32 = 16_384;

/// A mechanism for which salted passwords are kept, by Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ScramMechanism {
    Sha256 = 1,
    Sha512 = 2,
}

impl ScramMechanism {
    pub(crate) fn code(self) -> i8 {
        self as i8
    }

    pub(crate) fn from_code(code: i8) -> Option<Self> {
        [Self::Sha256, Self::Sha512].into_iter().find(|known| known.code() == code)
    }
}

/// A password, salted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Salted {
    pub(crate) salt: Bytes,
    pub(crate) password: Bytes,
    pub(crate) iterations: i32,
}

impl fmt::Debug for Salted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Salted").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// What is kept for SCRAM, by user and mechanism.
pub(crate) type ScramCredentials = BTreeMap<String, BTreeMap<ScramMechanism, Salted>>;
