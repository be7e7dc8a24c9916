//! What the clients do.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::ValueEnum;

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Workload {
    /// Small records, as they are
    #[value(name = "produce-100")]
    Produce100,
    /// Records of 1 KiB, by lz4
    #[value(name = "produce-1k-lz4")]
    Produce1kLz4,
    /// Records of 1 KiB, by zstd
    #[value(name = "produce-1k-zstd")]
    Produce1kZstd,
    /// Records of 1 KiB with the defaults of this client: gzip, batches of 16 KiB
    #[value(name = "produce-guide")]
    ProduceGuide,
    /// Small records, as they are
    #[value(name = "consume-100")]
    Consume100,
    /// Records of 1 KiB, by lz4
    #[value(name = "consume-1k-lz4")]
    Consume1kLz4,
    /// Records of 1 KiB, by zstd
    #[value(name = "consume-1k-zstd")]
    Consume1kZstd,
    /// One record at a time, each awaited
    #[value(name = "latency")]
    Latency,
}

/// What a client is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Produce,
    Consume,
    Latency,
}

impl Mode {
    /// The word for it on a client's command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::Latency => "latency",
        }
    }
}

/// Partitions of each topic.
pub(super) const PARTITIONS: i32 = 3;

/// How many values there are, which records have one after the other, over and over.
const SLOTS: usize = 1_000;
/// What they may take together: a client has them all in memory.
const MOST_BYTES: usize = 2 << 20;

impl Workload {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The mode, how many records at scale 1, and the bytes of each.
    fn shape(self) -> (Mode, f64, usize) {
        match self {
            Self::Produce100 => (Mode::Produce, 3e6, 100),
            Self::Produce1kLz4 | Self::Produce1kZstd => (Mode::Produce, 1e6, 1024),
            Self::ProduceGuide => (Mode::Produce, 4e5, 1024),
            Self::Consume100 => (Mode::Consume, 3e6, 100),
            Self::Consume1kLz4 | Self::Consume1kZstd => (Mode::Consume, 1e6, 1024),
            Self::Latency => (Mode::Latency, 1e4, 100),
        }
    }

    pub(super) fn mode(self) -> Mode {
        self.shape().0
    }

    pub(super) fn count(self, scale: f64) -> u64 {
        ((self.shape().1 * scale) as u64).max(1)
    }

    pub(super) fn size(self) -> usize {
        self.shape().2
    }

    /// The settings that its clients are given, by flag.
    pub(super) fn settings(self) -> [(&'static str, &'static str); 5] {
        let compression = match self {
            Self::Produce100 | Self::Consume100 | Self::Latency => "none",
            Self::Produce1kLz4 | Self::Consume1kLz4 => "lz4",
            Self::Produce1kZstd | Self::Consume1kZstd => "zstd",
            Self::ProduceGuide => "gzip",
        };
        let batch_bytes = if self == Self::ProduceGuide { "16384" } else { "65536" };
        let linger = if self == Self::Latency { "0" } else { "5" };
        [
            ("acks", "all"),
            ("idempotent", "true"),
            ("compression", compression),
            ("batch-bytes", batch_bytes),
            ("linger-ms", linger),
        ]
    }
}

/// Writes the values of this size, JSON-like and the same at every run.
pub(super) fn write_payloads(file: &Path, size: usize) -> Result<()> {
    fs::write(file, payloads(size)).with_context(|| format!("cannot write {}", file.display()))
}

fn payloads(size: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let slots = SLOTS.min(MOST_BYTES / size).max(1);
    let mut all = Vec::with_capacity(slots * size);
    for slot in 0..slots {
        let mut text = String::new();
        while text.len() < size {
            text.push_str(&event(&mut random, slot));
        }
        all.extend(text.as_bytes().iter().take(size));
    }
    all
}

fn event(random: &mut fastrand::Rng, slot: usize) -> String {
    let kind = ["click", "view", "purchase"].get(random.usize(..3)).copied().unwrap_or_default();
    let (minute, second) = (slot / 60 % 60, slot % 60);
    format!(
        "{{\"event_id\": \"{:016x}\", \"event_type\": \"{kind}\", \"timestamp\": \"2024-01-01T00:{minute:02}:{second:02}Z\", \
         \"user\": {}, \"amount\": {:.2}, \"message\": \"Hello Kafka! event {slot}\"}}",
        random.u64(..),
        random.u32(..100_000),
        random.f64() * 1000.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_fill_their_slots_and_are_the_same_each_time() {
        for size in [100, 1024] {
            let made = payloads(size);
            assert_eq!(made.len(), SLOTS * size);
            assert_eq!(made, payloads(size));
            assert_ne!(made[..size], made[size..2 * size]);
        }
        assert_eq!(payloads(100_000).len(), 20 * 100_000);
    }

    #[test]
    fn counts_follow_the_scale() {
        assert_eq!(Workload::Produce100.count(0.5), 1_500_000);
        assert_eq!(Workload::Latency.count(0.5), 5_000);
        assert_eq!(Workload::ProduceGuide.count(0.0), 1);
    }
}
