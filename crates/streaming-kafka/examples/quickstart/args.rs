use std::time::Duration;

use clap::Parser;

/// Produces events, handles them in a consumer group, sends poison to the dead letter topic, and checks every count.
///
/// Which cluster and which topics is read from STREAMING_KAFKA__* and STREAMING_*_TOPIC. The last line on standard
/// output is one JSON object. Exit status: 0 if each event was seen exactly once, 1 if not, 2 if a setting is not right.
#[derive(Clone, Debug, Parser)]
#[command(name = "quickstart", version)]
pub(crate) struct Args {
    /// How many events to produce; every 1,000th is poison
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) events: u32,
    /// How many partitions the topics get if they are not there yet
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub(crate) partitions: i32,
    /// How many members the consumer group has
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) members: u16,
    /// Produce at most so many events a second, instead of as many as possible
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Give up after so many seconds without progress
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) patience: u64,
}

impl Args {
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}
