//! Sockets, tasks and the clock around the [core](crate::core): bytes in, requests to the core, answers out.
//!
//! Knows no API. `Shared` is the one lock around the core; a `connection` takes one request at a time from its socket, as
//! Kafka's brokers do; a `listener` owns the connections of its broker, so that ending it ends them.

mod client;
mod clock;
mod connection;
mod frames;
mod listener;
mod memory;
mod segments;
mod shared;

pub(crate) use clock::run_clock;
pub(crate) use listener::{Door, Listener, bind};
pub(crate) use memory::{Doors, MemoryConnector};
pub(crate) use shared::Shared;
