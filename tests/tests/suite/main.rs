//! The suite of the whole client: on brokers in the process, or on real clusters where the environment names them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may fail the test"
)]

mod admin;
mod chains;
mod client;
mod consume;
mod consume_faults;
mod consume_group;
mod groups;
mod handler_policies;
mod handlers;
mod killed_handlers;
mod manager;
mod only_real;
mod producer;
mod producer_outcomes;
mod redrive;
mod reliability;
