//! What only real clusters can run: see `README.md` of this package for each test with its reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may fail the test"
)]

mod differential;
mod harness;
mod java;
mod java_groups;
mod kafka_streams;
mod kafkas_admin_tools;
mod kafkas_group_tools;
mod kafkas_tools;
mod kcat;
mod listeners;
mod oldest;
mod one_jvm;
mod program;
mod racks;
mod secured;
mod security_acl;
mod security_rotation;
mod security_sasl;
mod security_tls;
