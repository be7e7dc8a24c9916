//! What a program holds: memory, tasks, sockets.

use std::{collections::BTreeSet, fs};

use serde::{Deserialize, Serialize};

/// What is held at a moment. Where the system does not tell, it is 0.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Vitals {
    pub(crate) seconds: u64,
    pub(crate) memory_kib: u64,
    pub(crate) tasks: u64,
    pub(crate) sockets: u64,
}

impl Vitals {
    pub(crate) fn now(seconds: u64) -> Self {
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Self {
            seconds,
            memory_kib: memory_kib().unwrap_or_default(),
            tasks: u64::try_from(tasks).unwrap_or(u64::MAX),
            sockets: sockets().unwrap_or_default(),
        }
    }
}

fn memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

fn sockets() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.flatten();
    let targets: BTreeSet<_> = open.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    let sockets = targets.iter().filter(|target| target.to_string_lossy().starts_with("socket:"));
    u64::try_from(sockets.count()).ok()
}
