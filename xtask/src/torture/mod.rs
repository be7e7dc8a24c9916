//! `cargo xtask torture`: numbered records go through a cluster while it is broken, and are counted afterwards.
//!
//! A client (`tests/src/bin/torture`) writes and reads them; [`scenario`] says what is broken meanwhile, drawn from a seed;
//! Kafka's own console consumer reads all back, and the client's other half compares. Here is only the order of that.

mod commands;
mod scenario;

pub(crate) use commands::{Arguments, run};
