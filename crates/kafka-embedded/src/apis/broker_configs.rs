//! What `DescribeConfigs` says of a broker: the settings that this one really has.

use super::describe_configs::{DEFAULT_CONFIG, Entry, STATIC_BROKER_CONFIG};
use crate::settings::Settings;

const BOOLEAN: i8 = 1;
const INT: i8 = 3;
const LONG: i8 = 5;

/// The settings of the broker with this id, by name.
pub(super) fn broker_entries(settings: &Settings, broker: i32) -> Vec<Entry> {
    let defaults = Settings::default();
    let entry = |name, value: String, default: String, kind| Entry {
        name,
        source: if value == default { DEFAULT_CONFIG } else { STATIC_BROKER_CONFIG },
        value,
        kind,
        read_only: true,
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
    entries.sort_by_key(|entry| entry.name);
    entries
}
