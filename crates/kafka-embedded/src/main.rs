//! A Kafka-compatible cluster as a program: `kafka-embedded --brokers 3 --port 9092 --topic orders:6`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kafka_embedded::EmbeddedCluster;

/// Runs a Kafka-compatible cluster until it is interrupted. No Java is needed.
#[derive(Debug, Parser)]
#[command(name = "kafka-embedded", version)]
struct Args {
    /// How many brokers there are; the first listens on the port, the others on the next ones
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    brokers: u16,
    /// The port of the first broker; 0 for any that is free
    #[arg(long, default_value_t = 9092)]
    port: u16,
    /// A topic that is there from the start, as name:partitions; may be given several times
    #[arg(long = "topic", value_name = "NAME:PARTITIONS", value_parser = topic)]
    topics: Vec<(String, i32)>,
    /// A folder to keep all data in, so that it survives a restart; in memory by default
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// How many bytes all records together may take
    #[arg(long, default_value_t = 1 << 30)]
    max_bytes: u64,
    /// What decides where Kafka leaves a choice open
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn topic(text: &str) -> Result<(String, i32), String> {
    let (name, partitions) = text.rsplit_once(':').unwrap_or((text, "1"));
    let partitions =
        partitions.parse().map_err(|_| format!("`{partitions}` is not a number of partitions"))?;
    Ok((name.to_owned(), partitions))
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let builder = EmbeddedCluster::builder().brokers(args.brokers).port(args.port).seed(args.seed);
    let builder = builder.max_bytes(args.max_bytes);
    let builder =
        args.topics.iter().fold(builder, |builder, (name, partitions)| builder.topic(name, *partitions));
    let builder = match args.data_dir {
        Some(folder) => builder.data_dir(folder),
        None => builder,
    };
    let cluster = match builder.start().await {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", cluster.bootstrap_servers().join(","));
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => match interrupted {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        () = cluster.disk_failed() => {
            eprintln!("error: records cannot be written any more");
            ExitCode::FAILURE
        }
    }
}
