use std::collections::BTreeMap;

use kafka_core::records::{Compression, CompressionLevels};

use super::TOPIC_CONFIGS;

/// The settings of a topic that the broker acts on, with Kafka's defaults where nothing is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopicSettings {
    pub(crate) max_message_bytes: usize,
    pub(crate) log_append_time: bool,
    pub(crate) timestamp_before_max_ms: i64,
    pub(crate) timestamp_after_max_ms: i64,
    pub(crate) min_insync_replicas: usize,
    pub(crate) compact: bool,
    pub(crate) delete: bool,
    /// -1 for no limit.
    pub(crate) retention_ms: i64,
    /// -1 for no limit.
    pub(crate) retention_bytes: i64,
    pub(crate) segment_bytes: usize,
    pub(crate) segment_ms: i64,
    pub(crate) delete_retention_ms: i64,
    pub(crate) min_compaction_lag_ms: i64,
    pub(crate) max_compaction_lag_ms: i64,
    pub(crate) min_cleanable_dirty_ratio: f64,
    /// What batches are stored in; `None` for whatever the producer chose.
    pub(crate) compression: Option<Compression>,
    pub(crate) compression_levels: CompressionLevels,
}

impl TopicSettings {
    pub(crate) fn of(configs: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| -> &str {
            let default =
                || TOPIC_CONFIGS.iter().find(|config| config.name == name).map(|config| config.default);
            configs.get(name).map(String::as_str).or_else(default).unwrap_or_default()
        };
        let number = |name: &str| text(name).trim().parse::<i64>().unwrap_or_default();
        let size = |name: &str| usize::try_from(number(name)).unwrap_or_default();
        let level = |name: &str| {
            let set = configs.get(name).and_then(|value| value.trim().parse::<i32>().ok());
            // -1 is how gzip's own default is asked for.
            set.filter(|&level| level != -1)
        };
        let mut compression_levels = CompressionLevels::default();
        compression_levels.gzip = level("compression.gzip.level");
        compression_levels.lz4 = level("compression.lz4.level");
        compression_levels.zstd = level("compression.zstd.level");
        let compression = match text("compression.type").trim() {
            "uncompressed" => Some(Compression::None),
            name => name.parse().ok(),
        };
        let policies: Vec<&str> = text("cleanup.policy").split(',').map(str::trim).collect();
        Self {
            max_message_bytes: size("max.message.bytes"),
            log_append_time: text("message.timestamp.type") == "LogAppendTime",
            timestamp_before_max_ms: number("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: number("message.timestamp.after.max.ms"),
            min_insync_replicas: size("min.insync.replicas"),
            compact: policies.contains(&"compact"),
            delete: policies.contains(&"delete"),
            retention_ms: number("retention.ms"),
            retention_bytes: number("retention.bytes"),
            segment_bytes: size("segment.bytes"),
            segment_ms: number("segment.ms"),
            delete_retention_ms: number("delete.retention.ms"),
            min_compaction_lag_ms: number("min.compaction.lag.ms"),
            max_compaction_lag_ms: number("max.compaction.lag.ms"),
            min_cleanable_dirty_ratio: text("min.cleanable.dirty.ratio").trim().parse().unwrap_or(0.5),
            compression,
            compression_levels,
        }
    }

    /// How long a segment is written to at most; one that is to be compacted in time must end in time.
    pub(crate) fn longest_segment_ms(&self) -> i64 {
        if self.compact { self.segment_ms.min(self.max_compaction_lag_ms) } else { self.segment_ms }
    }
}
