//! What the tests of the whole client share: a cluster, ways to break it, members of groups, and what others see of what was
//! written.
//!
//! # One suite, two kinds of clusters
//! The tests in `tests/suite` run on brokers in the test's own process, each test on its own, and on real clusters, where they
//! share them. The environment decides, and nothing else: with `KAFKA_TESTS_SINGLE` and `KAFKA_TESTS_THREE` set the clusters are
//! real. So `cargo test` needs neither Java nor anything else, and `cargo xtask test` runs the very same programs a second time on
//! clusters that it starts. By hand:
//!
//! ```sh
//! cargo test -p kafka-tests
//! cargo xtask up && eval "$(cargo xtask env)"
//! cargo xtask up --name three --brokers 3 && eval "$(cargo xtask env --name three)"
//! cargo test -p kafka-tests
//! ```
//!
//! What can run on one of them alone is named, with the reason, in `tests/real/README.md`; the tests for real clusters only are
//! the package `kafka-tests-real`, which fails without them. Nothing is skipped.
//!
//! Tests run side by side on the same real clusters, so each makes topics and groups of its own ([`unique`]). A test that stops
//! brokers asks for the cluster alone by [`Cluster::exclusive`], and finds the methods for it only there.

// Helpers for tests: what is not as it must be ends the test, with the reason.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used)]

pub mod chain;
mod cluster;
mod exclusive;
pub mod member;
mod read_back;
mod real;
pub mod scenarios;
mod topics;

pub use cluster::Cluster;
pub use exclusive::Exclusive;
pub use read_back::{ReadBack, count_records, read_back};
pub use real::{Output, RunningTool, Tool, run_program};
pub use topics::{FIRST_TIMESTAMP, create, create_topic, write, write_records};

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
