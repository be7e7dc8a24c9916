//! Compares what was acknowledged with what a group handled and with what another client reads.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader},
    ops::Range,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use kafka_tests::chain::{Chains, LIFE};

use crate::{
    handled::{Course, Handled},
    report::Report,
    vitals::Vitals,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What `write` left
    #[arg(long)]
    report: PathBuf,
    /// What Kafka's console consumer printed with print.partition=true
    #[arg(long)]
    values: PathBuf,
    /// What members wrote down; may be repeated
    #[arg(long = "journal")]
    journals: Vec<PathBuf>,
    /// A member that was killed, frozen or too slow; may be repeated
    #[arg(long = "broken")]
    broken: Vec<String>,
    /// FROM..UNTIL in microseconds since 1970: no partition of a sound member may move then; may be repeated
    #[arg(long = "quiet", value_parser = quiet)]
    quiet: Vec<Range<u64>>,
    /// Records were removed from the beginnings of partitions meanwhile
    #[arg(long)]
    removed: bool,
    /// The topic was deleted and made anew: for a while there was none
    #[arg(long)]
    made_anew: bool,
    /// By how many percent memory may grow once the program is warm, with the numbers of tasks and connections
    #[arg(long)]
    flat_percent: Option<u64>,
    /// By how many MiB memory may grow at all
    #[arg(long)]
    memory_limit_mib: Option<u64>,
}

fn quiet(text: &str) -> Result<Range<u64>, String> {
    let (from, until) = text.split_once("..").ok_or("write FROM..UNTIL")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
    Ok(number(from)?..number(until)?)
}

/// The one line in the end.
#[derive(Debug, Default)]
struct Verdict {
    sent: u64,
    acked: u64,
    lost: u64,
    repeated: u64,
    out_of_order: u64,
    damaged: u64,
    unexplained: u64,
    longest_stall_ms: u64,
    group: Option<Group>,
    memory: Option<Memory>,
}

#[derive(Debug, Default)]
struct Group {
    handled: u64,
    /// Because a member was broken.
    again: u64,
    owned_twice: u64,
    disturbed: u64,
}

#[derive(Debug)]
struct Memory {
    first: Vitals,
    warm: Vitals,
    most_kib: u64,
    last: Vitals,
    is_right: bool,
}

impl Verdict {
    fn is_right(&self) -> bool {
        let faults = self.lost + self.repeated + self.out_of_order + self.damaged + self.unexplained;
        let group = self.group.as_ref().map_or(0, |group| group.owned_twice + group.disturbed);
        self.acked > 0 && faults + group == 0 && self.memory.as_ref().is_none_or(|memory| memory.is_right)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, acked, lost, repeated, out_of_order, damaged, unexplained, .. } = self;
        let stall = Duration::from_millis(self.longest_stall_ms).as_secs_f64();
        write!(
            f,
            "sent {sent}, acked {acked}, lost {lost}, repeated {repeated}, out of order {out_of_order}, damaged \
             {damaged}, unexplained errors {unexplained}, longest stall {stall:.1} s"
        )?;
        if let Some(Group { handled, again, owned_twice, disturbed }) = &self.group {
            write!(
                f,
                "; the group handled {handled}, and again after a fault {again}, owned twice {owned_twice}, disturbed \
                 {disturbed}"
            )?;
        }
        if let Some(Memory { first, warm, most_kib, last, is_right }) = &self.memory {
            let mib = |kib: u64| kib as f64 / 1024.0;
            write!(
                f,
                "; memory {:.1} MiB, warm {:.1}, at most {:.1}, in the end {:.1}; tasks {} and {}, sockets {} and {}{}",
                mib(first.memory_kib),
                mib(warm.memory_kib),
                mib(*most_kib),
                mib(last.memory_kib),
                warm.tasks,
                last.tasks,
                warm.sockets,
                last.sockets,
                if *is_right { "" } else { " (too much)" }
            )?;
        }
        Ok(())
    }
}

/// Prints the verdict; fails unless all is as it must be.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let report = Report::load(&arguments.report);
    let values = BufReader::new(File::open(&arguments.values).expect("values"));
    let verdict = judge(arguments, &report, values);
    println!("{verdict}");
    if verdict.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judge(arguments: &Arguments, report: &Report, values: impl BufRead) -> Verdict {
    let mut chains = Chains::default();
    for line in values.lines() {
        let line = line.expect("a line of text");
        let record = line.strip_prefix("Partition:").and_then(|rest| rest.split_once('\t'));
        match record {
            Some((partition, value)) => chains.see_in(partition, value),
            // The tool has a few words of its own.
            None => eprintln!("{line}"),
        }
    }
    // What is gone with an earlier topic of that name, or from the beginning of the log, nobody can read any more.
    let is_there = |(named, number): &(i32, u64)| {
        named / LIFE == report.lives
            && (!arguments.removed || chains.first(*named).is_some_and(|first| *number >= first))
    };
    let lost = report.acknowledged().filter(is_there).filter(|(p, n)| !chains.has(*p, *n)).count();
    let consumed = &report.consumed;
    eprintln!("our own consumer: {consumed:?}");
    let mut verdict = Verdict {
        sent: report.sent.values().sum(),
        acked: report.acked,
        lost: u64::try_from(lost).unwrap_or(u64::MAX),
        repeated: chains.repeated() + consumed.repeated,
        out_of_order: chains.out_of_order() + consumed.out_of_order,
        damaged: chains.damaged() + consumed.damaged,
        unexplained: report.unexplained.values().sum(),
        longest_stall_ms: report.longest_stall_ms,
        ..Verdict::default()
    };
    if !arguments.removed {
        verdict.lost += consumed.missing;
    }
    for (error, times) in &report.unexplained {
        eprintln!("{times} times: {error}");
    }
    if !arguments.journals.is_empty() {
        let course = Course {
            broken: arguments.broken.iter().cloned().collect(),
            quiet: arguments.quiet.clone(),
            made_anew: arguments.made_anew,
        };
        let handled = Handled::read(&arguments.journals, &course);
        let may_miss = |record: &(i32, u64)| arguments.removed && !is_there(record);
        let missed =
            report.acknowledged().filter(|record| !handled.all.has(record.0, record.1) && !may_miss(record));
        let missed: Vec<_> = missed.collect();
        if let Some(first) = missed.first() {
            eprintln!("the group did not handle {} records, such as {first:?}", missed.len());
        }
        verdict.lost += u64::try_from(missed.len()).unwrap_or(u64::MAX);
        verdict.repeated += handled.sound.repeated();
        verdict.out_of_order += handled.all.out_of_order();
        verdict.damaged += handled.damaged;
        verdict.unexplained += handled.errors.values().sum::<u64>();
        for (error, times) in &handled.errors {
            eprintln!("{times} times: {error}");
        }
        verdict.group = Some(Group {
            handled: handled.all.count(),
            again: handled.all.repeated() - handled.sound.repeated(),
            owned_twice: handled.owned_twice,
            disturbed: handled.disturbed,
        });
    }
    verdict.memory = memory(arguments, &report.vitals);
    verdict
}

/// What there is to say of memory, if it was asked for. The first fifth of the time is for getting warm.
fn memory(arguments: &Arguments, vitals: &[Vitals]) -> Option<Memory> {
    arguments.flat_percent.or(arguments.memory_limit_mib)?;
    let (first, last) = (*vitals.first()?, *vitals.last()?);
    let warm = *vitals.get(vitals.len() / 5)?;
    let most_kib = vitals.iter().map(|vitals| vitals.memory_kib).max()?;
    let within = |limit: Option<u64>, found: u64| limit.is_none_or(|limit| found <= limit);
    let flat = |warm: u64| arguments.flat_percent.map(|percent| warm + warm * percent / 100);
    let is_right = within(flat(warm.memory_kib), last.memory_kib)
        && within(arguments.flat_percent.map(|_| warm.tasks), last.tasks)
        && within(arguments.flat_percent.map(|_| warm.sockets), last.sockets)
        && within(arguments.memory_limit_mib.map(|mib| first.memory_kib + mib * 1024), most_kib);
    Some(Memory { first, warm, most_kib, last, is_right })
}
