//! Waits until a group has handled all that was acknowledged.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    time::{Duration, Instant},
};

use kafka_stream::consumer::{Consumer, ConsumerConfig};
use kafka_tests::chain::Chains;

use crate::{
    connect::Way,
    journal::{Entry, What},
    report::Report,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    way: Way,
    #[arg(long)]
    topic: String,
    /// What `write` left
    #[arg(long)]
    report: PathBuf,
    /// What members write down; may be repeated
    #[arg(long = "journal")]
    journals: Vec<PathBuf>,
    /// Only the last record of each partition is waited for: some before it may have been removed
    #[arg(long)]
    only_last: bool,
    /// How long nothing may be handled before this gives up
    #[arg(long, default_value_t = 90)]
    patience_s: u64,
}

/// Waits, and prints as its last line how many records the topic holds.
pub(crate) async fn run(arguments: &Arguments) {
    let report = Report::load(&arguments.report);
    if !arguments.journals.is_empty() {
        wait(arguments, &report).await;
    }
    let consumer = Consumer::new(arguments.way.client(), ConsumerConfig::default()).expect("a consumer");
    let partitions = consumer.partitions_for(&arguments.topic).await.expect("partitions");
    let first = consumer.beginning_offsets(&partitions).await.expect("offsets");
    let end = consumer.end_offsets(&partitions).await.expect("offsets");
    println!("{}", end.values().sum::<i64>() - first.values().sum::<i64>());
    // Nothing is left to say to the cluster.
    let _closed = consumer.close(Duration::from_secs(1)).await;
}

async fn wait(arguments: &Arguments, report: &Report) {
    let mut sources: Vec<Source> = arguments.journals.iter().map(Source::open).collect();
    let mut handled = Chains::default();
    let mut last = Instant::now();
    loop {
        let before = handled.count();
        sources.iter_mut().for_each(|source| source.take(&mut handled));
        if handled.count() > before {
            last = Instant::now();
        }
        let missing = || missing(arguments, report, &handled);
        // The count is cheap, and tells when looking at each is worth it.
        if (arguments.only_last || handled.count() >= report.acked) && missing() == 0 {
            eprintln!("the group has handled all");
            return;
        }
        if last.elapsed() > Duration::from_secs(arguments.patience_s) {
            eprintln!("the group is stuck: {} records are not handled", missing());
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

fn missing(arguments: &Arguments, report: &Report, handled: &Chains) -> usize {
    let is_missing = |record: &(i32, u64)| !handled.has(record.0, record.1);
    if arguments.only_last {
        report.last_acknowledged().filter(is_missing).count()
    } else {
        report.acknowledged().filter(is_missing).count()
    }
}

/// A journal that grows.
struct Source {
    file: File,
    rest: String,
}

impl Source {
    fn open(file: &PathBuf) -> Self {
        let mut file = File::open(file).expect("a journal");
        file.seek(SeekFrom::Start(0)).expect("a file");
        Self { file, rest: String::new() }
    }

    fn take(&mut self, handled: &mut Chains) {
        self.file.read_to_string(&mut self.rest).expect("a journal");
        let end = self.rest.rfind('\n').map_or(0, |at| at + 1);
        for line in self.rest.drain(..end).collect::<String>().lines() {
            if let Ok(Entry { what: What::Handled(partition, number), .. }) = line.parse() {
                handled.note(partition, number);
            }
        }
    }
}
