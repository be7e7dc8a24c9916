//! A program that finds no broker ends with one error that names each address and why.

mod support;

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Far beyond what the settings allow; only a program that hangs takes as long.
const HUNG: Duration = Duration::from_secs(60);

#[allow(clippy::unwrap_used)] // A helper of the test, which clippy does not take for one.
fn run(name: &str, servers: &str) -> Output {
    let settings = r#"{"request_timeout_ms":4000,"max_block_ms":5000,"delivery_timeout_ms":5000,"socket_connection_setup_timeout_ms":1000,"socket_connection_setup_timeout_max_ms":1000}"#;
    let consumer = r#"{"request_timeout_ms":4000,"socket_connection_setup_timeout_ms":1000,"socket_connection_setup_timeout_max_ms":1000}"#;
    let started = Instant::now();
    let output = Command::new(support::example(name))
        .env_clear()
        .env("STREAMING_KAFKA__BOOTSTRAP_SERVERS", servers)
        .env("STREAMING_KAFKA__PRODUCER_CONFIG", settings)
        .env("STREAMING_KAFKA__CONSUMER_CONFIG", consumer)
        .output()
        .unwrap();
    assert!(started.elapsed() < HUNG, "{name} took {:?}", started.elapsed());
    output
}

#[test]
fn every_example_names_each_address_and_why_it_did_not_answer() {
    // It takes connections, which the system does by itself, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().map(|address| (silent, address.to_string())).unwrap();
    let refused = {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap().to_string()
    };
    let servers = format!("{refused},{},nowhere.invalid:9092", silent.1);
    // Servers are asked in random order, each a second after the one before that keeps silent: there must be time for all.
    let programs = ["quickstart", "setup_topics", "produce", "consume"].map(|name| {
        let servers = servers.clone();
        (name, std::thread::spawn(move || run(name, &servers)))
    });
    for (name, program) in programs {
        let output = program.join().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {message}");
        for part in [&*refused, "connection refused", &*silent.1, "nowhere.invalid:9092", "bootstrap.servers"]
        {
            assert!(message.contains(part), "{name}: `{part}` is not in: {message}");
        }
    }
}
