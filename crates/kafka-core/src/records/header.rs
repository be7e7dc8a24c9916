use bytes::Bytes;
use bytestring::ByteString;

/// A record's header: a key that need not be unique, and a value that may be null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The header's name.
    pub key: ByteString,
    /// The header's value.
    pub value: Option<Bytes>,
}

impl Header {
    /// A header with a value.
    pub fn new(key: impl Into<ByteString>, value: impl Into<Bytes>) -> Self {
        Self { key: key.into(), value: Some(value.into()) }
    }

    /// A header whose value is null.
    pub fn null(key: impl Into<ByteString>) -> Self {
        Self { key: key.into(), value: None }
    }
}

/// What can be written as a header of a record, whoever owns its bytes.
pub trait AsHeader {
    /// The header's name.
    fn key(&self) -> &str;
    /// The header's value.
    fn value(&self) -> Option<&[u8]>;
}

impl AsHeader for Header {
    fn key(&self) -> &str {
        &self.key
    }

    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
}

impl AsHeader for (&str, &[u8]) {
    fn key(&self) -> &str {
        self.0
    }

    fn value(&self) -> Option<&[u8]> {
        Some(self.1)
    }
}

impl AsHeader for (&str, Option<&[u8]>) {
    fn key(&self) -> &str {
        self.0
    }

    fn value(&self) -> Option<&[u8]> {
        self.1
    }
}

impl<T: AsHeader + ?Sized> AsHeader for &T {
    fn key(&self) -> &str {
        (**self).key()
    }

    fn value(&self) -> Option<&[u8]> {
        (**self).value()
    }
}

/// No headers, with a type that a compiler can infer.
pub const NO_HEADERS: &[Header] = &[];
