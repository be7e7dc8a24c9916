//! What brokers keep: on disk, over restarts and crashes; and what they remove.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod crash;
mod fixture;
mod folder;
mod removal;
mod restart;
