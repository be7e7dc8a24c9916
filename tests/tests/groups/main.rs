//! Consumer groups on real brokers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod come_and_go;
mod coordinator;
mod fixed;
mod java;
mod kip848;
mod member;
mod pattern;
mod poll_interval;
mod racks;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;
