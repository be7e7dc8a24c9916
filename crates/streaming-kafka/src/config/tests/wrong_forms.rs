//! Every setting in every wrong form.

use serde_json::{Value, json};

use super::*;
use crate::config::settings::{Setting, all, snake};
use crate::config::{ConfigErrorKind, HandlerConfig};
use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::ProducerConfig;

/// Each setting with each variable that it belongs in, and with both spellings of its name.
fn every_place() -> Vec<(&'static str, String, &'static Setting)> {
    let mut places = Vec::new();
    for setting in all() {
        for key in [setting.name.to_owned(), snake(setting.name)] {
            if setting.is_of::<ProducerConfig>() {
                places.push((PRODUCER, key.clone(), setting));
            }
            if setting.is_of::<ConsumerConfig>() {
                places.push((CONSUMER, key.clone(), setting));
            }
            if setting.is_of::<HandlerConfig>() {
                places.push((HANDLER, key.clone(), setting));
            }
        }
    }
    places
}

/// Values that are wrong for a setting, by what it expects.
fn wrong_values(setting: &Setting) -> Vec<(Value, ConfigErrorKind)> {
    use ConfigErrorKind::{OutOfRange, WrongType};
    let expects = setting.expects();
    let mut wrong = vec![(json!(null), WrongType), (json!({"a": 1}), WrongType)];
    if expects.starts_with("a whole number") {
        wrong.extend([
            (json!("much"), WrongType),
            (json!(""), WrongType),
            (json!("5ms"), WrongType),
            (json!("0x10"), WrongType),
            (json!(1.5), WrongType),
            (json!("1.5"), WrongType),
            (json!(1e300), WrongType),
            (json!(true), WrongType),
            (json!([5]), WrongType),
            (json!(i64::MIN), OutOfRange),
            (json!("-99999999999999999999999"), OutOfRange),
        ]);
        if !expects.contains("at least") {
            wrong.extend([
                (json!(i64::MAX), OutOfRange),
                (json!(u64::MAX), OutOfRange),
                (json!("99999999999999999999999"), OutOfRange),
                (json!(4_294_967_296_u64), OutOfRange),
            ]);
        }
        let below = if setting.name.ends_with("buffer.bytes") { -2 } else { -1 };
        if setting.name != "compression.zstd.level" {
            wrong.extend([(json!(below), OutOfRange), (json!(below.to_string()), OutOfRange)]);
        }
        if expects.contains("from 1 ") || expects.contains("at least 1") {
            wrong.push((json!(0), OutOfRange));
        }
    } else if expects.starts_with("`true`") {
        for text in ["yes", "1", "", "tru"] {
            wrong.push((json!(text), WrongType));
        }
        wrong.extend([(json!(1), WrongType), (json!([true]), WrongType)]);
    } else {
        wrong.extend([(json!(true), WrongType), (json!(""), OutOfRange), (json!("  "), OutOfRange)]);
        if expects.starts_with("one of") || expects.starts_with("`classic`") {
            wrong.extend([
                (json!(["gzip"]), WrongType),
                (json!("brotli"), OutOfRange),
                (json!(7), OutOfRange),
            ]);
        } else if expects.starts_with("a list") {
            wrong.extend([
                (json!(["range", 5]), WrongType),
                (json!(["range", "range"]), OutOfRange),
                (json!("range,RangeAssignor"), OutOfRange),
                (json!("range,"), OutOfRange),
                (json!([]), OutOfRange),
                (json!("best"), OutOfRange),
            ]);
        } else if expects.starts_with("whole numbers") {
            wrong.extend([
                (json!([1, true]), WrongType),
                (json!([1, [2]]), WrongType),
                (json!([]), OutOfRange),
                (json!(0), OutOfRange),
                (json!([1000, -1]), OutOfRange),
                (json!([1.5]), OutOfRange),
                (json!(u64::MAX), OutOfRange),
                (json!("10s"), OutOfRange),
                (json!("1000,"), OutOfRange),
            ]);
        } else {
            wrong.extend([(json!(5), WrongType), (json!(["a"]), WrongType)]);
        }
        if setting.name == "handler.concurrency" {
            for text in
                ["by-key", "by-key:", "by-key:0", "by-key:+1", "by-partition:2", "unordered:10001", "any:2"]
            {
                wrong.push((json!(text), OutOfRange));
            }
        }
        if setting.name.starts_with("handler.failure.actions") {
            for text in ["a", "a=", "=skip", "a=drop", "a=skip,a=stop", "a=skip,"] {
                wrong.push((json!(text), OutOfRange));
            }
        }
        if setting.name == "retry.topic.suffix" {
            wrong.extend([(json!("a/b"), OutOfRange), (json!("x".repeat(101)), OutOfRange)]);
        }
        if setting.name == "auto.offset.reset" {
            for text in ["newest", "by_duration", "by_duration:", "by_duration:1h", "by_duration:PT-1H"] {
                wrong.push((json!(text), OutOfRange));
            }
        }
        if setting.name == "group.instance.id" {
            wrong.extend([(json!("a b"), OutOfRange), (json!(".."), OutOfRange), (json!("é"), OutOfRange)]);
        }
    }
    wrong
}

#[test]
fn a_wrong_value_is_refused_with_its_variable_key_value_and_what_is_right() {
    let mut tried = 0;
    for (variable, key, setting) in every_place() {
        for (value, kind) in wrong_values(setting) {
            let text = json!({ key.as_str(): value }).to_string();
            let error = refused(&[(variable, &text)]);
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_says(&error, &[variable, &format!("`{key}`"), &format!("`{shown}`"), &setting.expects()]);
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!((error.variable(), error.key()), (variable, Some(key.as_str())));
            tried += 1;
        }
    }
    assert!(tried > 1_000, "{tried}");
}

#[test]
fn a_misspelled_setting_is_refused_and_the_nearest_suggested() {
    for (variable, key, setting) in every_place() {
        let misspelled = format!("{key}x");
        let error = refused(&[(variable, &json!({ misspelled.as_str(): 1 }).to_string())]);
        assert_eq!(error.kind(), ConfigErrorKind::UnknownKey);
        let suggestion = format!("did you mean `{key}`?");
        assert_says(&error, &[variable, &format!("`{misspelled}`"), "`1`", &suggestion]);
        assert!(setting.name.len() > 3);
    }
}

#[test]
fn an_unknown_setting_is_refused_with_where_it_belongs() {
    let cases = [
        (PRODUCER, "acs", "did you mean `acks`?"),
        (PRODUCER, "linger", "did you mean `linger_ms`?"),
        (PRODUCER, "max_in_flight_requests", "did you mean `max_in_flight_requests_per_connection`?"),
        (PRODUCER, "queue.buffering.max.ms", "unknown producer setting; did you mean `"),
        (PRODUCER, "linger.ms_", "did you mean `linger.ms`?"),
        (PRODUCER, "fetch.min.bytes", "this is a setting of the consumer"),
        (PRODUCER, "group_id", "this is a setting of the consumer"),
        (CONSUMER, "acks", "this is a setting of the producer"),
        (PRODUCER, "handler.max.attempts", "this is a setting of the handler"),
        (HANDLER, "group_id", "this is a setting of the consumer"),
        (HANDLER, "retry.backoff.ms", "this is a setting of the producer and of the consumer"),
        (HANDLER, "max_attempts", "did you mean `handler_max_attempts`?"),
        (HANDLER, "dead.letter.topic.suffix", "set `STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX`"),
        (PRODUCER, "bootstrap.servers", "set `STREAMING_KAFKA__BOOTSTRAP_SERVERS`"),
        (CONSUMER, "security_protocol", "set `STREAMING_KAFKA__SECURITY_PROTOCOL`"),
        (CONSUMER, "", "unknown consumer setting"),
        (CONSUMER, "key.deserializer", "unknown consumer setting"),
    ];
    for (variable, key, right) in cases {
        let error = refused(&[(variable, &json!({ key: "7" }).to_string())]);
        assert_eq!(error.kind(), ConfigErrorKind::UnknownKey);
        assert_says(&error, &[variable, &format!("`{key}`"), "`7`", right]);
    }
}

#[test]
fn both_spellings_or_a_repeated_key_are_refused() {
    let cases = [
        r#"{"linger_ms":5,"linger.ms":5}"#,
        r#"{"linger.ms":5,"linger_ms":6}"#,
        r#"{"linger_ms":5,"linger_ms":5}"#,
    ];
    for text in cases {
        let error = refused(&[(PRODUCER, text)]);
        assert_eq!(error.kind(), ConfigErrorKind::Duplicate);
        assert_says(&error, &[PRODUCER, "`linger", "keep one"]);
    }
    let nested = "STREAMING_KAFKA__PRODUCER_CONFIG__LINGER_MS";
    let error = refused(&[(PRODUCER, r#"{"linger.ms":5}"#), (nested, "6")]);
    assert_eq!(error.kind(), ConfigErrorKind::Duplicate);
    assert_says(&error, &[PRODUCER, nested, "keep one"]);
}

#[test]
fn what_is_no_json_object_is_refused() {
    for variable in [PRODUCER, CONSUMER] {
        for text in
            ["", " ", "{", "}", "[]", "5", "acks=all", r#"{"acks":}"#, r#"{"acks":"all"} x"#, "{'a':1}"]
        {
            let error = refused(&[(variable, text)]);
            assert_eq!(error.kind(), ConfigErrorKind::Malformed);
            assert_says(&error, &[variable, &format!("value `{text}`"), "expected a JSON object"]);
        }
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(refused(&[(variable, &deep)]).kind(), ConfigErrorKind::Malformed);
    }
}

#[test]
fn a_wrong_variable_is_refused_with_its_name_value_and_what_is_right() {
    let long = "x".repeat(250);
    let cases = [
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "", "host:port"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "localhost", "host:port"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "localhost:9092,", "`` is not"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "localhost:0", "host:port"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "localhost:65536", "host:port"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "PLAINTEXT://localhost:9092", "host:port"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "[]", "the list is empty"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", r#"["a:1",5]"#, "not a JSON list of texts"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", r#"["a:1""#, "not a JSON list of texts"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", r#"{"a":1}"#, "not a JSON list of texts"),
        ("STREAMING_KAFKA__SECURITY_PROTOCOL", "TLS", "`SASL_SSL`"),
        ("STREAMING_KAFKA__SECURITY_PROTOCOL", "", "`PLAINTEXT`"),
        ("STREAMING_KAFKA__SASL_MECHANISM", "GSSAPI", "`SCRAM-SHA-256`"),
        ("STREAMING_KAFKA__ENABLE_DEAD_LETTER_QUEUE", "maybe", "`true` or `false`"),
        ("STREAMING_KAFKA__ENABLE_DEAD_LETTER_QUEUE", "", "`true` or `false`"),
        ("STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX", "", "1 to 100 of the characters"),
        ("STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX", "/dlq", "1 to 100 of the characters"),
        ("STREAMING_EVENTS_TOPIC", "", "a topic name"),
        ("STREAMING_METRICS_TOPIC", "a/b", "a topic name"),
        ("STREAMING_ALERTS_TOPIC", "..", "a topic name"),
        ("STREAMING_ML_PREDICTIONS_TOPIC", &long, "a topic name"),
    ];
    for (variable, value, right) in cases {
        let error = refused(&[(variable, value)]);
        let start: String = value.chars().take(100).collect();
        assert_says(&error, &[variable, &format!("value `{start}"), "expected", right]);
    }
}

#[test]
fn an_unknown_variable_is_refused_and_the_nearest_suggested() {
    let cases = [
        ("STREAMING_KAFKA__BOOTSTRAP_SERVER", "STREAMING_KAFKA__BOOTSTRAP_SERVERS"),
        ("STREAMING_KAFKA__PRODUCER", "STREAMING_KAFKA__PRODUCER_CONFIG"),
        ("STREAMING_KAFKA__DLQ_SUFFIX", "did you mean"),
        ("STREAMING_KAFKA__", "did you mean"),
        ("STREAMING_KAFKA__TOPICS__EVENTS", "did you mean"),
        ("STREAMING_KAFKA_BOOTSTRAP_SERVERS", "STREAMING_KAFKA__BOOTSTRAP_SERVERS"),
        ("STREAMING_EVENT_TOPIC", "STREAMING_EVENTS_TOPIC"),
    ];
    for (variable, nearest) in cases {
        let error = refused(&[(variable, "some value")]);
        assert_eq!(error.kind(), ConfigErrorKind::UnknownKey);
        assert_says(&error, &[variable, "`some value`", nearest]);
    }
}

#[test]
fn the_same_variable_in_two_cases_is_refused() {
    let error = refused(&[("STREAMING_EVENTS_TOPIC", "a"), ("streaming_events_topic", "b")]);
    assert_eq!(error.kind(), ConfigErrorKind::Duplicate);
    assert_says(&error, &["STREAMING_EVENTS_TOPIC", "streaming_events_topic"]);
}
