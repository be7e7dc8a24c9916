//! The settings that a group can have of its own.

use std::collections::BTreeMap;

use kafka_core::protocol::ErrorCode;

use super::alter_configs::Failure;
use super::describe_configs::{DEFAULT_CONFIG, Entry};
use crate::core::Cluster;
use crate::groups::reset;
use crate::settings::Settings;

/// Where a value comes from: it was set for the group.
const DYNAMIC_GROUP_CONFIG: i8 = 8;

const BOOLEAN: i8 = 1;
const STRING: i8 = 2;
const INT: i8 = 3;

/// What a value may be.
enum Values {
    Between(i64, i64),
    OneOf(&'static [&'static str]),
    Reset,
}

/// By name, with the value of a group that has none of its own.
fn table(settings: &Settings) -> Vec<(&'static str, i8, String, Values)> {
    let millis = |duration: std::time::Duration| duration.as_millis().to_string();
    let seconds = |from: i64, to: i64| Values::Between(from * 1000, to * 1000);
    let limit = settings.share_delivery_limit.to_string();
    vec![
        ("consumer.heartbeat.interval.ms", INT, millis(settings.consumer_heartbeat_interval), seconds(5, 15)),
        ("consumer.session.timeout.ms", INT, millis(settings.consumer_session_timeout), seconds(45, 60)),
        ("share.auto.offset.reset", STRING, "latest".to_owned(), Values::Reset),
        ("share.delivery.count.limit", INT, limit, Values::Between(2, 10)),
        ("share.heartbeat.interval.ms", INT, millis(settings.share_heartbeat_interval), seconds(5, 15)),
        (
            "share.isolation.level",
            STRING,
            "read_uncommitted".to_owned(),
            Values::OneOf(&["read_uncommitted", "read_committed"]),
        ),
        ("share.partition.max.record.locks", INT, "2000".to_owned(), Values::Between(100, 4000)),
        ("share.record.lock.duration.ms", INT, millis(settings.share_record_lock), seconds(15, 60)),
        ("share.renew.acknowledge.enable", BOOLEAN, "true".to_owned(), Values::OneOf(&["true", "false"])),
        ("share.session.timeout.ms", INT, millis(settings.share_session_timeout), seconds(45, 60)),
    ]
}

/// All settings of a group.
pub(super) fn group_entries(cluster: &Cluster, group: &str) -> Vec<Entry> {
    let own = cluster.groups.configs.get(group);
    let entries = table(&cluster.settings).into_iter().map(|(name, kind, default, _)| {
        let own = own.and_then(|configs| configs.get(name));
        Entry {
            name,
            called: Some(name),
            beneath: own.map(|_| (name, default.clone(), DEFAULT_CONFIG)).into_iter().collect(),
            value: own.cloned().unwrap_or(default),
            source: if own.is_some() { DYNAMIC_GROUP_CONFIG } else { DEFAULT_CONFIG },
            kind,
            read_only: false,
        }
    });
    entries.collect()
}

/// What is set for the group itself.
pub(super) fn group_configs(cluster: &Cluster, group: &str) -> Result<BTreeMap<String, String>, Failure> {
    if group.is_empty() {
        return Err((ErrorCode::INVALID_REQUEST, "Default group resources are not allowed.".to_owned()));
    }
    Ok(cluster.groups.configs.get(group).cloned().unwrap_or_default())
}

/// Checks the settings and gives them to the group.
pub(super) fn replace_group_configs(
    cluster: &mut Cluster,
    group: &str,
    configs: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), Failure> {
    let table = table(&cluster.settings);
    for (name, value) in &configs {
        let invalid = |message: String| Err((ErrorCode::INVALID_CONFIG, message));
        let Some((.., values)) = table.iter().find(|(known, ..)| known == name) else {
            return invalid(format!("Unknown group config name: {name}"));
        };
        let fits = match values {
            Values::Between(from, to) => value.parse().is_ok_and(|number| (*from..=*to).contains(&number)),
            Values::OneOf(words) => words.contains(&value.as_str()),
            Values::Reset => reset(value).is_some(),
        };
        if !fits {
            return invalid(format!("Invalid value {value} for configuration {name}"));
        }
    }
    if !validate_only {
        cluster.groups.configs.insert(group.to_owned(), configs);
    }
    Ok(())
}
