//! The settings of handlers, retry topics, dead letters and redrives.

use std::time::Duration;

use kafka_stream::dead_letter::TooLarge;
use kafka_stream::handler::{Concurrency, FailureAction, FailurePolicy};

use super::*;
use crate::config::ConfigErrorKind::Contradiction;

fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

#[test]
fn every_setting_of_handlers_is_read_from_variables_and_from_a_file() {
    let file = "handler.concurrency=by-key:8\nhandler.max.running=20\nhandler.max.outstanding=50\n\
        handler.commit.interval.ms=200\nhandler.drain.timeout.ms=3000\nhandler.max.attempts=5\n\
        handler.retry.backoff.ms=10\nhandler.retry.backoff.max.ms=20\n\
        handler.failure.actions=serde_json::Error=skip,db::*=stop\n\
        handler.failure.actions.after.retries=*=dead-letter\nretry.topic.delays.ms=1000,60000\n\
        retry.topic.suffix=.later-\ndead.letter.too.large=trim\ndead.letter.create.topics=false\n\
        redrive.max.redrives=7\nredrive.limit=99\nredrive.only.its.group=true\nredrive.group.id=back\n";
    let object = r#"{"handler_concurrency":"by-key:8","handler.max.running":20,"handler_max_outstanding":"50",
        "handler.commit.interval.ms":200,"handler.drain.timeout.ms":3000,"handler.max.attempts":5,
        "handler.retry.backoff.ms":10,"handler.retry.backoff.max.ms":20,
        "handler.failure.actions":["serde_json::Error=skip","db::*=stop"],
        "handler.failure.actions.after.retries":["*=dead-letter"],
        "retry.topic.suffix":".later-","dead.letter.too.large":"trim","dead.letter.create.topics":false,
        "redrive.max.redrives":7,"redrive.limit":99,"redrive.only.its.group":true,"redrive.group.id":"back"}"#;
    let own = (&*format!("{HANDLER}__RETRY_TOPIC_DELAYS_MS"), "[1000, 60000]");
    for config in [
        KafkaConfig::from_properties_reader("c.properties", file.as_bytes()).unwrap(),
        read(&[(HANDLER, object), own]).unwrap(),
    ] {
        let handler = config.handler_settings().unwrap();
        let options = &handler.options;
        assert_eq!((options.concurrency, options.max_running), (Concurrency::ByKey(8), Some(20)));
        assert_eq!((options.max_outstanding, options.retry.max_attempts), (50, 5));
        assert_eq!((options.commit_interval, options.drain_timeout), (ms(200), ms(3_000)));
        assert_eq!((options.retry.initial_backoff, options.retry.max_backoff), (ms(10), ms(20)));
        let policy = FailurePolicy::default()
            .on("serde_json::Error", FailureAction::Skip)
            .on("db::*", FailureAction::Stop)
            .after_retries("*", FailureAction::DeadLetter);
        assert_eq!(options.failures, policy);
        assert_eq!(options.retry_topics.delays(), [ms(1_000), ms(60_000)]);
        assert_eq!(options.retry_topics.topics_for("a"), ["a.later-1", "a.later-2"]);
        assert_eq!((handler.too_large, handler.create_topics), (TooLarge::Trim, false));
        assert_eq!((handler.redrive.max_redrives, handler.redrive.limit), (7, Some(99)));
        assert_eq!((handler.redrive.only_its_group, handler.redrive_group.as_str()), (true, "back"));
    }
}

#[test]
fn a_setting_that_is_set_again_replaces_what_it_was() {
    let mut config = KafkaConfig::default();
    config.set_handler("handler.failure.actions", "a=skip,b=stop").unwrap();
    config.set_handler("handler_failure_actions", "b=skip").unwrap();
    assert_eq!(config.handler_config.options.failures, FailurePolicy::default().on("b", FailureAction::Skip));
    config
        .set_handler("retry.topic.delays.ms", "1,2")
        .unwrap()
        .set_handler("retry.topic.suffix", ".r")
        .unwrap();
    config.set_handler("retry.topic.delays.ms", 5).unwrap();
    assert_eq!(config.handler_config.options.retry_topics.topics_for("t"), ["t.r1"]);
}

#[test]
fn a_default_of_handlers_gives_way_to_what_was_set() {
    let handler = |text| read(&[(HANDLER, text)]).unwrap().handler_settings().unwrap().options;
    assert_eq!(handler(r#"{"handler.retry.backoff.ms":60000}"#).retry.max_backoff, ms(60_000));
    assert_eq!(handler(r#"{"handler.retry.backoff.max.ms":50}"#).retry.initial_backoff, ms(50));
    let short = r#"{"session.timeout.ms":6000,"max.poll.interval.ms":7000}"#;
    let config = read(&[(CONSUMER, short)]).unwrap();
    assert_eq!(config.handler_settings().unwrap().options.drain_timeout, ms(7_000));
}

#[test]
fn settings_of_handlers_that_exclude_each_other_are_refused() {
    let off = ("STREAMING_KAFKA__ENABLE_DEAD_LETTER_QUEUE", "false");
    let delays = (HANDLER, r#"{"retry_topic_delays_ms":[10,20]}"#);
    let long = "x".repeat(242);
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (
            &[(HANDLER, r#"{"handler.retry.backoff.ms":9,"handler.retry.backoff.max.ms":8}"#)],
            &[HANDLER, "`handler.retry.backoff.ms`", "`9`", "(8)"],
        ),
        (
            &[(HANDLER, r#"{"handler.drain.timeout.ms":300001}"#)],
            &[HANDLER, "`handler.drain.timeout.ms`", "`300001`", "`max.poll.interval.ms` (300000)"],
        ),
        (&[off, delays], &[HANDLER, "`retry_topic_delays_ms`", "`10,20`", off.0, "`false`"]),
        (
            &[("STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX", ".retry.2"), delays],
            &["STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX", "`.retry.2`", "retry topic"],
        ),
        (
            &[("STREAMING_ALERTS_TOPIC", &long), delays],
            &[HANDLER, "`retry_topic_suffix`", "`.retry.`", &long, "249"],
        ),
    ];
    for (variables, parts) in cases {
        let error = refused(variables);
        assert_eq!(error.kind(), Contradiction, "{error}");
        assert_says(&error, parts);
    }
}
