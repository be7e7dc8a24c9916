use std::fmt;

use kafka_core::{Error, ErrorKind, Result};

/// What has configs: a topic or a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConfigResource {
    /// A topic, by name.
    Topic(String),
    /// One broker, by its id.
    Broker(i32),
    /// The dynamic default that all brokers share.
    AllBrokers,
}

/// What came of one resource of a request.
#[derive(Debug)]
pub struct ResourceResult<T> {
    /// The resource.
    pub resource: ConfigResource,
    /// Its own outcome.
    pub result: Result<T>,
}

impl ConfigResource {
    const TOPIC: i8 = 2;
    const BROKER: i8 = 4;

    /// The wire's type and name of this resource.
    pub(crate) fn to_wire(&self) -> (i8, String) {
        match self {
            Self::Topic(name) => (Self::TOPIC, name.clone()),
            Self::Broker(id) => (Self::BROKER, id.to_string()),
            Self::AllBrokers => (Self::BROKER, String::new()),
        }
    }

    /// The broker that must be asked; any will do where there is none.
    pub(crate) fn broker(&self) -> Option<i32> {
        match self {
            Self::Broker(id) => Some(*id),
            Self::Topic(_) | Self::AllBrokers => None,
        }
    }

    /// Says in `error` which topic or broker it belongs to.
    pub(crate) fn add_to(&self, error: Error) -> Error {
        match self {
            Self::Topic(name) => error.with_topic(name),
            Self::Broker(id) => error.with_broker(id),
            Self::AllBrokers => error,
        }
    }

    /// Checks what can be checked without a broker.
    pub(crate) fn validate(&self) -> Result<()> {
        match self {
            Self::Topic(name) => kafka_core::validate_topic_name(name),
            Self::Broker(id) if *id < 0 => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{id} is not a broker id: it must not be negative"),
            )),
            Self::Broker(_) | Self::AllBrokers => Ok(()),
        }
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(name) => write!(f, "topic {name}"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::AllBrokers => f.write_str("all brokers"),
        }
    }
}
