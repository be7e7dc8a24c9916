use std::collections::BTreeSet;
use std::time::Duration;

use kafka_stream::dead_letter::TooLarge;
use kafka_stream::handler::{Concurrency, FailureAction};

use super::kind::{Kind, MAX, int, millis, size};
use super::{Place, Setting};
use crate::config::HandlerConfig;
use crate::config::topics::are_topic_characters;

/// More lanes than this are no way to handle one partition.
const MAX_LANES: usize = 10_000;

const ACTIONS: &str = "a list of `CLASS=ACTION`, each class at most once; a class may end in `*` for all that begin so, and \
    an action is `retry`, `dead-letter`, `skip` or `stop`";

/// The settings of handlers, retry topics, dead letters and redrives, which are this client's alone.
pub(super) static HANDLER: &[Setting] = &[
    setting(
        "handler.concurrency",
        "by-partition",
        "how many records of a partition are handled at a time: one, as many as there are keys at hand, or any; in order of the key but for `unordered`",
        Kind::Form {
            expects: "`by-partition`, or `by-key:N` or `unordered:N` with a whole number N from 1 to 10000",
            set: set_concurrency,
        },
    ),
    setting(
        "handler.max.running",
        "",
        "how many handlers run at a time over all partitions; without it as many as `handler.concurrency` allows in each",
        Kind::Whole { unit: "", min: 1, max: MAX, set: |c, v| c.options.max_running = Some(size(v)) },
    ),
    setting(
        "handler.max.outstanding",
        "1000",
        "a partition is paused while so many of its records wait or are handled",
        Kind::Whole { unit: "", min: 1, max: MAX, set: |c, v| c.options.max_outstanding = size(v) },
    ),
    time("handler.commit.interval.ms", "1000", "how often finished records are committed", 1, |c, v| {
        c.options.commit_interval = millis(v);
    }),
    time(
        "handler.drain.timeout.ms",
        "10000",
        "how long running handlers may go on when their partition is taken away or consumption ends; at most `max.poll.interval.ms`",
        0,
        |c, v| c.options.drain_timeout = millis(v),
    ),
    setting(
        "handler.max.attempts",
        "3",
        "how often a handler is tried before the record goes to the next retry topic, or to the dead letter topic",
        Kind::Whole {
            unit: "",
            min: 1,
            max: MAX,
            set: |c, v| c.options.retry.max_attempts = int(v).unsigned_abs(),
        },
    ),
    time("handler.retry.backoff.ms", "100", "the wait before a handler is tried again", 0, |c, v| {
        c.options.retry.initial_backoff = millis(v);
    }),
    time("handler.retry.backoff.max.ms", "10000", "up to where that grows with each failure", 0, |c, v| {
        c.options.retry.max_backoff = millis(v);
    }),
    setting(
        "handler.failure.actions",
        "",
        "what is done about a failure at first, by its class, whatever the failure says itself",
        Kind::List {
            expects: ACTIONS,
            set: |c, v| {
                let Some(actions) = actions(v) else { return false };
                c.options.failures = std::mem::take(&mut c.options.failures).with_actions(actions);
                true
            },
        },
    ),
    setting(
        "handler.failure.actions.after.retries",
        "",
        "what is done once attempts and retry topics are used up; without it, or by `retry`, dead letters",
        Kind::List {
            expects: ACTIONS,
            set: |c, v| {
                let Some(actions) = actions(v) else { return false };
                c.options.failures =
                    std::mem::take(&mut c.options.failures).with_actions_after_retries(actions);
                true
            },
        },
    ),
    setting(
        "retry.topic.delays.ms",
        "",
        "how long records wait in each of their retry topics, one topic for each; without it there are none",
        Kind::Items {
            expects: "whole numbers of milliseconds from 1 to 2147483647, up to 100 of them, as a JSON list or with commas between them",
            set: set_delays,
        },
    ),
    setting(
        "retry.topic.suffix",
        ".retry.",
        "what stands between a topic's name and the number of its retry topic",
        Kind::Form {
            expects: "1 to 100 of the characters `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`",
            set: |c, v| {
                let topics = std::mem::take(&mut c.options.retry_topics);
                c.options.retry_topics = topics.with_suffix(v);
                (1..=100).contains(&v.len()) && are_topic_characters(v)
            },
        },
    ),
    setting(
        "dead.letter.too.large",
        "stop",
        "a dead letter that is too large for its topic stops consumption at its record, or loses as much of its value as needed",
        Kind::Choice(&[
            ("stop", |c| c.too_large = TooLarge::Stop),
            ("trim", |c| c.too_large = TooLarge::Trim),
        ]),
    ),
    setting(
        "dead.letter.create.topics",
        "true",
        "dead letter topics and retry topics that are not there are created",
        Kind::Flag(|c, v| c.create_topics = v),
    ),
    setting(
        "redrive.max.redrives",
        "3",
        "how often one record is put back at most",
        Kind::Whole {
            unit: "",
            min: 1,
            max: MAX,
            set: |c, v| c.redrive.max_redrives = int(v).unsigned_abs(),
        },
    ),
    setting(
        "redrive.limit",
        "",
        "a redrive ends when so many were put back; without it, at what was the topic's end when it began",
        Kind::Whole { unit: "", min: 1, max: i64::MAX, set: |c, v| c.redrive.limit = Some(v.unsigned_abs()) },
    ),
    setting(
        "redrive.only.its.group",
        "false",
        "handlers of other groups than the one that failed pass by what was put back",
        Kind::Flag(|c, v| c.redrive.only_its_group = v),
    ),
    setting(
        "redrive.group.id",
        "streaming-kafka.redrive",
        "the group whose offsets tell how far a dead letter topic was put back",
        Kind::Text(|c, v| c.redrive_group = v.to_owned()),
    ),
];

const fn setting(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    kind: Kind<HandlerConfig>,
) -> Setting {
    Setting { name, default, doc, place: Place::Handler(kind) }
}

const fn time(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    min: i64,
    set: fn(&mut HandlerConfig, i64),
) -> Setting {
    setting(name, default, doc, Kind::Whole { unit: " of milliseconds", min, max: MAX, set })
}

fn set_concurrency(config: &mut HandlerConfig, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let lanes = |number: &str| {
        let digits = number.bytes().all(|b| b.is_ascii_digit());
        number.parse().ok().filter(|lanes| digits && (1..=MAX_LANES).contains(lanes))
    };
    let concurrency = match text.split_once(':') {
        None if text == "by-partition" => Some(Concurrency::ByPartition),
        Some(("by-key", number)) => lanes(number).map(Concurrency::ByKey),
        Some(("unordered", number)) => lanes(number).map(Concurrency::Unordered),
        _ => None,
    };
    concurrency.is_some_and(|concurrency| {
        config.options.concurrency = concurrency;
        true
    })
}

fn actions(items: &[String]) -> Option<Vec<(String, FailureAction)>> {
    let mut seen = BTreeSet::new();
    let read = |item: &String| {
        // Names of Rust types may hold an `=` themselves.
        let (class, action) = item.rsplit_once('=')?;
        let class = class.trim().to_owned();
        (!class.is_empty() && seen.insert(class.clone())).then_some((class, action.parse().ok()?))
    };
    let actions: Vec<_> = items.iter().map(read).collect::<Option<_>>()?;
    (!actions.is_empty()).then_some(actions)
}

fn set_delays(config: &mut HandlerConfig, items: &[String]) -> bool {
    let read = |item: &String| {
        let number = item.parse::<i64>().ok()?;
        (1..=MAX).contains(&number).then(|| millis(number))
    };
    let Some(delays) = items.iter().map(read).collect::<Option<Vec<Duration>>>() else { return false };
    if delays.is_empty() || delays.len() > 100 {
        return false;
    }
    config.options.retry_topics = std::mem::take(&mut config.options.retry_topics).with_delays(delays);
    true
}
