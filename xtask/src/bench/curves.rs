//! What our client costs as the work grows: more partitions, topics or tasks, larger records, keys, handlers, cores.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Result, ensure};

use super::{
    measure,
    rounds::{Spread, number},
    workloads,
};
use crate::{cluster::topics, interrupt};

/// Partitions of a topic, where they are not what grows.
const PARTITIONS: i32 = 3;
/// Bytes of a record, where they are not what grows.
const SIZE: usize = 100;
/// Records of that size at scale 1.
const COUNT: f64 = 3e6;
/// As many where they are only read: that goes so quickly that joining a group would be much of it.
const READ: f64 = 6e6;
/// Bytes at scale 1, where records are larger.
const BYTES: f64 = 1e9;
/// Partitions of the topic to which nobody writes.
const IDLE_PARTITIONS: i32 = 1_000;
/// How long that is watched.
const IDLE_SECONDS: u32 = 30;
/// How long the broker may take to remove the files of topics, before others are measured.
const SETTLE: Duration = Duration::from_secs(5);

/// What the program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Produce,
    Consume,
    /// As [`Consume`](Self::Consume), by an empty handler.
    Handle,
}

/// What a point's value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    PerMillionRecords,
    PerGigabyte,
}

/// One thing that grows.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) name: &'static str,
    /// What the steps are steps of.
    pub(super) axis: &'static str,
    pub(super) unit: Unit,
    pub(super) points: Vec<Point>,
}

/// One step of it.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) label: String,
    mode: Mode,
    partitions: i32,
    topics: usize,
    size: usize,
    flags: Vec<(&'static str, String)>,
    pub(super) cpu: Option<Spread>,
    pub(super) rate: Option<Spread>,
    pub(super) peak_mib: Option<Spread>,
}

impl Point {
    fn new(mode: Mode, label: impl ToString) -> Self {
        Self {
            label: label.to_string(),
            mode,
            partitions: PARTITIONS,
            topics: 1,
            size: SIZE,
            flags: Vec::new(),
            cpu: None,
            rate: None,
            peak_mib: None,
        }
    }

    fn flag(mut self, name: &'static str, value: impl ToString) -> Self {
        self.flags.push((name, value.to_string()));
        self
    }

    /// As many records as are worth measuring.
    fn count(&self, scale: f64) -> u64 {
        let records = match self.mode {
            _ if self.size > SIZE => BYTES / self.size as f64,
            Mode::Consume => READ,
            Mode::Produce | Mode::Handle => COUNT,
        };
        ((records * scale) as u64).max(1)
    }
}

/// All that is looked at.
pub(super) fn all() -> Vec<Curve> {
    use Mode::{Consume, Handle, Produce};
    let curve = |name, axis, points: Vec<Point>| Curve { name, axis, unit: Unit::PerMillionRecords, points };
    let partitions = |mode| {
        let point = |partitions| Point { partitions, ..Point::new(mode, partitions) };
        [3, 10, 100, 1_000].map(point).into()
    };
    let topics = |mode| {
        let point = |topics| Point { topics, ..Point::new(mode, topics) };
        [1, 4, 16].map(point).into()
    };
    let sizes = |mode| {
        let point = |size| Point { size, ..Point::new(mode, size) };
        [10, 100, 1_000, 10_000, 100_000].map(point).into()
    };
    let tasks = [1, 4, 16, 64].map(|tasks| Point::new(Produce, tasks).flag("tasks", tasks));
    let keys = [Point::new(Produce, "none"), Point::new(Produce, "1,000 keys").flag("keys", 1_000)];
    let handled = [
        Point::new(Consume, "poll"),
        Point::new(Handle, "by partition"),
        Point::new(Handle, "by key, 4 lanes").flag("lanes", 4),
    ];
    let cores = |codec| {
        [1, 2].map(|cores| {
            let point = Point { size: 1_024, ..Point::new(Produce, cores) };
            point.flag("compression", codec).flag("compression-parallelism", cores)
        })
    };
    vec![
        curve("partitions, produce", "partitions of the topic", partitions(Produce)),
        curve("partitions, consume", "partitions of the topic", partitions(Consume)),
        curve("topics, produce", "topics of three partitions", topics(Produce)),
        curve("topics, consume", "topics of three partitions", topics(Consume)),
        curve("tasks, produce", "tasks that send", tasks.into()),
        Curve { unit: Unit::PerGigabyte, ..curve("sizes, produce", "bytes of a record", sizes(Produce)) },
        Curve { unit: Unit::PerGigabyte, ..curve("sizes, consume", "bytes of a record", sizes(Consume)) },
        curve("keys, produce", "keys", keys.into()),
        curve("handlers", "records are taken", handled.into()),
        curve("cores, zstd", "batches of 1 KiB records that are compressed at a time", cores("zstd").into()),
        curve("cores, gzip", "batches of 1 KiB records that are compressed at a time", cores("gzip").into()),
    ]
}

/// Where and how often it is measured.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) program: PathBuf,
    /// The broker.
    pub(super) address: String,
    pub(super) runs: usize,
    pub(super) scale: f64,
    /// For payloads.
    pub(super) folder: PathBuf,
}

impl Bench {
    /// Measures all steps of a curve: once unmeasured, then in turn as often as is planned, each on topics of its own.
    pub(super) fn measure(&self, curve: &mut Curve) -> Result<()> {
        println!("\n==> {}", curve.name);
        let mut seen: Vec<Vec<Seen>> = curve.points.iter().map(|_| Vec::new()).collect();
        let mut all = curve.points.iter().map(|point| self.prepare(point)).collect::<Result<Vec<_>>>()?;
        for run in 0..=self.runs {
            for ((point, topics), seen) in curve.points.iter().zip(&mut all).zip(&mut seen) {
                let count = point.count(self.scale);
                let count = if run == 0 { count.div_ceil(5) } else { count };
                let figures = self.turn(point, topics, curve.unit, count)?;
                if run > 0 {
                    println!(
                        "    {:<16} {:7.3} CPU s  {:7.0} k/s",
                        point.label,
                        figures.cpu,
                        figures.rate / 1e3
                    );
                    seen.push(figures);
                }
            }
        }
        all.iter().try_for_each(Topics::delete)?;
        std::thread::sleep(SETTLE);
        for (point, seen) in curve.points.iter_mut().zip(seen) {
            point.cpu = Spread::of(seen.iter().map(|seen| seen.cpu));
            point.rate = Spread::of(seen.iter().map(|seen| seen.rate));
            point.peak_mib = Spread::of(seen.iter().filter_map(|seen| seen.peak_mib));
        }
        Ok(())
    }

    /// The part of a core that a consumer of many partitions takes while nothing is written to them, and its memory in MiB.
    pub(super) fn idle(&self) -> Result<(f64, Option<f64>)> {
        println!("\n==> idle");
        let topics = self.create(1, IDLE_PARTITIONS)?;
        let mut command = self.command("idle");
        command.args(["--topic", &topics.name, "--group", &topics.name]);
        command.args(["--seconds", &IDLE_SECONDS.to_string()]);
        let measured = measure::run(&mut command);
        topics.delete()?;
        let measured = measured?;
        let partitions = number(&measured.said, "partitions")?;
        ensure!(partitions == f64::from(IDLE_PARTITIONS), "it had {partitions} partitions");
        let share = number(&measured.said, "idle_cpu_s")? / number(&measured.said, "seconds")?;
        println!("    {IDLE_PARTITIONS} partitions    {:.2} % of a core", share * 100.0);
        Ok((share, mib(measured.peak_bytes)))
    }

    /// The topics of one step, with two batches in each partition; all that is to be read is there.
    fn prepare(&self, point: &Point) -> Result<Topics<'_>> {
        let mut topics = self.create(point.topics, point.partitions)?;
        let mut touch = self.command("touch");
        touch.args(["--topic", &topics.name, "--topics", &topics.flag()]);
        topics.written = number(&measure::run(&mut touch)?.said, "messages")? as u64;
        if point.mode != Mode::Produce {
            self.produce(point, &mut topics, point.count(self.scale))?;
        }
        Ok(topics)
    }

    /// One run of one step.
    fn turn(&self, point: &Point, topics: &mut Topics<'_>, unit: Unit, count: u64) -> Result<Seen> {
        interrupt::check()?;
        let measured = match point.mode {
            Mode::Produce => self.produce(point, topics, count)?,
            Mode::Consume => self.start("consume", point, topics, count)?,
            Mode::Handle => self.start("handle", point, topics, count)?,
        };
        let messages = number(&measured.said, "messages")?;
        // Of a reader's last records more come at once than it asks for.
        let most = if point.mode == Mode::Produce { count } else { topics.written };
        ensure!((count as f64..=most as f64).contains(&messages), "it saw {messages} of {count} records");
        let seconds = number(&measured.said, "seconds")?;
        let (records, bytes) = (messages, messages * point.size as f64);
        let per = match unit {
            Unit::PerMillionRecords => records / 1e6,
            Unit::PerGigabyte => bytes / 1e9,
        };
        Ok(Seen {
            cpu: measured.cpu_seconds / per,
            rate: records / seconds,
            peak_mib: mib(measured.peak_bytes),
        })
    }

    /// Writes, and sees that what was written is there.
    fn produce(&self, point: &Point, topics: &mut Topics<'_>, count: u64) -> Result<measure::Measured> {
        let measured = self.start("produce", point, topics, count)?;
        topics.written += count;
        let there = topics.records()?;
        ensure!(there == topics.written, "the topics hold {there} records instead of {}", topics.written);
        Ok(measured)
    }

    fn start(&self, mode: &str, point: &Point, topics: &Topics<'_>, count: u64) -> Result<measure::Measured> {
        let payloads = self.folder.join(format!("payloads-{}.bin", point.size));
        workloads::write_payloads(&payloads, point.size)?;
        let mut command = self.command(mode);
        command.args(["--topic", &topics.name, "--topics", &topics.flag(), "--group", &random_name()]);
        command.args(["--count", &count.to_string(), "--size", &point.size.to_string()]);
        command.arg("--payload-file").arg(payloads);
        command.args(["--acks", "all", "--idempotent", "true", "--compression", "none"]);
        command.args(["--batch-bytes", "65536", "--linger-ms", "5"]);
        for (flag, value) in &point.flags {
            command.arg(format!("--{flag}")).arg(value);
        }
        measure::run(&mut command)
    }

    fn create(&self, count: usize, partitions: i32) -> Result<Topics<'_>> {
        let topics = Topics { bench: self, name: random_name(), count, written: 0 };
        let names = topics.names();
        names.iter().try_for_each(|name| topics::create(&self.address, name, partitions))?;
        Ok(topics)
    }

    fn command(&self, mode: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args([mode, "--brokers", &self.address]);
        command
    }
}

/// The figures of one run.
#[derive(Debug, Clone, Copy)]
struct Seen {
    cpu: f64,
    rate: f64,
    peak_mib: Option<f64>,
}

/// The topics of one step.
struct Topics<'a> {
    bench: &'a Bench,
    name: String,
    count: usize,
    /// Records in them.
    written: u64,
}

impl Topics<'_> {
    fn flag(&self) -> String {
        self.count.to_string()
    }

    fn names(&self) -> Vec<String> {
        match self.count {
            1 => vec![self.name.clone()],
            count => (0..count).map(|number| format!("{}-{number}", self.name)).collect(),
        }
    }

    fn records(&self) -> Result<u64> {
        let each = self.names().into_iter().map(|name| topics::records(&self.bench.address, &name));
        each.sum()
    }

    fn delete(&self) -> Result<()> {
        self.names().iter().try_for_each(|name| topics::delete(&self.bench.address, name))
    }
}

fn random_name() -> String {
    format!("bench-{:08x}", fastrand::u32(..))
}

fn mib(bytes: Option<u64>) -> Option<f64> {
    bytes.map(|bytes| bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_work_that_takes_about_as_long() {
        for point in all().iter().flat_map(|curve| &curve.points) {
            let bytes = point.count(1.0) * point.size as u64;
            assert!((20_000_000..=1_000_000_000).contains(&bytes), "{}: {bytes} bytes", point.label);
        }
        assert_eq!(Point::new(Mode::Produce, "").count(1e-9), 1);
    }
}
