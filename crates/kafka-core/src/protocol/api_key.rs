use std::fmt;

use rskafka::protocol::api_key::ApiKey as ForeignApiKey;
use rskafka::protocol::messages::RequestBody;
use rskafka::protocol::primitives::Int16;

/// Declares [`ApiKey`] from the table in `messages/api_key.rs`.
macro_rules! api_keys {
    ($($name:ident = $code:literal,)*) => {
        /// A Kafka API: what a request asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ApiKey {
            $(#[doc = concat!("API key ", stringify!($code), ".")] $name,)*
            /// An API that this version of the crate has no name for.
            Unknown(i16),
        }

        impl ApiKey {
            /// Every API that has a name, by rising code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The number that stands for the API in requests.
            pub const fn code(self) -> i16 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown(code) => code,
                }
            }

            /// The API with this number.
            pub const fn from_code(code: i16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    _ => Self::Unknown(code),
                }
            }
        }
    };
}
pub(super) use api_keys;

use super::messages::ApiKey;

impl ApiKey {
    /// The API that `R` belongs to.
    pub fn of<R: RequestBody>() -> Self {
        R::API_KEY.into()
    }
}

/// rskafka's traits name an API by its own type, which lacks the newer ones.
impl From<ForeignApiKey> for ApiKey {
    fn from(key: ForeignApiKey) -> Self {
        Self::from_code(Int16::from(key).0)
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_go_both_ways() {
        for &key in ApiKey::ALL {
            assert_eq!(ApiKey::from_code(key.code()), key);
            assert_eq!(ApiKey::from(ForeignApiKey::from(Int16(key.code()))), key);
        }
        assert_eq!(ApiKey::from_code(68), ApiKey::ConsumerGroupHeartbeat);
        assert_eq!(ApiKey::ConsumerGroupHeartbeat.to_string(), "ConsumerGroupHeartbeat");
        assert_eq!(ApiKey::from_code(31_000), ApiKey::Unknown(31_000));
    }
}
