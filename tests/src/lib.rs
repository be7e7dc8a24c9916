//! What the tests on a real cluster share: finding it, breaking it, and talking to it with Kafka's own tools.
//!
//! `cargo xtask test` starts the clusters and says in the environment where they are. By hand:
//!
//! ```sh
//! cargo xtask up && eval "$(cargo xtask env)"
//! cargo xtask up --name three --brokers 3 && eval "$(cargo xtask env --name three)"
//! cargo xtask up --name oldest --kafka 2.8.2 && eval "$(cargo xtask env --name oldest)"
//! cargo test -p kafka-tests
//! ```
//!
//! A test without its cluster fails and says this; none is skipped. Tests run side by side on the same clusters, so
//! each makes topics and groups of its own ([`unique`]). A test that stops brokers asks for the cluster alone by
//! [`Cluster::exclusive`], and finds the methods for it only there.

// Helpers for tests: what is not as it must be ends the test, with the reason.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used)]

mod certificates;
pub mod chain;
mod cluster;
mod exclusive;
mod running;
mod tools;

pub use cluster::Cluster;
pub use exclusive::Exclusive;
pub use running::RunningTool;
pub use tools::{Output, Tool};

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// A name that no other test and no earlier run uses, for topics and groups: `prefix-<process>-<time>-<count>`.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{prefix}-{}-{}-{count}", std::process::id(), since.as_millis())
}
