use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::ProducerConfig;

use super::settings::{Role, SettingValue};

/// Producer settings that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProducerPreset {
    /// The leader's acknowledgement alone, 64 KiB batches that wait 10 ms, 128 MiB of buffer, lz4, no idempotence.
    HighThroughput,
    /// The leader's acknowledgement alone, no retries, no batches, no wait, no compression.
    ///
    /// Without retries and with `acks=1` there is no idempotence either: a record may be lost when a leader fails.
    LowLatency,
}

/// Consumer settings that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsumerPreset {
    /// Fetches of at least 64 KiB within 500 ms, 5,000 records per poll, a socket buffer of 256 KiB.
    HighThroughput,
    /// Fetches that return at once, 100 records per poll.
    LowLatency,
}

/// A preset of a role.
pub(super) trait Preset {
    type Role: Role;
    fn values(self) -> Vec<(&'static str, SettingValue)>;
}

impl Preset for ProducerPreset {
    type Role = ProducerConfig;

    fn values(self) -> Vec<(&'static str, SettingValue)> {
        match self {
            Self::HighThroughput => vec![
                ("acks", "1".into()),
                ("retries", 3.into()),
                ("batch.size", 65_536.into()),
                ("linger.ms", 10.into()),
                ("buffer.memory", 134_217_728.into()),
                ("compression.type", "lz4".into()),
                ("enable.idempotence", false.into()),
            ],
            Self::LowLatency => vec![
                ("acks", "1".into()),
                ("retries", 0.into()),
                ("batch.size", 1.into()),
                ("linger.ms", 0.into()),
                ("compression.type", "none".into()),
            ],
        }
    }
}

impl Preset for ConsumerPreset {
    type Role = ConsumerConfig;

    fn values(self) -> Vec<(&'static str, SettingValue)> {
        match self {
            Self::HighThroughput => vec![
                ("fetch.min.bytes", 65_536.into()),
                ("fetch.max.wait.ms", 500.into()),
                ("max.poll.records", 5_000.into()),
                ("receive.buffer.bytes", 262_144.into()),
            ],
            Self::LowLatency => vec![
                ("fetch.min.bytes", 1.into()),
                ("fetch.max.wait.ms", 0.into()),
                ("max.poll.records", 100.into()),
            ],
        }
    }
}
