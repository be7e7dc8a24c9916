use std::collections::BTreeMap;
use std::time::Duration;

use kafka_core::{Error, ErrorKind, Result};

/// The per-topic settings that Kafka documents, up to 4.3.
const KNOWN_KEYS: [&str; 34] = [
    "cleanup.policy",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.downconversion.enable",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// Settings that older brokers know and newer ones have dropped.
const FORMER_KEYS: [&str; 2] = ["message.format.version", "message.timestamp.difference.max.ms"];

/// A topic's own settings: Kafka's keys in dotted spelling, and their values as text.
///
/// ```
/// use kafka_admin::TopicConfigs;
/// use std::time::Duration;
///
/// let configs = TopicConfigs::new()
///     .retention(Duration::from_secs(7 * 24 * 3600))
///     .set("cleanup.policy", "delete")
///     .set("min.insync.replicas", 2);
/// assert_eq!(configs.get("retention.ms"), Some("604800000"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicConfigs {
    entries: BTreeMap<String, String>,
    unchecked: bool,
}

impl TopicConfigs {
    /// No settings: the broker's defaults hold.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings for a production topic that three brokers hold: records are kept for 30 days or up to 1 TB per
    /// partition, in segments of a day; lz4; two replicas in sync before a write with `acks=all` is acknowledged; no
    /// unclean leader; records of at most 1 MiB.
    pub fn production() -> Self {
        Self::new()
            .set("cleanup.policy", "delete")
            .retention(Duration::from_secs(30 * 24 * 3600))
            .set("retention.bytes", 1_073_741_824_000_u64)
            .set("segment.ms", 24 * 3600 * 1000)
            .set("compression.type", "lz4")
            .set("min.insync.replicas", 2)
            .set("unclean.leader.election.enable", false)
            .set("max.message.bytes", 1_048_576)
    }

    /// Sets `key` to `value`, in place of what it was.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.entries.insert(key.into(), value.to_string());
        self
    }

    /// `retention.ms`: how long records are kept.
    #[must_use]
    pub fn retention(self, time: Duration) -> Self {
        self.set("retention.ms", time.as_millis())
    }

    /// Leaves keys that this client does not know to the broker, for settings of a newer or another broker.
    #[must_use]
    pub fn allow_unknown_keys(mut self) -> Self {
        self.unchecked = true;
        self
    }

    /// The value of `key`, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(String::as_str)
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Checks that Kafka knows every key; values are the broker's to judge.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], naming the key and the nearest known one.
    pub fn validate(&self) -> Result<()> {
        if self.unchecked {
            return Ok(());
        }
        self.entries.keys().try_for_each(|key| validate_key(key))
    }
}

impl<K: Into<String>, V: ToString> FromIterator<(K, V)> for TopicConfigs {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        entries.into_iter().fold(Self::new(), |configs, (key, value)| configs.set(key, value))
    }
}

/// Checks that `key` is a per-topic setting of Kafka.
pub(crate) fn validate_key(key: &str) -> Result<()> {
    let known = || KNOWN_KEYS.iter().chain(&FORMER_KEYS).copied();
    if known().any(|candidate| candidate == key) {
        return Ok(());
    }
    let nearest = known()
        .map(|candidate| (strsim::damerau_levenshtein(candidate, &key.replace('_', ".")), candidate))
        .min()
        .filter(|(distance, _)| *distance <= 5)
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"));
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "`{key}` is not a topic config that Kafka knows{}",
            nearest.as_deref().unwrap_or("; `allow_unknown_keys` leaves it to the broker")
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_with_the_nearest_known_one() {
        let error = TopicConfigs::new().set("retention_ms", 5).validate().unwrap_err();
        assert!(error.to_string().contains("did you mean `retention.ms`?"), "{error}");
        let error = TopicConfigs::new().set("wholly-other", 5).validate().unwrap_err();
        assert!(error.to_string().contains("allow_unknown_keys"), "{error}");
        assert!(TopicConfigs::new().set("wholly-other", 5).allow_unknown_keys().validate().is_ok());
    }

    #[test]
    fn the_production_preset_has_the_recommended_values() {
        let production = TopicConfigs::production();
        assert!(production.validate().is_ok());
        let entries: Vec<_> = production.iter().collect();
        assert_eq!(
            entries,
            [
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("min.insync.replicas", "2"),
                ("retention.bytes", "1073741824000"),
                ("retention.ms", "2592000000"),
                ("segment.ms", "86400000"),
                ("unclean.leader.election.enable", "false"),
            ]
        );
    }
}
