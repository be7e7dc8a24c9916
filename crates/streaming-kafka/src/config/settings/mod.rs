//! The one table of the client settings that are understood, Kafka's and a few of our own: parsing, suggestions and the documentation all read it.
//!
//! Knows names, types, ranges and defaults of single settings; how they go together is the matter of `checks`.

mod client;
mod consumer;
mod handler;
mod kind;
mod lookup;
mod producer;
mod value;

use kafka_core::cluster::ClientConfig;
use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::ProducerConfig;

use crate::config::HandlerConfig;
use kind::Kind;

pub(crate) use lookup::{Role, Side, all, is_known, nearest, snake};
pub use value::SettingValue;

/// One of the client settings.
pub(crate) struct Setting {
    /// Kafka's name, or one in Kafka's way.
    pub(crate) name: &'static str,
    /// The default as it would be given; empty if there is none.
    pub(crate) default: &'static str,
    /// What it does, for the table in the documentation.
    pub(crate) doc: &'static str,
    place: Place,
}

/// Which typed config a setting goes to.
pub(crate) enum Place {
    Producer(Kind<ProducerConfig>),
    Consumer(Kind<ConsumerConfig>),
    Handler(Kind<HandlerConfig>),
    Client(Kind<ClientConfig>),
}
