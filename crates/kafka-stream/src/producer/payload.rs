use bytes::Bytes;

/// Bytes of a key, value or header: borrowed from the caller or owned.
///
/// Either way `send` copies them once, into their batch; borrowing saves the caller an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Bytes of the caller's.
    Borrowed(&'a [u8]),
    /// Bytes that the record holds.
    Owned(Bytes),
}

impl Payload<'_> {
    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

macro_rules! payload_from {
    ($($from:ty, $value:ident => $payload:expr;)*) => {
        $(impl<'a> From<$from> for Payload<'a> {
            fn from($value: $from) -> Self {
                $payload
            }
        })*
    };
}

payload_from! {
    &'a [u8], value => Self::Borrowed(value);
    &'a str, value => Self::Borrowed(value.as_bytes());
    &'a String, value => Self::Borrowed(value.as_bytes());
    &'a Vec<u8>, value => Self::Borrowed(value);
    &'a Bytes, value => Self::Borrowed(value);
    Bytes, value => Self::Owned(value);
    Vec<u8>, value => Self::Owned(value.into());
    String, value => Self::Owned(value.into());
}

impl<'a, const N: usize> From<&'a [u8; N]> for Payload<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Borrowed(value)
    }
}

/// A key or a value as a record and its headers hold it: what an `Option<Payload>` would say, in eight bytes less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    Borrowed(Option<&'a [u8]>),
    Owned(Bytes),
}

impl Content<'_> {
    pub(super) const NONE: Self = Self::Borrowed(None);

    #[inline]
    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Borrowed(bytes) => *bytes,
            Self::Owned(bytes) => Some(bytes),
        }
    }

    /// Keeps the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        match self {
            Self::Borrowed(bytes) => *bytes = bytes.map(|bytes| bytes.get(..len).unwrap_or(bytes)),
            Self::Owned(bytes) => bytes.truncate(len),
        }
    }

    pub(super) fn into_owned(self) -> Content<'static> {
        match self {
            Self::Borrowed(bytes) => {
                bytes.map_or(Content::NONE, |bytes| Content::Owned(Bytes::copy_from_slice(bytes)))
            }
            Self::Owned(bytes) => Content::Owned(bytes),
        }
    }
}

impl<'a> From<Payload<'a>> for Content<'a> {
    fn from(payload: Payload<'a>) -> Self {
        match payload {
            Payload::Borrowed(bytes) => Self::Borrowed(Some(bytes)),
            Payload::Owned(bytes) => Self::Owned(bytes),
        }
    }
}
