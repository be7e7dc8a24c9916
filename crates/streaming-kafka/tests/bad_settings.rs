//! A program with a wrong setting ends at once, with status 2 and a message that says what is wrong.

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn a_wrong_setting_ends_every_example_within_a_second() {
    let cases = [
        ("STREAMING_KAFKA__PRODUCER_CONFIG", r#"{"acs":1}"#, "did you mean `acks`?"),
        ("STREAMING_KAFKA__PRODUCER_CONFIG", r#"{"linger_ms":-1}"#, "from 0 to"),
        ("STREAMING_KAFKA__PRODUCER_CONFIG", r#"{"acks":1,"enable_idempotence":true}"#, "enable.idempotence"),
        ("STREAMING_KAFKA__CONSUMER_CONFIG", "{", "expected a JSON object"),
        ("STREAMING_KAFKA__CONSUMER_CONFIG", r#"{"max_poll_records":"many"}"#, "a whole number"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", "localhost", "host:port"),
        ("STREAMING_KAFKA__SSL_CA_LOCATION", "/nonexistent.pem", "TLS is not used"),
        ("STREAMING_KAFKA__BOOTSTRAP", "localhost:9092", "STREAMING_KAFKA__BOOTSTRAP_SERVERS"),
    ];
    for name in ["quickstart", "setup_topics", "produce", "consume"] {
        let program = support::example(name);
        for (variable, value, right) in cases {
            let started = Instant::now();
            let output = Command::new(&program).env_clear().env(variable, value).output().unwrap();
            assert!(started.elapsed() < Duration::from_secs(1), "{name} with {variable}={value}");
            let message = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name} with {variable}={value}: {message}");
            for part in [variable, right] {
                assert!(message.contains(part), "`{part}` is not in: {message}");
            }
        }
    }
}
