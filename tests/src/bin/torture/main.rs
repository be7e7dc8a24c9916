//! The client that `cargo xtask torture` drives while it breaks a cluster.
//!
//! `write` produces numbered records and reads them by our own consumer, and writes down what became of each; `members` are members of a
//! group that write down what they handle in a [`journal`]; `await` waits until they have handled all; `check` compares
//! both with what another client reads from the topic. `produce` and `follow` are for the comparison with Java's client.

// A tool for tests: what is not as it must be ends it, with the reason.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used)]

mod check;
mod connect;
mod drain;
mod failover;
mod handled;
mod journal;
mod members;
mod report;
mod vitals;
mod write;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
enum Command {
    Write(write::Load),
    Members(members::Arguments),
    Await(drain::Arguments),
    Check(check::Arguments),
    Produce(failover::Produce),
    Follow(failover::Follow),
}

#[tokio::main]
async fn main() -> ExitCode {
    // What the client logs, by `RUST_LOG`; nothing, where that is not set.
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).with_ansi(false).init();
    match Command::parse() {
        Command::Write(load) => write::run(&load).await,
        Command::Members(arguments) => members::run(arguments).await,
        Command::Await(arguments) => drain::run(&arguments).await,
        Command::Produce(arguments) => failover::produce(&arguments).await,
        Command::Follow(arguments) => failover::follow(&arguments).await,
        Command::Check(arguments) => return check::run(&arguments),
    }
    ExitCode::SUCCESS
}
