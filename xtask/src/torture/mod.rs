//! `cargo xtask torture`: numbered records go through a cluster while it is broken, and are counted afterwards.
//!
//! A client (`tests/src/bin/torture`) writes and reads them, and members of a group write down what they handle, each in a process of
//! its own. [`scenario`] says what is broken and [`plan`] with which clients; [`mod@run`] is the course of one scenario, and
//! [`rounds`] what is done to brokers, links, members and topics meanwhile, drawn from a seed. Kafka's own console consumer
//! reads all back, and the client's other half compares. [`compare`] is about time: ours beside
//! Java's when a leader or a member dies.

mod commands;
mod compare;
mod members;
mod plan;
mod proxies;
mod rounds;
mod run;
mod scenario;

pub(crate) use commands::{Arguments, run, short};
