//! The build tool of this workspace, run as `cargo xtask <command>`.
//!
//! It runs all checks and tests ([`check`]), breaks what it can ([`torture`], [`fuzz`]), measures clients side by
//! side ([`mod@bench`]), starts and stops Kafka clusters to test against ([`cluster`]), knows where Kafka's own jars are ([`jars`]), and
//! writes the wire protocol's messages ([`protocol`]). It depends on no client crate of the workspace, so that it builds
//! when they do not.

mod bench;
mod check;
mod cluster;
mod fuzz;
mod interrupt;
mod jars;
mod lock;
mod paths;
mod protocol;
mod torture;

use std::process::ExitCode;

use clap::Parser;

/// Build tool of the streaming-kafka workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    #[command(flatten)]
    Cluster(cluster::Command),
    /// Print the folder with Kafka's own jars, after taking them from Maven Central if need be
    Jars {
        /// Kafka's version
        #[arg(long, value_name = "VERSION", default_value_t = cluster::KafkaVersion::NEWEST)]
        kafka: cluster::KafkaVersion,
    },
    /// Run all checks and tests, on clusters that it starts and ends itself
    ///
    /// Installs what a fresh machine lacks: toolchain targets, `cargo-deny`, Kafka's jars. Java and Maven must be there.
    Test(check::Arguments),
    /// What CI runs: the same as `test` with no arguments
    Ci,
    /// Break a cluster of three brokers while numbered records go through it, and count what is lost, repeated or stuck
    Torture(torture::Arguments),
    /// Measure this client beside its peers: CPU time per record, throughput, memory, latency
    ///
    /// Starts a broker, builds the clients, and lets them do the same work in turn. Needs Java 17 and Maven; peers need what
    /// their sources are written in, and take no part where that is missing.
    Bench(bench::Arguments),
    /// Feed mutated frames to everything that reads bytes from others
    #[command(disable_help_flag = true)]
    Fuzz(fuzz::Arguments),
    /// Write kafka-core's protocol messages from the schemas inside Kafka's client jar
    Protocol(protocol::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Cluster(command) => cluster::run(command),
        Command::Jars { kafka } => {
            println!("{}", jars::folder(kafka)?.display());
            Ok(())
        }
        Command::Test(arguments) => check::run(&arguments),
        Command::Ci => check::run(&check::Arguments::default()),
        Command::Torture(arguments) => torture::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Protocol(args) => protocol::run(&args),
    }
}
