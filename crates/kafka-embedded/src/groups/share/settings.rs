use std::collections::BTreeMap;
use std::time::Duration;

use crate::settings::Settings;

/// Where a share group starts to read a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reset {
    Latest,
    Earliest,
    /// So long ago.
    ByDuration(Duration),
}

/// How a share group is to behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShareSettings {
    pub(crate) session_timeout: Duration,
    pub(crate) heartbeat_interval: Duration,
    /// For how long a member may have a record.
    pub(crate) record_lock: Duration,
    /// So many records of a partition may be given out and not finished.
    pub(crate) record_locks: usize,
    /// How often a record is tried.
    pub(crate) delivery_limit: i16,
    pub(crate) reset: Reset,
    /// Whether only committed records are given out.
    pub(crate) committed: bool,
}

impl ShareSettings {
    /// What the brokers' settings and those of the group make.
    pub(crate) fn of(settings: &Settings, group: Option<&BTreeMap<String, String>>) -> Self {
        let text = |name: &str| group.and_then(|configs| configs.get(name)).map(String::as_str);
        let number = |name: &str| text(name).and_then(|text| text.parse::<u32>().ok());
        let duration = |name: &str| number(name).map(|millis| Duration::from_millis(millis.into()));
        let locks = number("share.partition.max.record.locks").and_then(|count| usize::try_from(count).ok());
        let limit = number("share.delivery.count.limit").and_then(|count| i16::try_from(count).ok());
        Self {
            session_timeout: duration("share.session.timeout.ms").unwrap_or(settings.share_session_timeout),
            heartbeat_interval: duration("share.heartbeat.interval.ms")
                .unwrap_or(settings.share_heartbeat_interval),
            record_lock: duration("share.record.lock.duration.ms").unwrap_or(settings.share_record_lock),
            record_locks: locks.unwrap_or(2000),
            delivery_limit: limit.unwrap_or(settings.share_delivery_limit),
            reset: text("share.auto.offset.reset").and_then(reset).unwrap_or(Reset::Latest),
            committed: text("share.isolation.level") == Some("read_committed"),
        }
    }
}

/// `None` for a text that is not valid.
pub(crate) fn reset(text: &str) -> Option<Reset> {
    match text {
        "latest" => Some(Reset::Latest),
        "earliest" => Some(Reset::Earliest),
        _ => text.strip_prefix("by_duration:").and_then(duration).map(Reset::ByDuration),
    }
}

/// A duration of ISO 8601 in days, hours, minutes and seconds.
fn duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('P')?;
    let (days, time) = text.split_once('T').unwrap_or((text, ""));
    let part = |rest: &mut &str, unit: char, seconds: f64| -> Option<f64> {
        let Some((number, after)) = rest.split_once(unit) else { return Some(0.0) };
        *rest = after;
        Some(number.parse::<f64>().ok().filter(|number| *number >= 0.0)? * seconds)
    };
    let (mut days, mut time) = (days, time);
    let sum = part(&mut days, 'D', 86_400.0)?
        + part(&mut time, 'H', 3600.0)?
        + part(&mut time, 'M', 60.0)?
        + part(&mut time, 'S', 1.0)?;
    let complete = days.is_empty() && time.is_empty() && !text.is_empty();
    complete.then(|| Duration::try_from_secs_f64(sum).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_are_read_as_kafka_writes_them() {
        let seconds = |count| Some(Reset::ByDuration(Duration::from_secs(count)));
        assert_eq!(reset("earliest"), Some(Reset::Earliest));
        assert_eq!(reset("by_duration:PT1H30M"), seconds(5400));
        assert_eq!(reset("by_duration:P1DT1S"), seconds(86_401));
        for wrong in
            ["", "by_duration:", "by_duration:P", "by_duration:PT5", "by_duration:5S", "by_duration:PT-1S"]
        {
            assert_eq!(reset(wrong), None, "{wrong}");
        }
    }
}
