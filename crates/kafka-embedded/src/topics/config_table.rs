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
    /// A list of replicas, each `partition:broker`, or `*`.
    Replicas,
    /// A 32-bit number between two others.
    Between(i64, i64),
    /// A level of gzip, or -1 for its own default.
    Gzip,
    /// What brokers would need another setting for: it stays false.
    Never,
}

impl ConfigKind {
    pub(crate) fn code(self) -> i8 {
        match self {
            Self::Boolean | Self::Never => 1,
            Self::OneOf(_) => 2,
            Self::Int(_) | Self::Between(..) | Self::Gzip => 3,
            Self::Long(_) => 5,
            Self::Double(..) => 6,
            Self::ListOf(_) | Self::Replicas => 7,
        }
    }

    /// Whether a setting of this kind may have the value; otherwise why not.
    pub(crate) fn check(self, name: &str, value: &str) -> Result<(), String> {
        let invalid = |why: &str| Err(format!("Invalid value {value} for configuration {name}: {why}"));
        let text = value.trim();
        let number = |min: i64, max: i64, what: &str| match text.parse::<i64>() {
            Ok(number) if number > max => invalid(&format!("Not a number of type {what}")),
            Ok(number) if number < min => invalid(&format!("Value must be at least {min}")),
            Ok(_) => Ok(()),
            Err(_) => invalid(&format!("Not a number of type {what}")),
        };
        match self {
            Self::Boolean if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => {
                Ok(())
            }
            Self::Boolean => invalid("Expected value to be either true or false"),
            Self::Int(min) => number(min, i32::MAX.into(), "INT"),
            Self::Long(min) => number(min, i64::MAX, "LONG"),
            Self::Double(min, max) => match text.parse::<f64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(()),
                Ok(_) => invalid(&format!("Value must be between {min} and {max}")),
                Err(_) => invalid("Not a number of type DOUBLE"),
            },
            Self::OneOf(words) if words.contains(&text) => Ok(()),
            Self::OneOf(words) => invalid(&format!("String must be one of: {}", words.join(", "))),
            Self::ListOf(words) => match text.split(',').map(str::trim).find(|word| !words.contains(word)) {
                None => Ok(()),
                Some(word) if word.is_empty() && text.is_empty() => Ok(()),
                Some(_) => invalid(&format!("String must be one of: {}", words.join(", "))),
            },
            Self::Replicas if text.is_empty() || text == "*" || text.split(',').all(is_replica) => Ok(()),
            Self::Replicas => {
                invalid("Must be the literal '*' or a list of replicas in the form partition:broker")
            }
            Self::Between(min, max) => number(min, max, "INT"),
            Self::Gzip => match text.parse() {
                Ok(-1 | 1..=9) => Ok(()),
                _ => invalid("Value must be between 1 and 9 or equal to -1"),
            },
            Self::Never if text.eq_ignore_ascii_case("false") => Ok(()),
            Self::Never if text.eq_ignore_ascii_case("true") => {
                invalid("Tiered Storage functionality is disabled in the broker.")
            }
            Self::Never => invalid("Expected value to be either true or false"),
        }
    }
}

fn is_replica(text: &str) -> bool {
    text.split_once(':').is_some_and(|(partition, broker)| {
        [partition, broker].iter().all(|number| number.trim().parse::<u32>().is_ok())
    })
}

/// A setting that a topic can have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopicConfig {
    /// What brokers call the setting from which a topic's default comes, if one has a value of its own.
    pub(crate) of_brokers: Option<&'static str>,
    pub(crate) name: &'static str,
    pub(crate) kind: ConfigKind,
    pub(crate) default: &'static str,
}

const fn config(
    of_brokers: Option<&'static str>,
    name: &'static str,
    kind: ConfigKind,
    default: &'static str,
) -> TopicConfig {
    TopicConfig { of_brokers, name, kind, default }
}

use ConfigKind::{Between, Boolean, Double, Gzip, Int, ListOf, Long, Never, OneOf, Replicas};

/// The settings of Kafka 4.3, by name, with their defaults.
pub(crate) const TOPIC_CONFIGS: &[TopicConfig] = &[
    config(Some("log.cleanup.policy"), "cleanup.policy", ListOf(&["compact", "delete"]), "delete"),
    config(Some("compression.gzip.level"), "compression.gzip.level", Gzip, "-1"),
    config(Some("compression.lz4.level"), "compression.lz4.level", Between(1, 17), "9"),
    config(
        Some("compression.type"),
        "compression.type",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        "producer",
    ),
    config(Some("compression.zstd.level"), "compression.zstd.level", Between(-131_072, 22), "3"),
    config(Some("log.cleaner.delete.retention.ms"), "delete.retention.ms", Long(0), "86400000"),
    config(Some("log.segment.delete.delay.ms"), "file.delete.delay.ms", Long(0), "60000"),
    config(Some("log.flush.interval.messages"), "flush.messages", Long(1), "9223372036854775807"),
    config(None, "flush.ms", Long(0), "9223372036854775807"),
    config(None, "follower.replication.throttled.replicas", Replicas, ""),
    config(Some("log.index.interval.bytes"), "index.interval.bytes", Int(0), "4096"),
    config(None, "leader.replication.throttled.replicas", Replicas, ""),
    config(Some("log.local.retention.bytes"), "local.retention.bytes", Long(-2), "-2"),
    config(Some("log.local.retention.ms"), "local.retention.ms", Long(-2), "-2"),
    config(
        Some("log.cleaner.max.compaction.lag.ms"),
        "max.compaction.lag.ms",
        Long(1),
        "9223372036854775807",
    ),
    config(Some("message.max.bytes"), "max.message.bytes", Int(0), "1048588"),
    config(Some("log.message.timestamp.after.max.ms"), "message.timestamp.after.max.ms", Long(0), "3600000"),
    config(
        Some("log.message.timestamp.before.max.ms"),
        "message.timestamp.before.max.ms",
        Long(0),
        "9223372036854775807",
    ),
    config(
        Some("log.message.timestamp.type"),
        "message.timestamp.type",
        OneOf(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
    ),
    config(Some("log.cleaner.min.cleanable.ratio"), "min.cleanable.dirty.ratio", Double(0.0, 1.0), "0.5"),
    config(Some("log.cleaner.min.compaction.lag.ms"), "min.compaction.lag.ms", Long(0), "0"),
    config(Some("min.insync.replicas"), "min.insync.replicas", Int(1), "1"),
    config(Some("log.preallocate"), "preallocate", Boolean, "false"),
    config(None, "remote.log.copy.disable", Boolean, "false"),
    config(None, "remote.log.delete.on.disable", Boolean, "false"),
    config(None, "remote.storage.enable", Never, "false"),
    config(Some("log.retention.bytes"), "retention.bytes", Long(i64::MIN), "-1"),
    config(None, "retention.ms", Long(-1), "604800000"),
    config(Some("log.segment.bytes"), "segment.bytes", Int(1_048_576), "1073741824"),
    config(Some("log.index.size.max.bytes"), "segment.index.bytes", Int(4), "10485760"),
    config(None, "segment.jitter.ms", Long(0), "0"),
    config(None, "segment.ms", Long(1), "604800000"),
    config(Some("unclean.leader.election.enable"), "unclean.leader.election.enable", Boolean, "false"),
];

/// Whether a topic may have the setting with this value; otherwise why not.
pub(crate) fn check_config(name: &str, value: &str) -> Result<(), String> {
    let Some(config) = TOPIC_CONFIGS.iter().find(|config| config.name == name) else {
        return Err(format!("Unknown topic config name: {name}"));
    };
    config.kind.check(name, value)
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
