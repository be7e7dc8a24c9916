//! How each type of the schemas is read and written.
//!
//! Whether lengths are compact (KIP-482) is the same for a whole message, so that it is a state of the decoder and the
//! encoder, set where a message begins. That is why these traits are private: a structure alone cannot be read rightly.

use bytes::Bytes;
use rskafka::protocol::messages::WriteVersionedError;
use rskafka::protocol::traits::ReadError;

use super::decoder::{Decoder, malformed};
use super::encoder::Encoder;
use super::uuid::Uuid;

type Read<T> = Result<T, ReadError>;
type Written = Result<(), WriteVersionedError>;

/// A value within a message, at some version of that message.
pub(in crate::protocol) trait Wire: Sized {
    /// No value takes fewer bytes than this, in any version.
    const SMALLEST: usize;

    fn read(decoder: &mut Decoder, version: i16) -> Read<Self>;
    fn write(&self, encoder: &mut Encoder, version: i16) -> Written;
}

/// A structure of named fields; the macros in `schema` implement it.
pub(in crate::protocol) trait Structure: Sized {
    const SMALLEST: usize;

    fn read_fields(decoder: &mut Decoder, version: i16) -> Read<Self>;
    /// The value of the field `throttle_time_ms`, 0 where there is none.
    fn throttle_time_ms(&self) -> i32;
    /// Sets it, if there is one.
    fn set_throttle_time_ms(&mut self, millis: i32);
    fn write_fields(&self, encoder: &mut Encoder, version: i16) -> Written;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            const SMALLEST: usize = size_of::<$number>();

            #[inline]
            fn read(decoder: &mut Decoder, _: i16) -> Read<Self> {
                decoder.take().map(<$number>::from_be_bytes)
            }

            #[inline]
            fn write(&self, encoder: &mut Encoder, _: i16) -> Written {
                encoder.put(self.to_be_bytes());
                Ok(())
            }
        }
    )*};
}

numbers!(i8, i16, i32, i64, u16, u32, f64);

impl Wire for bool {
    const SMALLEST: usize = 1;

    #[inline]
    fn read(decoder: &mut Decoder, _: i16) -> Read<Self> {
        decoder.take().map(|[byte]| byte != 0)
    }

    #[inline]
    fn write(&self, encoder: &mut Encoder, _: i16) -> Written {
        encoder.put([u8::from(*self)]);
        Ok(())
    }
}

impl Wire for Uuid {
    const SMALLEST: usize = 16;

    #[inline]
    fn read(decoder: &mut Decoder, _: i16) -> Read<Self> {
        decoder.take().map(Uuid)
    }

    #[inline]
    fn write(&self, encoder: &mut Encoder, _: i16) -> Written {
        encoder.put(self.0);
        Ok(())
    }
}

impl Wire for String {
    const SMALLEST: usize = 1;

    fn read(decoder: &mut Decoder, _: i16) -> Read<Self> {
        let length = decoder.string_length()?.ok_or_else(unexpected_null)?;
        decoder.string(length)
    }

    fn write(&self, encoder: &mut Encoder, _: i16) -> Written {
        Ok(encoder.string(Some(self))?)
    }
}

impl Wire for Option<String> {
    const SMALLEST: usize = 1;

    fn read(decoder: &mut Decoder, _: i16) -> Read<Self> {
        decoder.string_length()?.map(|length| decoder.string(length)).transpose()
    }

    fn write(&self, encoder: &mut Encoder, _: i16) -> Written {
        Ok(encoder.string(self.as_deref())?)
    }
}

impl Wire for Bytes {
    const SMALLEST: usize = 1;

    fn read(decoder: &mut Decoder, _: i16) -> Read<Self> {
        let length = decoder.length()?.ok_or_else(unexpected_null)?;
        decoder.take_bytes(length)
    }

    fn write(&self, encoder: &mut Encoder, _: i16) -> Written {
        Ok(encoder.bytes(Some(self))?)
    }
}

impl Wire for Option<Bytes> {
    const SMALLEST: usize = 1;

    fn read(decoder: &mut Decoder, _: i16) -> Read<Self> {
        decoder.length()?.map(|length| decoder.take_bytes(length)).transpose()
    }

    fn write(&self, encoder: &mut Encoder, _: i16) -> Written {
        Ok(encoder.bytes(self.as_ref())?)
    }
}

impl<T: Wire> Wire for Vec<T> {
    const SMALLEST: usize = 1;

    fn read(decoder: &mut Decoder, version: i16) -> Read<Self> {
        let length = decoder.length()?.ok_or_else(unexpected_null)?;
        decoder.array(length, version)
    }

    fn write(&self, encoder: &mut Encoder, version: i16) -> Written {
        encoder.array(Some(self), version)
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    const SMALLEST: usize = 1;

    fn read(decoder: &mut Decoder, version: i16) -> Read<Self> {
        decoder.length()?.map(|length| decoder.array(length, version)).transpose()
    }

    fn write(&self, encoder: &mut Encoder, version: i16) -> Written {
        encoder.array(self.as_deref(), version)
    }
}

impl<T: Structure> Wire for T {
    const SMALLEST: usize = T::SMALLEST;

    fn read(decoder: &mut Decoder, version: i16) -> Read<Self> {
        T::read_fields(decoder, version)
    }

    fn write(&self, encoder: &mut Encoder, version: i16) -> Written {
        self.write_fields(encoder, version)
    }
}

/// A structure that may be null has a byte before it: -1 for null, 1 otherwise.
impl<T: Structure> Wire for Option<T> {
    const SMALLEST: usize = 1;

    fn read(decoder: &mut Decoder, version: i16) -> Read<Self> {
        match i8::read(decoder, version)? {
            ..0 => Ok(None),
            0.. => T::read_fields(decoder, version).map(Some),
        }
    }

    fn write(&self, encoder: &mut Encoder, version: i16) -> Written {
        match self {
            None => (-1i8).write(encoder, version),
            Some(structure) => {
                1i8.write(encoder, version)?;
                structure.write_fields(encoder, version)
            }
        }
    }
}

#[cold]
fn unexpected_null() -> ReadError {
    malformed("null where a value must be")
}
