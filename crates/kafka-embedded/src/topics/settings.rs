use std::collections::BTreeMap;

use super::TOPIC_CONFIGS;

/// The settings of a topic that the broker acts on, with Kafka's defaults where nothing is set.
#[derive(Clone, Debug)]
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
        }
    }
}
