use std::collections::VecDeque;
use std::time::Duration;

use kafka_core::protocol::ApiKey;

/// How many requests are remembered; older ones are forgotten.
const REMEMBERED: usize = 100_000;

/// A request that a broker was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// When, by the cluster's clock: since it was started.
    pub at: Duration,
    /// The broker that was asked.
    pub broker: i32,
    /// What for.
    pub api: ApiKey,
    /// In which version.
    pub version: i16,
    /// By whom (`client.id`).
    pub client_id: Option<String>,
    /// The topics that the request names, as far as they exist or are named by name.
    pub topics: Vec<String>,
    /// Whether a fault met it.
    pub faulted: bool,
}

/// What was asked, in order.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<Asked>);

impl History {
    pub(crate) fn note(&mut self, asked: Asked) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(asked);
    }

    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.iter().cloned().collect()
    }
}
