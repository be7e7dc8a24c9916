//! Settings that follow from others, and settings that exclude each other.

use kafka_stream::producer::Acks;

use super::*;
use crate::config::ConfigErrorKind::{self, Contradiction, File, Incomplete};

const PROTOCOL: (&str, &str) = ("STREAMING_KAFKA__SECURITY_PROTOCOL", "SASL_SSL");
const MECHANISM: (&str, &str) = ("STREAMING_KAFKA__SASL_MECHANISM", "PLAIN");
const USERNAME: (&str, &str) = ("STREAMING_KAFKA__SASL_USERNAME", "me");
const PASSWORD: (&str, &str) = ("STREAMING_KAFKA__SASL_PASSWORD", "hunter2");

#[test]
fn settings_that_exclude_each_other_are_refused() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            PRODUCER,
            r#"{"acks":1,"enable_idempotence":true}"#,
            &["`acks`", "`1`", "`all`", "enable.idempotence"],
        ),
        (PRODUCER, r#"{"acks":"0","enable.idempotence":"true"}"#, &["`acks`", "`0`", "`all`"]),
        (PRODUCER, r#"{"retries":0,"enable_idempotence":true}"#, &["`retries`", "`0`", "at least 1"]),
        (
            PRODUCER,
            r#"{"delivery_timeout_ms":30004}"#,
            &["`delivery_timeout_ms`", "`30004`", "(5)", "(30000)"],
        ),
        (PRODUCER, r#"{"delivery.timeout.ms":1,"linger.ms":0}"#, &["`delivery.timeout.ms`", "`1`"]),
        (PRODUCER, r#"{"buffer_memory":16383}"#, &["`buffer_memory`", "`16383`", "`batch.size` (16384)"]),
        (
            PRODUCER,
            r#"{"retry_backoff_ms":900,"retry.backoff.max.ms":800}"#,
            &["`retry_backoff_ms`", "`900`", "(800)"],
        ),
        (CONSUMER, r#"{"heartbeat_interval_ms":30000}"#, &["`heartbeat_interval_ms`", "`30000`", "(30000)"]),
        (CONSUMER, r#"{"session.timeout.ms":3000}"#, &["`session.timeout.ms`", "`3000`", "(3000)"]),
        (CONSUMER, r#"{"max_poll_interval_ms":29999}"#, &["`max_poll_interval_ms`", "`29999`", "(30000)"]),
        (CONSUMER, r#"{"fetch_max_wait_ms":30000}"#, &["`fetch_max_wait_ms`", "`30000`"]),
        (CONSUMER, r#"{"request_timeout_ms":500}"#, &["`request_timeout_ms`", "`500`"]),
        (CONSUMER, r#"{"fetch_max_bytes":1000}"#, &["`fetch_max_bytes`", "`1000`", "(1024)"]),
        (
            CONSUMER,
            r#"{"reconnect_backoff_ms":2,"reconnect_backoff_max_ms":1}"#,
            &["`reconnect_backoff_ms`", "`2`", "(1)"],
        ),
    ];
    for (variable, text, parts) in cases {
        let error = refused(&[(variable, text)]);
        assert_eq!(error.kind(), Contradiction, "{error}");
        assert_says(&error, &[variable]);
        assert_says(&error, parts);
    }
}

#[test]
fn a_default_gives_way_to_what_was_set() {
    let producer = |text| read(&[(PRODUCER, text)]).unwrap().producer_settings().unwrap();

    let (_, config) = producer(r#"{"acks":"1"}"#);
    assert_eq!((config.acks, config.enable_idempotence), (Acks::Leader, false));
    let (_, config) = producer(r#"{"retries":0}"#);
    assert!(!config.enable_idempotence);
    let (_, config) = producer(r#"{"request_timeout_ms":180000}"#);
    assert_eq!(config.delivery_timeout.as_millis(), 180_005);
    let (client, _) =
        producer(r#"{"request_timeout_ms":7000,"retry_backoff_ms":5000,"reconnect_backoff_max_ms":20}"#);
    assert_eq!(client.request_timeout.as_millis(), 7_000);
    assert_eq!(client.retry_backoff_max.as_millis(), 5_000);
    assert_eq!(client.reconnect_backoff.as_millis(), 20);
}

#[test]
fn what_only_a_group_needs_is_checked_when_the_group_is_known() {
    let config = read(&[(CONSUMER, r#"{"enable_auto_commit":true,"session_timeout_ms":400000}"#)]).unwrap();
    let error = config.consumer_settings(None).unwrap_err();
    assert_says(&error, &[CONSUMER, "enable_auto_commit", "group_id"]);
    let (_, consumer) = config.consumer_settings(Some("g")).unwrap();
    assert_eq!(consumer.max_poll_interval.as_millis(), 400_000);
}

#[test]
fn a_preset_that_contradicts_what_was_given_is_refused() {
    let config = read(&[(PRODUCER, r#"{"enable_idempotence":true}"#)])
        .unwrap()
        .with_producer_preset(crate::config::ProducerPreset::LowLatency);
    let error = config.producer_settings().unwrap_err();
    assert_eq!(error.kind(), Contradiction);
}

#[test]
fn half_of_what_goes_together_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("a.pem");
    std::fs::write(&pem, "").unwrap();
    let pem = pem.to_str().unwrap();
    let directory = dir.path().to_str().unwrap();
    let ssl = (PROTOCOL.0, "SSL");
    let ca = ("STREAMING_KAFKA__SSL_CA_LOCATION", "/nonexistent/ca.pem");
    type Case<'a> = (&'a [(&'a str, &'a str)], ConfigErrorKind, &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (&[PROTOCOL], Incomplete, &["SASL_MECHANISM", "is needed", "SASL_SSL"]),
        (&[PROTOCOL, MECHANISM], Incomplete, &["SASL_USERNAME", "is needed"]),
        (&[PROTOCOL, MECHANISM, USERNAME], Incomplete, &["SASL_PASSWORD", "is needed"]),
        (&[PROTOCOL, USERNAME, PASSWORD], Incomplete, &["SASL_MECHANISM", "is needed"]),
        (&[MECHANISM], Contradiction, &["SASL_MECHANISM", "`PLAIN`", "`PLAINTEXT`"]),
        (&[USERNAME], Contradiction, &["SASL_USERNAME", "`me`", "`PLAINTEXT`"]),
        (&[ssl, PASSWORD], Contradiction, &["SASL_PASSWORD", "`***`", "`SSL`"]),
        (&[ca], Contradiction, &["SSL_CA_LOCATION", "/nonexistent/ca.pem", "`PLAINTEXT`"]),
        (&[ssl, ca], File, &["SSL_CA_LOCATION", "/nonexistent/ca.pem", "No such file"]),
        (&[ssl, ("STREAMING_KAFKA__SSL_CA_LOCATION", "")], File, &["SSL_CA_LOCATION", "PEM file"]),
        (
            &[ssl, ("STREAMING_KAFKA__SSL_CA_LOCATION", directory)],
            File,
            &["SSL_CA_LOCATION", "no certificate"],
        ),
        (
            &[ssl, ("STREAMING_KAFKA__SSL_CERT_LOCATION", pem)],
            Incomplete,
            &["SSL_CERT_LOCATION", "SSL_KEY_LOCATION"],
        ),
        (
            &[ssl, ("STREAMING_KAFKA__SSL_KEY_LOCATION", pem)],
            Incomplete,
            &["SSL_KEY_LOCATION", "SSL_CERT_LOCATION"],
        ),
        (
            &[PROTOCOL, MECHANISM, ("STREAMING_KAFKA__SASL_USERNAME", ""), PASSWORD],
            ConfigErrorKind::OutOfRange,
            &["SASL_USERNAME", "not empty"],
        ),
    ];
    for (vars, kind, parts) in cases {
        let error = refused(vars);
        assert_eq!(error.kind(), *kind, "{error}");
        assert_says(&error, parts);
    }
}

#[test]
fn a_topic_too_long_for_its_dead_letter_topic_is_refused() {
    let name = "x".repeat(246);
    let error = refused(&[("STREAMING_ALERTS_TOPIC", &name)]);
    assert_eq!(error.kind(), Contradiction);
    assert_says(&error, &["STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX", "`.dlq`", &name, "249"]);
    assert!(
        read(&[("STREAMING_ALERTS_TOPIC", &name), ("STREAMING_KAFKA__ENABLE_DEAD_LETTER_QUEUE", "false")])
            .is_ok()
    );
}
