//! The main job: topics, events, a consumer group, dead letters, and a count of everything.
//!
//! `cargo run --release -p streaming-kafka --example quickstart -- --events 20000`
//!
//! Without `STREAMING_KAFKA__BOOTSTRAP_SERVERS` it runs on brokers in its own process.

mod args;
mod event;
mod in_process;
mod job;
mod offsets;
mod progress;
mod report;
mod tally;

use std::process::ExitCode;

use clap::Parser;
use streaming_kafka::{Error, KafkaConfig};

use args::Args;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let mut config = match KafkaConfig::from_env() {
        Ok(config) => config,
        Err(error) => return fail(&error.into()),
    };
    let _cluster = match in_process::start_if_none_is_named(&mut config).await {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match job::run(&args, &config).await {
        Ok(report) => {
            let right = report.is_right();
            match serde_json::to_string(&report) {
                Ok(line) => println!("{line}"),
                Err(error) => eprintln!("error: {error}"),
            }
            if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(&error),
    }
}

/// 2 where a setting is not right, 1 for all else.
fn fail(error: &Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(if matches!(error, Error::Config(_)) { 2 } else { 1 })
}
