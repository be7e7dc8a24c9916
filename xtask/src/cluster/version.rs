//! Versions of Kafka, and what differs between them for whoever starts a broker.

use std::{fmt, str::FromStr};

/// A released version of Apache Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KafkaVersion {
    pub(crate) major: u16,
    pub(crate) minor: u16,
    pub(crate) patch: u16,
}

impl KafkaVersion {
    /// The one used when none is named.
    pub(crate) const NEWEST: Self = Self::new(4, 3, 1);

    /// The oldest one that is supported.
    pub(crate) const OLDEST: Self = Self::new(2, 8, 2);

    const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// Before 3.3 KRaft was not ready for production: those run with ZooKeeper.
    pub(crate) fn uses_zookeeper(self) -> bool {
        self < Self::new(3, 3, 0)
    }

    /// From 3.0 the key in a PEM key store file needs no password of its own.
    pub(crate) fn reads_keys_without_password(self) -> bool {
        self.major >= 3
    }

    /// From 3.5 the storage tool can make users with SCRAM passwords (KIP-900).
    pub(crate) fn formats_users(self) -> bool {
        self >= Self::new(3, 5, 0)
    }

    /// The class by which brokers check the signatures of tokens: since 3.1 (KIP-768), and in another package since 3.5.
    pub(crate) fn token_validator(self) -> Option<&'static str> {
        if self >= Self::new(3, 5, 0) {
            Some("org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler")
        } else if self >= Self::new(3, 1, 0) {
            Some("org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerValidatorCallbackHandler")
        } else {
            None
        }
    }

    /// From 4.0 brokers log by log4j 2; before, by log4j 1 or its successor reload4j.
    pub(crate) fn uses_log4j2(self) -> bool {
        self.major >= 4
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for KafkaVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no Kafka version: three numbers such as {} are", Self::NEWEST);
        let numbers: Vec<u16> =
            text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_error| wrong())?;
        match numbers.as_slice() {
            [major, minor, patch] => Ok(Self::new(*major, *minor, *patch)),
            _ => Err(wrong()),
        }
    }
}

impl serde::Serialize for KafkaVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for KafkaVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_back_as_it_prints() {
        for text in ["4.3.1", "2.8.2", "3.10.0"] {
            assert_eq!(text.parse::<KafkaVersion>().map(|version| version.to_string()), Ok(text.to_owned()));
        }
        assert!("3.10.0".parse::<KafkaVersion>() > "3.9.1".parse::<KafkaVersion>());
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "4", "4.3", "4.3.1.2", "4.3.x", "v4.3.1", "4.3.-1"] {
            assert!(text.parse::<KafkaVersion>().is_err(), "{text}");
        }
    }
}
