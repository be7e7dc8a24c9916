use std::time::Duration;

use kafka_stream::consumer::{
    AssignmentStrategy, AutoOffsetReset, ConsumerConfig, GroupProtocol, IsolationLevel,
};

use super::kind::{Kind, MAX, int, millis, size};
use super::{Place, Setting};
use crate::config::topics::topic_name_problem;

/// The settings of a consumer.
pub(super) static CONSUMER: &[Setting] = &[
    setting("group.id", "", "the consumer group", Kind::Text(|c, v| c.group_id = Some(v.to_owned()))),
    setting(
        "group.instance.id",
        "",
        "the name of a static member, which keeps its partitions over a restart",
        Kind::Form {
            expects: "1 to 249 of the characters `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`, and not `.` or `..`",
            set: |c, v| {
                c.group_instance_id = Some(v.to_owned());
                topic_name_problem(v).is_none()
            },
        },
    ),
    setting(
        "group.protocol",
        "classic",
        "which protocol the group speaks",
        Kind::Choice(&[
            ("classic", |c| c.group_protocol = GroupProtocol::Classic),
            ("consumer", |c| c.group_protocol = GroupProtocol::Consumer),
        ]),
    ),
    setting(
        "group.remote.assignor",
        "",
        "the broker's assignor for `group.protocol=consumer`: `uniform`, `range`, or one that it was given",
        Kind::Text(|c, v| c.group_remote_assignor = Some(v.to_owned())),
    ),
    setting(
        "partition.assignment.strategy",
        "range,cooperative-sticky",
        "how partitions are given to members, the preferred way first; Java's class names are understood",
        Kind::List {
            expects: "a list of `range`, `roundrobin`, `sticky`, `cooperative-sticky`, each at most once",
            set: set_strategies,
        },
    ),
    setting(
        "auto.offset.reset",
        "earliest",
        "where to start without a committed offset, or with one that is gone",
        Kind::Form {
            expects: "`earliest`, `latest`, `none`, or `by_duration:` with an ISO 8601 duration (`by_duration:PT1H`)",
            set: set_offset_reset,
        },
    ),
    setting(
        "enable.auto.commit",
        "false",
        "offsets are committed by time instead of by hand",
        Kind::Flag(|c, v| c.enable_auto_commit = v),
    ),
    time("auto.commit.interval.ms", "5000", "how often, if so", 1, |c, v| c.auto_commit_interval = millis(v)),
    setting(
        "max.poll.records",
        "500",
        "the most records that one poll returns",
        Kind::Whole { unit: "", min: 1, max: MAX, set: |c, v| c.max_poll_records = size(v) },
    ),
    time(
        "max.poll.interval.ms",
        "300000",
        "the longest time between two polls before the member leaves its group",
        1,
        |c, v| c.max_poll_interval = millis(v),
    ),
    time(
        "session.timeout.ms",
        "30000",
        "without a heartbeat for so long, the broker gives the member's partitions to others",
        1,
        |c, v| c.session_timeout = millis(v),
    ),
    time(
        "heartbeat.interval.ms",
        "3000",
        "how often; below `session.timeout.ms`, best a third",
        1,
        |c, v| {
            c.heartbeat_interval = millis(v);
        },
    ),
    bytes("fetch.min.bytes", "1024", "the broker waits until it has so much", 0, |c, v| {
        c.fetch_min_bytes = int(v);
    }),
    time("fetch.max.wait.ms", "500", "and for no longer than this", 0, |c, v| c.fetch_max_wait = millis(v)),
    bytes("fetch.max.bytes", "52428800", "the most that one fetch returns", 1, |c, v| {
        c.fetch_max_bytes = int(v);
    }),
    bytes(
        "max.partition.fetch.bytes",
        "1048576",
        "the most that one fetch returns of a partition",
        1,
        |c, v| {
            c.max_partition_fetch_bytes = int(v);
        },
    ),
    setting(
        "prefetch.max.bytes",
        "33554432",
        "the most that is fetched ahead of `poll`, over all partitions; a setting of this client alone",
        Kind::Whole { unit: " of bytes", min: 1, max: i64::MAX, set: |c, v| c.prefetch_max_bytes = size(v) },
    ),
    setting(
        "isolation.level",
        "read_uncommitted",
        "which records of transactions are seen",
        Kind::Choice(&[
            ("read_uncommitted", |c| c.isolation_level = IsolationLevel::ReadUncommitted),
            ("read_committed", |c| c.isolation_level = IsolationLevel::ReadCommitted),
        ]),
    ),
    setting("check.crcs", "true", "each batch's checksum is verified", Kind::Flag(|c, v| c.check_crcs = v)),
    setting(
        "client.rack",
        "",
        "where this consumer is, to fetch from a near replica",
        Kind::Text(|c, v| c.client_rack = Some(v.to_owned())),
    ),
    setting(
        "exclude.internal.topics",
        "true",
        "a pattern leaves Kafka's own topics out",
        Kind::Flag(|c, v| c.exclude_internal_topics = v),
    ),
    setting(
        "allow.auto.create.topics",
        "false",
        "the broker may create a topic that is subscribed to",
        Kind::Flag(|c, v| c.allow_auto_create_topics = v),
    ),
    time("default.api.timeout.ms", "60000", "how long commits and look-ups may take", 1, |c, v| {
        c.default_api_timeout = millis(v);
    }),
    time("request.timeout.ms", "30000", "how long one request may take", 1, |c, v| {
        c.request_timeout = millis(v);
    }),
];

const fn setting(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    kind: Kind<ConsumerConfig>,
) -> Setting {
    Setting { name, default, doc, place: Place::Consumer(kind) }
}

const fn time(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    min: i64,
    set: fn(&mut ConsumerConfig, i64),
) -> Setting {
    setting(name, default, doc, Kind::Whole { unit: " of milliseconds", min, max: MAX, set })
}

const fn bytes(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    min: i64,
    set: fn(&mut ConsumerConfig, i64),
) -> Setting {
    setting(name, default, doc, Kind::Whole { unit: " of bytes", min, max: MAX, set })
}

fn set_strategies(config: &mut ConsumerConfig, names: &[String]) -> bool {
    let mut strategies = Vec::with_capacity(4);
    for name in names {
        let strategy = match name.strip_prefix("org.apache.kafka.clients.consumer.").unwrap_or(name) {
            "range" | "RangeAssignor" => AssignmentStrategy::Range,
            "roundrobin" | "RoundRobinAssignor" => AssignmentStrategy::RoundRobin,
            "sticky" | "StickyAssignor" => AssignmentStrategy::Sticky,
            "cooperative-sticky" | "CooperativeStickyAssignor" => AssignmentStrategy::CooperativeSticky,
            _ => return false,
        };
        if strategies.contains(&strategy) {
            return false;
        }
        strategies.push(strategy);
    }
    config.partition_assignment_strategy = strategies;
    !config.partition_assignment_strategy.is_empty()
}

fn set_offset_reset(config: &mut ConsumerConfig, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    config.auto_offset_reset = match text.as_str() {
        "earliest" => AutoOffsetReset::Earliest,
        "latest" => AutoOffsetReset::Latest,
        "none" => AutoOffsetReset::None,
        _ => match text.strip_prefix("by_duration:").and_then(iso_duration) {
            Some(duration) => AutoOffsetReset::ByDuration(duration),
            None => return false,
        },
    };
    true
}

/// Reads `PnDTnHnMnS` in lower case, as far as days; seconds may have decimals.
fn iso_duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('p')?;
    let (days, time) = match text.split_once('t') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    let mut rest = days;
    for (unit, seconds) in [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)] {
        if unit == 'h' {
            if !rest.is_empty() {
                return None;
            }
            rest = time;
        }
        let Some((number, after)) = rest.split_once(unit) else { continue };
        rest = after;
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) if unit == 's' => (whole, nanos(fraction)?),
            Some(_) => return None,
            None => (number, 0),
        };
        if !whole.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let whole = whole.parse::<u64>().ok()?.checked_mul(seconds)?;
        total = total.checked_add(Duration::new(whole, fraction))?;
    }
    rest.is_empty().then_some(total)
}

fn nanos(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<9}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iso_duration_is_read_as_java_reads_it() {
        let cases = [
            ("pt1h", Some(3_600_000)),
            ("p1d", Some(86_400_000)),
            ("p1dt2h3m4.5s", Some(93_784_500)),
            ("pt0s", Some(0)),
            ("pt0.000001s", Some(0)),
            ("", None),
            ("p", None),
            ("pt", None),
            ("1h", None),
            ("p1h", None),
            ("pt1d", None),
            ("pt1.5h", None),
            ("pt-1h", None),
            ("pt+1h", None),
            ("pt1m1h", None),
            ("pt1hx", None),
            ("pth", None),
            ("pt99999999999999999999h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(iso_duration(text).map(|d| d.as_millis()), expected, "{text}");
        }
    }
}
