//! What `cargo xtask fuzz` runs: rounds of each target until there were enough executions, and a line of figures for each.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use clap::Parser;
use kafka_tests_fuzz::{Failure, Figures, Target, round};

#[derive(Debug, Parser)]
struct Arguments {
    /// What is fed; everything if not given
    #[arg(long, value_parser = target)]
    target: Option<Target>,
    /// How many executions each target has at least
    #[arg(long, default_value_t = 100_000, conflicts_with = "rounds")]
    executions: u64,
    /// How many rounds each target has
    #[arg(long)]
    rounds: Option<u64>,
    /// The first round's seed; drawn if not given
    #[arg(long)]
    seed: Option<u64>,
}

fn target(name: &str) -> Result<Target, String> {
    let known = Target::ALL.into_iter().find(|target| target.to_string() == name);
    known.ok_or_else(|| format!("there are {}", Target::ALL.map(|target| target.to_string()).join(", ")))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 48));
    println!("seed {seed}");
    let targets = arguments.target.map_or_else(|| Target::ALL.to_vec(), |target| vec![target]);
    for target in targets {
        let rounds =
            arguments.rounds.unwrap_or_else(|| arguments.executions.div_ceil(target.executions() as u64));
        let begun = Instant::now();
        match run(target, seed, rounds) {
            Ok(figures) => println!(
                "{target}: {} executions in {:.0?}, {} % read to their end, at most {} bytes at once and {} for each \
                 byte of input, the longest {:.1?}",
                figures.executions,
                begun.elapsed(),
                figures.accepted * 100 / figures.executions.max(1),
                figures.peak,
                figures.ratio,
                figures.longest,
            ),
            Err(failure) => {
                println!("{target}: {failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Runs rounds with rising seeds on all processors.
fn run(target: Target, seed: u64, rounds: u64) -> Result<Figures, Failure> {
    let (next, outcome) = (AtomicU64::new(0), Mutex::new(Ok(Figures::default())));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= rounds {
                return;
            }
            let result = round(target, seed.wrapping_add(number));
            // A failure of another thread leaves the sum as good as it was.
            let mut sum = outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match (&*sum, result) {
                (Ok(before), Ok(more)) => *sum = Ok(before.and(more)),
                (Ok(_), Err(failure)) => {
                    *sum = Err(failure);
                    next.store(rounds, Ordering::Relaxed);
                }
                (Err(_), _) => {}
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    outcome.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
