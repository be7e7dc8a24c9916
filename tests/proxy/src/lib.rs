//! A TCP proxy that breaks what goes through it, for tests.
//!
//! Each [`Proxy`] stands before one address. A [`Link`] says what happens to bytes in either direction: they come late, slowly,
//! in small pieces, or not at all, and a connection ends after so many of them. It can change at any time, also for connections that are
//! open. [`Proxy::strand`] leaves open connections half-open, as if the other side had lost its power; [`Proxy::reset`] ends
//! them with a reset.
//!
//! It knows nothing of Kafka. `link` has the settings, `pipe` what carries bytes in one direction, `proxy` the sockets.

mod link;
mod pipe;
mod proxy;

pub use link::{Cut, End, Flow, Link};
pub use proxy::Proxy;
