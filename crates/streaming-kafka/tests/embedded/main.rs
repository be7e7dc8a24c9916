//! The whole client on brokers in the process: no Java, no Docker, seconds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod admin;
mod faults;
mod groups;
mod handlers;
mod records;
mod simulation;
mod support;
