//! Creates the topics of events, metrics, alerts and predictions, each unless it is there.
//!
//! `cargo run --example setup_topics`, or with `--production --partitions 12 --replication-factor 3` on a real cluster.

use std::process::ExitCode;

use clap::Parser;
use streaming_kafka::admin::Created;
use streaming_kafka::{Error, KafkaTopicManager, TopicConfigs};

/// Creates the topics that STREAMING_EVENTS_TOPIC and its like name, on the cluster of STREAMING_KAFKA__*.
#[derive(Parser)]
struct Args {
    /// How many partitions each topic gets
    #[arg(long, default_value_t = 3)]
    partitions: i32,
    /// How many brokers hold each partition
    #[arg(long, default_value_t = 1)]
    replication_factor: i16,
    /// Use the settings recommended for production: 30 days, lz4, two replicas in sync
    #[arg(long)]
    production: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match setup_topics(&Args::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if matches!(error, Error::Config(_)) { 2 } else { 1 })
        }
    }
}

/// Returns how many topics could not be created.
async fn setup_topics(args: &Args) -> Result<usize, Error> {
    let topics = KafkaTopicManager::from_env()?;
    let configs = if args.production { TopicConfigs::production() } else { TopicConfigs::new() };
    let outcomes = topics.create_default_topics(args.partitions, args.replication_factor, configs).await;
    let mut failed = 0;
    for outcome in outcomes {
        match outcome.result {
            Ok(Created::New(_)) => println!("Created topic: {}", outcome.topic),
            Ok(Created::Same) => println!("Topic was there: {}", outcome.topic),
            Ok(Created::Other(differences)) => {
                let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
                println!("Topic was there, but with {}: {}", differences.join(", "), outcome.topic);
            }
            Err(error) => {
                failed += 1;
                eprintln!("error: {}: {error}", outcome.topic);
            }
        }
    }
    Ok(failed)
}
