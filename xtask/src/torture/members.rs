//! The members of the group, each a process.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{
    check::Watched,
    cluster::{Signal, signal_process},
};

/// What a member is asked for.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// It uses the runtime for handlers, and does not poll itself.
    pub(super) by_handler: bool,
    /// Names of assignors; as the client's default if empty.
    pub(super) strategies: String,
    pub(super) is_static: bool,
    pub(super) session_timeout_ms: u64,
    pub(super) max_poll_interval_ms: u64,
    /// What it does slowly takes so long.
    pub(super) slow_ms: Option<u64>,
    /// So many members are in the process.
    pub(super) count: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            by_handler: false,
            strategies: String::new(),
            is_static: false,
            session_timeout_ms: 10_000,
            max_poll_interval_ms: 300_000,
            slow_ms: None,
            count: 1,
        }
    }
}

impl Options {
    /// As the client takes them.
    pub(super) fn arguments(&self, place: usize) -> Vec<String> {
        let mut arguments = vec![
            format!("--by={}", if self.by_handler { "handler" } else { "poll" }),
            format!("--count={}", self.count),
            format!("--session-timeout-ms={}", self.session_timeout_ms),
            format!("--max-poll-interval-ms={}", self.max_poll_interval_ms),
        ];
        if !self.strategies.is_empty() {
            arguments.push(format!("--strategies={}", self.strategies));
        }
        if self.is_static {
            arguments.push(format!("--instance-id=place-{place}"));
        }
        arguments.extend(self.slow_ms.map(|slow| format!("--slow-ms={slow}")));
        arguments
    }

    /// It overruns `max.poll.interval.ms`, by intent.
    pub(super) fn is_too_slow(&self) -> bool {
        !self.by_handler && self.slow_ms.is_some_and(|slow| slow > self.max_poll_interval_ms)
    }
}

/// A member that runs.
#[derive(Debug)]
pub(super) struct Member {
    /// What the journal calls it: unlike any that was there before.
    pub(super) name: String,
    pub(super) options: Options,
    pub(super) journal: PathBuf,
    pub(super) process: Watched,
}

impl Member {
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        if signal_process(self.process.id(), &self.journal.display().to_string(), signal)? {
            return Ok(());
        }
        bail!("member {} is not there any more", self.name)
    }

    /// Has it leave the group, and waits until it has.
    pub(super) fn leave(mut self) -> Result<()> {
        self.process.close_input();
        self.process.end().with_context(|| format!("member {}", self.name)).map(drop)
    }
}
