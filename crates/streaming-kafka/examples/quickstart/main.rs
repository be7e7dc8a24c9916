//! The main job: topics, events, a consumer group, dead letters, and a count of everything.
//!
//! `cargo run --release -p streaming-kafka --example quickstart -- --events 20000`

mod args;
mod event;
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
    let config = match KafkaConfig::from_env() {
        Ok(config) => config,
        Err(error) => return fail(&error.into()),
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
