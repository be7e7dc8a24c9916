//! The settings of brokers: those that this one really has, which stay as they are, and those that are changed while it runs
//! (KIP-226).

use std::collections::BTreeMap;

use kafka_core::protocol::ErrorCode;

use super::alter_configs::Failure;
use super::describe_configs::{DEFAULT_CONFIG, Entry, STATIC_BROKER_CONFIG};
use crate::core::Cluster;
use crate::settings::Settings;
use crate::topics::ConfigKind;

/// Where a value comes from: it was set for the broker while it ran.
const DYNAMIC_BROKER_CONFIG: i8 = 2;
/// Where a value comes from: it was set for all brokers while they ran.
const DYNAMIC_DEFAULT_BROKER_CONFIG: i8 = 3;

/// What stands for all brokers.
const ALL_BROKERS: &str = "";

const BOOLEAN: i8 = 1;
const STRING: i8 = 2;
const INT: i8 = 3;
const LONG: i8 = 5;

const ANY_LONG: &str = "9223372036854775807";
const ANY_DOUBLE: &str = "1.7976931348623157E308";

/// What can be changed, by name, with its default. All of it concerns work that brokers have no need of here: replicas share a
/// log, and cleaning is done at once. Tools that move partitions set and clear some of it all the same.
const DYNAMIC: &[(&str, ConfigKind, &str)] = &[
    ("follower.replication.throttled.rate", ConfigKind::Long(0), ANY_LONG),
    ("leader.replication.throttled.rate", ConfigKind::Long(0), ANY_LONG),
    ("log.cleaner.backoff.ms", ConfigKind::Long(0), "15000"),
    ("log.cleaner.dedupe.buffer.size", ConfigKind::Long(0), "134217728"),
    ("log.cleaner.io.buffer.load.factor", ConfigKind::Double(0.0, f64::MAX), "0.9"),
    ("log.cleaner.io.buffer.size", ConfigKind::Int(0), "524288"),
    ("log.cleaner.io.max.bytes.per.second", ConfigKind::Double(0.0, f64::MAX), ANY_DOUBLE),
    ("log.cleaner.threads", ConfigKind::Int(0), "1"),
    ("replica.alter.log.dirs.io.max.bytes.per.second", ConfigKind::Long(0), ANY_LONG),
];

/// What was set for this broker, or for all under the empty name.
pub(super) fn broker_configs(
    cluster: &Cluster,
    broker: i32,
    name: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    if name != ALL_BROKERS && name != broker.to_string() {
        let message = format!("Unexpected broker id, expected {broker}, but received {name}");
        return Err((ErrorCode::INVALID_REQUEST, message));
    }
    Ok(cluster.broker_configs.get(name).cloned().unwrap_or_default())
}

/// Checks the settings and gives them to the broker, or to all.
pub(super) fn replace_broker_configs(
    cluster: &mut Cluster,
    broker: &str,
    configs: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), Failure> {
    for (name, value) in &configs {
        let kind = DYNAMIC.iter().find(|(known, ..)| known == name).map(|(_, kind, _)| *kind);
        // Kafka's code for a setting that is not right, too.
        let invalid = |message| (ErrorCode::INVALID_REQUEST, message);
        let kind =
            kind.ok_or_else(|| invalid(format!("Cannot update these configs dynamically: Set({name})")))?;
        kind.check(name, value).map_err(invalid)?;
    }
    if !validate_only {
        cluster.broker_configs.insert(broker.to_owned(), configs);
    }
    Ok(())
}

/// What was set for all brokers while they ran.
pub(super) fn default_broker_entries(cluster: &Cluster) -> Vec<Entry> {
    let entries = DYNAMIC.iter().map(|dynamic| dynamic_entry(cluster, ALL_BROKERS, dynamic));
    entries.filter(|entry| entry.source == DYNAMIC_DEFAULT_BROKER_CONFIG).collect()
}

fn dynamic_entry(
    cluster: &Cluster,
    broker: &str,
    &(name, kind, default): &(&'static str, ConfigKind, &str),
) -> Entry {
    let set_for = |broker: &str| cluster.broker_configs.get(broker)?.get(name).cloned();
    let own = set_for(broker).filter(|_| broker != ALL_BROKERS);
    let own = own.map(|value| (name, value, DYNAMIC_BROKER_CONFIG));
    let of_all = set_for(ALL_BROKERS).map(|value| (name, value, DYNAMIC_DEFAULT_BROKER_CONFIG));
    let mut values = own.into_iter().chain(of_all).chain([(name, default.to_owned(), DEFAULT_CONFIG)]);
    let (_, value, source) = values.next().unwrap_or_default();
    let beneath = values.collect();
    Entry { name, value, source, kind: kind.code(), read_only: false, called: Some(name), beneath }
}

/// All settings of the broker with this id, by name.
pub(super) fn broker_entries(cluster: &Cluster, broker: i32) -> Vec<Entry> {
    let settings = &cluster.settings;
    let defaults = Settings::default();
    let entry = |name, value: String, default: String, kind| Entry {
        name,
        source: if value == default { DEFAULT_CONFIG } else { STATIC_BROKER_CONFIG },
        value,
        kind,
        read_only: true,
        called: Some(name),
        beneath: Vec::new(),
    };
    macro_rules! entries {
        ($($name:literal $kind:ident $value:expr;)*) => {
            vec![$(entry($name, $value(settings).to_string(), $value(&defaults).to_string(), $kind)),*]
        };
    }
    let mut entries = entries! {
        "auto.create.topics.enable" BOOLEAN |s: &Settings| s.auto_create_topics;
        "default.replication.factor" INT |s: &Settings| s.default_replication_factor;
        "fetch.max.bytes" INT |s: &Settings| s.fetch_max_bytes;
        "group.consumer.heartbeat.interval.ms" INT |s: &Settings| s.consumer_heartbeat_interval.as_millis();
        "group.consumer.max.size" INT |s: &Settings| s.consumer_max_group_size;
        "group.consumer.migration.policy" STRING |s: &Settings| s.migration_policy;
        "group.consumer.session.timeout.ms" INT |s: &Settings| s.consumer_session_timeout.as_millis();
        "group.initial.rebalance.delay.ms" INT |s: &Settings| s.initial_rebalance_delay.as_millis();
        "group.max.session.timeout.ms" INT |s: &Settings| s.max_session_timeout.as_millis();
        "group.min.session.timeout.ms" INT |s: &Settings| s.min_session_timeout.as_millis();
        "log.retention.check.interval.ms" LONG |s: &Settings| s.retention_check_interval.as_millis();
        "max.incremental.fetch.session.cache.slots" INT |s: &Settings| s.max_fetch_sessions;
        "num.partitions" INT |s: &Settings| s.num_partitions;
        "offset.metadata.max.bytes" INT |s: &Settings| s.max_offset_metadata;
        "offsets.topic.num.partitions" INT |s: &Settings| s.offsets_topic_partitions;
        "socket.request.max.bytes" INT |s: &Settings| s.max_request_bytes;
    };
    entries.push(entry("node.id", broker.to_string(), String::new(), INT));
    let id = broker.to_string();
    entries.extend(DYNAMIC.iter().map(|dynamic| dynamic_entry(cluster, &id, dynamic)));
    entries.sort_by_key(|entry| entry.name);
    entries
}
