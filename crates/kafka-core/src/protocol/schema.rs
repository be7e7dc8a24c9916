//! The macros that turn the tables in `messages` into types that read and write themselves.
//!
//! A field is one line: `name: Type [versions, ignorable] where null [versions] = default,`
//! - `[versions]`: the versions of the message that have the field; all, if left out. Writing a value other than the
//!   default at another version is an error, unless the field is `ignorable`.
//! - `where null [versions]`: the versions in which `None` can be written; all, if left out.
//! - `= default`: what the field has when it was not read; the type's own default, if left out.
//! - `N => name: ...`: a tagged field (KIP-482); it comes after all others and is written only if it differs from the
//!   default.

pub(super) use std::ops::RangeInclusive;

pub(super) use bytes::Bytes;
pub(super) use rskafka::protocol::api_key::ApiKey as ForeignApiKey;
pub(super) use rskafka::protocol::messages::{
    ReadVersionedError, ReadVersionedType, RequestBody, WriteVersionedError, WriteVersionedType,
};
pub(super) use rskafka::protocol::primitives::Int16;
pub(super) use rskafka::protocol::traits::ReadError;

pub(super) use super::Uuid;
pub(super) use super::decoder::Decoder;
pub(super) use super::encoder::{Encoder, TaggedFields, not_available};
pub(super) use super::message::Message;
pub(super) use super::wire::{Structure, Wire};

/// A structure within a message.
macro_rules! structure {
    (
        $(#[$attribute:meta])*
        $name:ident {
            $($field:ident: $type:ty
                $([$versions:expr $(, $ignorable:ident)?])? $(where null [$nullable:expr])? $(= $default:expr)?,)*
            $($tag:literal => $tagged:ident: $tagged_type:ty
                $([$tagged_versions:expr $(, $tagged_ignorable:ident)?])? $(= $tagged_default:expr)?,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(#[doc = $crate::protocol::schema::field_doc!($($versions)?)] pub $field: $type,)*
            $(#[doc = $crate::protocol::schema::field_doc!($($tagged_versions)?)] pub $tagged: $tagged_type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $crate::protocol::schema::default!($($default)?),)*
                    $($tagged: $crate::protocol::schema::default!($($tagged_default)?),)*
                }
            }
        }

        #[allow(unused_mut, unused_variables, reason = "structures without fields or without conditions")]
        impl Structure for $name {
            const SMALLEST: usize = 0 $(+ $crate::protocol::schema::smallest!($type $(, $versions)?))*;

            fn read_fields(decoder: &mut Decoder, version: i16) -> Result<Self, ReadError> {
                let mut this = Self::default();
                $(if $crate::protocol::schema::present!(version $(, $versions)?) {
                    this.$field = Wire::read(decoder, version)?;
                })*
                decoder.tagged_fields(|tag, decoder| match tag {
                    $($tag if $crate::protocol::schema::present!(version $(, $tagged_versions)?) => {
                        this.$tagged = Wire::read(decoder, version)?;
                        Ok(true)
                    })*
                    _ => Ok(false),
                })?;
                Ok(this)
            }

            fn throttle_time_ms(&self) -> i32 {
                0 $(+ $crate::protocol::schema::throttle_time_ms!(self $field))*
            }

            fn set_throttle_time_ms(&mut self, millis: i32) {
                $($crate::protocol::schema::set_throttle_time_ms!(self $field millis);)*
            }

            fn write_fields(&self, encoder: &mut Encoder, version: i16) -> Result<(), WriteVersionedError> {
                $(
                    $crate::protocol::schema::check!(
                        self, $field, version, [$($versions $(, $ignorable)?)?] [$($default)?]
                    );
                    if $crate::protocol::schema::present!(version $(, $versions)?) {
                        $(if self.$field.is_none() && !($nullable).contains(&version) {
                            return Err(not_available(stringify!($field), version));
                        })?
                        self.$field.write(encoder, version)?;
                    }
                )*
                let mut tagged = TaggedFields::default();
                $(
                    $crate::protocol::schema::check!(
                        self, $tagged, version,
                        [$($tagged_versions $(, $tagged_ignorable)?)?] [$($tagged_default)?]
                    );
                    if $crate::protocol::schema::present!(version $(, $tagged_versions)?)
                        && !$crate::protocol::schema::is_default!(self.$tagged, $($tagged_default)?)
                    {
                        tagged.add($tag, &self.$tagged, version)?;
                    }
                )*
                encoder.tagged_fields(tagged);
                Ok(())
            }
        }

        #[cfg(any(test, feature = "unstable-fuzzing"))]
        #[allow(unused_variables, reason = "structures without fields or without conditions")]
        impl $crate::protocol::fill::Fill for $name {
            fn fill(filler: &mut $crate::protocol::fill::Filler, version: i16) -> Self {
                use $crate::protocol::fill::Fill;
                let mut this = Self::default();
                $(if $crate::protocol::schema::present!(version $(, $versions)?) {
                    this.$field = Fill::fill(filler, version);
                    $(if this.$field.is_none() && !($nullable).contains(&version) {
                        this.$field = Some(Fill::fill(filler, version));
                    })?
                })*
                $(if $crate::protocol::schema::present!(version $(, $tagged_versions)?) {
                    this.$tagged = Fill::fill(filler, version);
                })*
                this
            }
        }
    };
}

/// A message: a structure that knows which versions there are, and from which on they are flexible.
macro_rules! message {
    (
        $(#[$attribute:meta])*
        $name:ident($versions:expr, flexible $flexible:expr) $fields:tt
    ) => {
        $crate::protocol::schema::structure! { $(#[$attribute])* $name $fields }

        impl Message for $name {
            const NAME: &str = stringify!($name);
            const VERSIONS: RangeInclusive<i16> = $versions;
            const FLEXIBLE_FROM: i16 = $flexible;

            fn throttle_time_ms(&self) -> i32 {
                Structure::throttle_time_ms(self)
            }

            fn set_throttle_time_ms(&mut self, millis: i32) {
                Structure::set_throttle_time_ms(self, millis);
            }
        }

        impl ReadVersionedType<Decoder> for $name {
            fn read_versioned(decoder: &mut Decoder, version: $crate::protocol::ApiVersion) -> Result<Self, ReadVersionedError> {
                $crate::protocol::message::read(decoder, version.0.0)
            }
        }

        impl WriteVersionedType<Encoder> for $name {
            fn write_versioned(&self, encoder: &mut Encoder, version: $crate::protocol::ApiVersion) -> Result<(), WriteVersionedError> {
                $crate::protocol::message::write(self, encoder, version.0.0)
            }
        }
    };
}

/// What a client sends: which API it belongs to, and what comes back.
macro_rules! request {
    ($request:ident => $response:ident, $key:expr, $min:literal..=$max:literal, flexible $flexible:expr, $response_flexible:expr) => {
        impl RequestBody for $request {
            type ResponseBody = $crate::protocol::messages::$response;
            const API_KEY: ForeignApiKey = $key;
            const API_VERSION_RANGE: $crate::protocol::ApiVersionRange =
                $crate::protocol::ApiVersionRange::new(
                    $crate::protocol::ApiVersion(Int16($min)),
                    $crate::protocol::ApiVersion(Int16($max)),
                );
            const FIRST_TAGGED_FIELD_IN_REQUEST_VERSION: $crate::protocol::ApiVersion =
                $crate::protocol::ApiVersion(Int16($flexible));
            const FIRST_TAGGED_FIELD_IN_RESPONSE_VERSION: $crate::protocol::ApiVersion =
                $crate::protocol::ApiVersion(Int16($response_flexible));
        }
    };
}

/// The value of the one field that has this name, else nothing.
macro_rules! throttle_time_ms {
    ($this:ident throttle_time_ms) => {
        $this.throttle_time_ms
    };
    ($this:ident $other:ident) => {
        0
    };
}

/// Sets the one field that has this name, else does nothing.
macro_rules! set_throttle_time_ms {
    ($this:ident throttle_time_ms $value:ident) => {
        $this.throttle_time_ms = $value
    };
    ($this:ident $other:ident $value:ident) => {};
}

macro_rules! field_doc {
    () => {
        "In all versions."
    };
    ($versions:expr) => {
        concat!("In versions `", stringify!($versions), "`.")
    };
}

macro_rules! default {
    () => {
        Default::default()
    };
    ($default:expr) => {
        $default
    };
}

macro_rules! is_default {
    ($value:expr,) => {
        $crate::protocol::schema::same(&$value, &Default::default())
    };
    ($value:expr, $default:expr) => {
        $crate::protocol::schema::same(&$value, &$default)
    };
}

/// The fewest bytes of a field; none if there are versions without it.
macro_rules! smallest {
    ($type:ty) => {
        <$type as Wire>::SMALLEST
    };
    ($type:ty, $versions:expr) => {
        0
    };
}

macro_rules! present {
    ($version:expr) => {
        true
    };
    ($version:expr, $versions:expr) => {
        ($versions).contains(&$version)
    };
}

/// Refuses a value that would be lost because the version lacks the field.
macro_rules! check {
    ($this:ident, $field:ident, $version:ident, [] [$($default:expr)?]) => {};
    ($this:ident, $field:ident, $version:ident, [$versions:expr, ignorable] [$($default:expr)?]) => {};
    ($this:ident, $field:ident, $version:ident, [$versions:expr] [$($default:expr)?]) => {
        if !($versions).contains(&$version)
            && !$crate::protocol::schema::is_default!($this.$field, $($default)?)
        {
            return Err(not_available(stringify!($field), $version));
        }
    };
}

/// Equality of two values of one type, so that the type of a default follows from the field's.
pub(super) fn same<T: PartialEq>(a: &T, b: &T) -> bool {
    a == b
}

pub(super) use {
    check, default, field_doc, is_default, message, present, request, set_throttle_time_ms, smallest,
    structure, throttle_time_ms,
};
