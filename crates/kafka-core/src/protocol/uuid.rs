use std::fmt;
use std::str::FromStr;

/// A 128-bit identifier of a topic, a directory or a member. Displays as Kafka's tools print it: URL-safe base64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// All zero: no identifier.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether it stands for no identifier.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The error for text that is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no identifier; one has 22 letters of URL-safe base64")]
pub struct InvalidUuid(String);

impl FromStr for Uuid {
    type Err = InvalidUuid;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidUuid(text.to_owned());
        let (mut value, mut letters) = (0u128, 0);
        for letter in text.bytes() {
            let digit = ALPHABET.iter().position(|&known| known == letter).ok_or_else(invalid)?;
            let digit = u128::try_from(digit).map_err(|_| invalid())?;
            // The last letter holds two bits and four zeros.
            value = if letters == 21 { value << 2 | digit >> 4 } else { value << 6 | digit };
            letters += 1;
        }
        let uuid = Self(value.to_be_bytes());
        if letters == 22 && uuid.to_string() == text { Ok(uuid) } else { Err(invalid()) }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 22 digits of 6 bits hold 132: the last four bits are zero.
        let value = u128::from_be_bytes(self.0);
        for digit in 0..22 {
            let bits = if digit == 21 { value << 4 } else { value >> (122 - 6 * digit) };
            let index = usize::try_from(bits & 0x3f).unwrap_or_default();
            let letter = ALPHABET.get(index).copied().unwrap_or(b'?');
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_displays_as_java_does() {
        // Printed by `org.apache.kafka.common.Uuid`.
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid(1u128.to_be_bytes()).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(Uuid([0xff; 16]).to_string(), "_____________________w");
        let mixed = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128;
        assert_eq!(Uuid(mixed.to_be_bytes()).to_string(), "ASNFZ4mrze_-3LqYdlQyEA");
    }

    #[test]
    fn it_is_read_as_it_displays() {
        for value in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210] {
            let uuid = Uuid(value.to_be_bytes());
            assert_eq!(uuid.to_string().parse(), Ok(uuid));
        }
        for text in ["", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAA=", "é"] {
            assert!(text.parse::<Uuid>().is_err(), "{text}");
        }
        assert!("A".repeat(500).parse::<Uuid>().is_err());
    }
}
