//! The clients' turns on one broker.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    clients::{Built, Client},
    machine, measure,
    way_in::WayIn,
    workloads::{self, Mode, PARTITIONS, Workload},
};
use crate::cluster::topics;

/// What a client sends before it measures how long one record takes.
const LATENCY_WARM_UP: u64 = 100;

/// Who writes what the consumers read: the first of these that takes part, and ours if none does.
const WRITERS: [Client; 4] = [Client::Librdkafka, Client::Java, Client::FranzGo, Client::Ours];

/// What holds for all workloads of a run.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) built: &'a Built,
    /// The broker, for topics.
    pub(super) address: String,
    /// The broker, for clients.
    pub(super) way_in: WayIn,
    pub(super) runs: usize,
    pub(super) scale: f64,
    /// For payloads.
    pub(super) folder: PathBuf,
}

/// The figures of one run.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) cpu_seconds_per_million: f64,
    /// Of producers and consumers.
    pub(super) records_per_second: Option<f64>,
    pub(super) peak_mib: Option<f64>,
    /// What the broker keeps of a record that was produced: what compression came to.
    pub(super) stored_bytes: Option<f64>,
    /// Medians and 99th percentiles in microseconds, where each record was awaited.
    pub(super) latency: Option<[f64; 2]>,
}

/// The runs of one client.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) client: Client,
    pub(super) runs: Vec<Figures>,
    /// What went wrong in runs that do not count.
    pub(super) failures: Vec<String>,
}

/// A workload that was done by all.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) workload: Workload,
    pub(super) count: u64,
    pub(super) rows: Vec<Row>,
    /// Who wrote what was read.
    pub(super) writer: Option<Client>,
    /// Of the machine, when it began.
    pub(super) load: Option<f64>,
}

/// Lets all clients do the work: once unmeasured, then as often as is planned.
pub(super) fn run(plan: &Plan<'_>, workload: Workload) -> Result<Table> {
    let count = workload.count(plan.scale);
    let payloads = plan.folder.join(format!("payloads-{}.bin", workload.size()));
    workloads::write_payloads(&payloads, workload.size())?;
    let work = Work { plan, workload, payloads: &payloads };
    let load = machine::load();
    println!("\n==> {}: {count} records of {} bytes", workload.name(), workload.size());

    let (mut source, mut writer) = (None, None);
    if workload.mode() == Mode::Consume {
        let topic = work.create_topic()?;
        let client = WRITERS.into_iter().find(|client| plan.built.program(*client).is_some());
        let client = client.context("no client that could write is there")?;
        work.start(client, Mode::Produce, &topic, count)?;
        let written = topics::records(&plan.address, &topic)?;
        ensure!(written == count, "{client} wrote {written} instead of {count} records to be read");
        (source, writer) = (Some(topic), Some(client));
    }

    let rows = plan.built.programs.iter().map(|(client, _)| Row {
        client: *client,
        runs: Vec::new(),
        failures: Vec::new(),
    });
    let mut rows: Vec<Row> = rows.collect();
    // The broker's code is compiled as it is used, so that who comes first would be the slowest.
    for row in &rows {
        if let Err(error) = work.turn(row.client, source.as_deref(), count.div_ceil(5)) {
            crate::interrupt::check()?;
            println!("    {:<12} fails when warming up: {error:#}", row.client);
        }
    }
    for _ in 0..plan.runs {
        // Whoever comes after another finds the machine as that one left it.
        rows.rotate_left(1);
        for row in &mut rows {
            match work.turn(row.client, source.as_deref(), count) {
                Ok(figures) => {
                    println!("    {:<12} {}", row.client, figures.line());
                    row.runs.push(figures);
                }
                Err(error) => {
                    crate::interrupt::check()?;
                    println!("    {:<12} failed: {error:#}", row.client);
                    row.failures.push(format!("{error:#}"));
                }
            }
        }
    }
    if let Some(topic) = source {
        topics::delete(&plan.address, &topic)?;
    }
    rows.sort_by_key(|row| plan.built.programs.iter().position(|(client, _)| *client == row.client));
    Ok(Table { workload, count, rows, writer, load })
}

impl Figures {
    fn line(&self) -> String {
        let mut line = format!("{:7.2} CPU s/M", self.cpu_seconds_per_million);
        if let Some(rate) = self.records_per_second {
            line.push_str(&format!("  {:7.0} k/s", rate / 1e3));
        }
        if let Some([median, high]) = self.latency {
            line.push_str(&format!("  p50 {median:.0} us  p99 {high:.0} us"));
        }
        if let Some(peak) = self.peak_mib {
            line.push_str(&format!("  {peak:5.0} MiB"));
        }
        line
    }
}

struct Work<'a> {
    plan: &'a Plan<'a>,
    workload: Workload,
    payloads: &'a Path,
}

impl Work<'_> {
    fn create_topic(&self) -> Result<String> {
        let topic = format!("bench-{:08x}", fastrand::u32(..));
        topics::create(&self.plan.address, &topic, PARTITIONS)?;
        Ok(topic)
    }

    /// One run by one client, on what was written for all or on a topic of its own; checked afterwards.
    fn turn(&self, client: Client, source: Option<&str>, count: u64) -> Result<Figures> {
        let mode = self.workload.mode();
        if let Some(topic) = source {
            let measured = self.start(client, mode, topic, count)?;
            let seen = number(&measured.said, "messages")?;
            // Whoever reads on to the end has seen all that is there.
            ensure!(seen as u64 >= count, "it saw {seen} of {count} records");
            ensure!(
                count < self.workload.count(self.plan.scale) || seen as u64 == count,
                "it saw {seen} records"
            );
            return self.figures(&measured, count, None);
        }
        let topic = self.create_topic()?;
        let measured = self.start(client, mode, &topic, count);
        let written = topics::records(&self.plan.address, &topic);
        let stored = topics::bytes(&self.plan.address, &topic);
        topics::delete(&self.plan.address, &topic)?;
        let (measured, written, stored) = (measured?, written?, stored?);
        let wanted = if mode == Mode::Latency { count + LATENCY_WARM_UP } else { count };
        ensure!(written == wanted, "the topic holds {written} records instead of {wanted}");
        self.figures(&measured, count, Some(stored as f64 / written as f64))
    }

    fn start(&self, client: Client, mode: Mode, topic: &str, count: u64) -> Result<measure::Measured> {
        let program = self.plan.built.program(client).context("it is not built")?;
        let mut command = Command::new(program);
        command.args([mode.word(), "--brokers", &self.plan.way_in.address, "--topic", topic]);
        for (flag, file) in &self.plan.way_in.flags {
            command.arg(format!("--{flag}")).arg(file);
        }
        command.arg("--group").arg(format!("bench-{:08x}", fastrand::u32(..)));
        command.arg("--count").arg(count.to_string()).arg("--size").arg(self.workload.size().to_string());
        command.arg("--payload-file").arg(self.payloads);
        for (flag, value) in self.workload.settings() {
            command.arg(format!("--{flag}")).arg(value);
        }
        measure::run(&mut command)
    }

    fn figures(&self, measured: &measure::Measured, count: u64, stored: Option<f64>) -> Result<Figures> {
        let (said, records) = (&measured.said, count as f64);
        let (rate, latency) = match self.workload.mode() {
            Mode::Latency => (None, Some([number(said, "p50_us")?, number(said, "p99_us")?])),
            Mode::Produce | Mode::Consume => (Some(records / number(said, "seconds")?), None),
        };
        Ok(Figures {
            cpu_seconds_per_million: measured.cpu_seconds / records * 1e6,
            records_per_second: rate,
            peak_mib: measured.peak_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)),
            stored_bytes: stored,
            latency,
        })
    }
}

pub(super) fn number(said: &Value, name: &str) -> Result<f64> {
    said.get(name).and_then(Value::as_f64).with_context(|| format!("it does not say {name:?}: {said}"))
}

/// Several figures of one kind: the one in the middle, the least and the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// `None` without any.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let (upper, lower) = (sorted.get(sorted.len() / 2)?, sorted.get((sorted.len() - 1) / 2)?);
        Some(Self { median: f64::midpoint(*upper, *lower), least, most })
    }
}

impl Row {
    pub(super) fn cpu(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().map(|run| run.cpu_seconds_per_million))
    }

    pub(super) fn rate(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.records_per_second))
    }

    pub(super) fn peak(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.peak_mib))
    }

    pub(super) fn stored(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.stored_bytes))
    }

    /// The median of the runs' medians, and of their 99th percentiles.
    pub(super) fn latency(&self) -> Option<[Spread; 2]> {
        let runs = || self.runs.iter().filter_map(|run| run.latency);
        Some([Spread::of(runs().map(|[median, _]| median))?, Spread::of(runs().map(|[_, high]| high))?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_ones() {
        let spread = Spread::of([4.0, 1.0, 2.0, 8.0].into_iter()).unwrap();
        assert_eq!(spread, Spread { median: 3.0, least: 1.0, most: 8.0 });
        assert_eq!(Spread::of([5.0].into_iter()).unwrap().median, 5.0);
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
