//! Every setting that a topic can have: its type, its default, and what values it takes.

/// What a setting's value looks like; the number is Kafka's own for the type (`DescribeConfigs`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ConfigKind {
    Boolean,
    /// A 32-bit number that is at least the given one.
    Int(i64),
    /// A 64-bit number that is at least the given one.
    Long(i64),
    /// A number between two others.
    Double(f64, f64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of these words.
    ListOf(&'static [&'static str]),
    /// A list of replicas, or `*`.
    Replicas,
}

impl ConfigKind {
    pub(crate) fn code(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::OneOf(_) => 2,
            Self::Int(_) => 3,
            Self::Long(_) => 5,
            Self::Double(..) => 6,
            Self::ListOf(_) | Self::Replicas => 7,
        }
    }
}

/// A setting that a topic can have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopicConfig {
    pub(crate) name: &'static str,
    pub(crate) kind: ConfigKind,
    pub(crate) default: &'static str,
}

const fn config(name: &'static str, kind: ConfigKind, default: &'static str) -> TopicConfig {
    TopicConfig { name, kind, default }
}

use ConfigKind::{Boolean, Double, Int, ListOf, Long, OneOf, Replicas};

/// The settings of Kafka 4.3, by name, with their defaults.
pub(crate) const TOPIC_CONFIGS: &[TopicConfig] = &[
    config("cleanup.policy", ListOf(&["compact", "delete"]), "delete"),
    config("compression.gzip.level", Int(-1), "-1"),
    config("compression.lz4.level", Int(1), "9"),
    config(
        "compression.type",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        "producer",
    ),
    config("compression.zstd.level", Int(-131_072), "3"),
    config("delete.retention.ms", Long(0), "86400000"),
    config("file.delete.delay.ms", Long(0), "60000"),
    config("flush.messages", Long(1), "9223372036854775807"),
    config("flush.ms", Long(0), "9223372036854775807"),
    config("follower.replication.throttled.replicas", Replicas, ""),
    config("index.interval.bytes", Int(0), "4096"),
    config("leader.replication.throttled.replicas", Replicas, ""),
    config("local.retention.bytes", Long(-2), "-2"),
    config("local.retention.ms", Long(-2), "-2"),
    config("max.compaction.lag.ms", Long(1), "9223372036854775807"),
    config("max.message.bytes", Int(0), "1048588"),
    config("message.timestamp.after.max.ms", Long(0), "3600000"),
    config("message.timestamp.before.max.ms", Long(0), "9223372036854775807"),
    config("message.timestamp.type", OneOf(&["CreateTime", "LogAppendTime"]), "CreateTime"),
    config("min.cleanable.dirty.ratio", Double(0.0, 1.0), "0.5"),
    config("min.compaction.lag.ms", Long(0), "0"),
    config("min.insync.replicas", Int(1), "1"),
    config("preallocate", Boolean, "false"),
    config("remote.log.copy.disable", Boolean, "false"),
    config("remote.log.delete.on.disable", Boolean, "false"),
    config("remote.storage.enable", Boolean, "false"),
    config("retention.bytes", Long(-1), "-1"),
    config("retention.ms", Long(-1), "604800000"),
    config("segment.bytes", Int(1_048_576), "1073741824"),
    config("segment.index.bytes", Int(4), "10485760"),
    config("segment.jitter.ms", Long(0), "0"),
    config("segment.ms", Long(1), "604800000"),
    config("unclean.leader.election.enable", Boolean, "false"),
];

/// Whether a topic may have the setting with this value; otherwise why not.
pub(crate) fn check_config(name: &str, value: &str) -> Result<(), String> {
    let Some(config) = TOPIC_CONFIGS.iter().find(|config| config.name == name) else {
        return Err(format!("Unknown topic config name: {name}"));
    };
    let invalid = |why: &str| Err(format!("Invalid value {value} for configuration {name}: {why}"));
    let text = value.trim();
    let number = |min: i64, max: i64, what: &str| match text.parse::<i64>() {
        Ok(number) if number > max => invalid(&format!("Not a number of type {what}")),
        Ok(number) if number < min => invalid(&format!("Value must be at least {min}")),
        Ok(_) => Ok(()),
        Err(_) => invalid(&format!("Not a number of type {what}")),
    };
    match config.kind {
        ConfigKind::Boolean if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => {
            Ok(())
        }
        ConfigKind::Boolean => invalid("Expected value to be either true or false"),
        ConfigKind::Int(min) => number(min, i32::MAX.into(), "INT"),
        ConfigKind::Long(min) => number(min, i64::MAX, "LONG"),
        ConfigKind::Double(min, max) => match text.parse::<f64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(()),
            Ok(_) => invalid(&format!("Value must be between {min} and {max}")),
            Err(_) => invalid("Not a number of type DOUBLE"),
        },
        ConfigKind::OneOf(words) if words.contains(&text) => Ok(()),
        ConfigKind::OneOf(words) => invalid(&format!("String must be one of: {}", words.join(", "))),
        ConfigKind::ListOf(words) => {
            match text.split(',').map(str::trim).find(|word| !words.contains(word)) {
                None => Ok(()),
                Some(word) if word.is_empty() && text.is_empty() => Ok(()),
                Some(_) => invalid(&format!("String must be one of: {}", words.join(", "))),
            }
        }
        ConfigKind::Replicas => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_valid_value() {
        for config in TOPIC_CONFIGS {
            assert_eq!(check_config(config.name, config.default), Ok(()), "{}", config.name);
        }
        assert!(TOPIC_CONFIGS.is_sorted_by_key(|config| config.name));
    }

    #[test]
    fn values_of_another_type_or_range_are_refused() {
        for (name, value) in [
            ("retention.ms", "soon"),
            ("retention.ms", "-2"),
            ("max.message.bytes", "4294967296"),
            ("cleanup.policy", "compact,keep"),
            ("compression.type", "brotli"),
            ("preallocate", "yes"),
            ("min.cleanable.dirty.ratio", "1.5"),
            ("min.insync.replicas", "0"),
            ("no.such.config", "1"),
        ] {
            assert!(check_config(name, value).is_err(), "{name}={value}");
        }
    }
}
