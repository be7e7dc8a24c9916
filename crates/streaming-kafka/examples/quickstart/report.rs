use std::time::Duration;

use serde::Serialize;

/// The last line on standard output.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Events that were acknowledged.
    pub(crate) produced: u64,
    /// Different events that were handled.
    pub(crate) handled: u64,
    /// How many events each member of the group handled.
    pub(crate) handled_by_member: Vec<u64>,
    /// Different events that were read back from the dead letter topic.
    pub(crate) dead_lettered: u64,
    /// By how much the group's committed offsets have moved on.
    pub(crate) committed: u64,
    /// Events that were neither handled nor dead-lettered, or not committed.
    pub(crate) missing: u64,
    /// How often an event was seen again, or where it should not have been.
    pub(crate) repeated: u64,
    /// How long all took.
    pub(crate) seconds: f64,
    pub(crate) produced_per_second: f64,
    pub(crate) handled_per_second: f64,
    pub(crate) topic: String,
    pub(crate) dead_letter_topic: String,
    pub(crate) group: String,
}

impl Report {
    /// Whether each event was seen exactly once.
    pub(crate) fn is_right(&self) -> bool {
        self.missing == 0 && self.repeated == 0
    }
}

/// Events per second.
pub(crate) fn rate(events: u64, time: Duration) -> f64 {
    round(events as f64 / time.as_secs_f64().max(1e-9), 0)
}

/// Seconds, to the millisecond.
pub(crate) fn seconds(time: Duration) -> f64 {
    round(time.as_secs_f64(), 3)
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
