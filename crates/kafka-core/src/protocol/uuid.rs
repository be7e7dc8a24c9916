use std::fmt;

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

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
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
