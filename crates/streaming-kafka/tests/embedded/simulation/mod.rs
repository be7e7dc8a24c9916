//! The client and its brokers on one thread and a clock of their own: hours pass in seconds, and a seed says what happens.
//!
//! `scenario` draws who does what from the seed, and `chaos` what goes wrong; `producers` and `consumers` note in `world` what
//! they did and were told; `check` holds that and the logs to what was promised. `SEED=7 cargo test simulation` runs one seed
//! and prints all of its history if it fails; `SEEDS=1000..9000` runs those, as `cargo xtask test` does for some thousands.

mod chaos;
mod check;
mod codes;
mod consumers;
mod polling;
mod producers;
mod run;
mod scenario;
mod watchdog;
mod world;

use std::ops::Range;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Seeds that once failed.
const REGRESSIONS: &[u64] =
    &[140, 153, 328, 358, 957, 1197, 1614, 1679, 1787, 1792, 1949, 2607, 2641, 5372, 5553, 6720];

/// What the variables ask for, or else `usual`.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let number = |text: &str| text.trim().parse::<u64>().unwrap();
    if let Ok(seed) = std::env::var("SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match std::env::var("SEEDS") {
        Ok(range) => {
            let (from, to) = range.split_once("..").unwrap();
            number(from)..number(to)
        }
        Err(_) => usual,
    }
}

/// Runs them on all cores: a seed keeps to one thread.
fn run_all(seeds: impl IntoIterator<Item = u64>) {
    let (begun, seeds) = (Instant::now(), Vec::from_iter(seeds));
    let (next, simulated) = (AtomicUsize::new(0), Mutex::new(Duration::ZERO));
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            match catch_unwind(|| run::seed(*seed)) {
                Ok(ran) => *simulated.lock().unwrap() += ran.simulated,
                Err(failure) => {
                    next.store(seeds.len(), Ordering::Relaxed);
                    resume_unwind(failure);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let simulated = simulated.into_inner().unwrap();
    println!("{} seeds, {simulated:?} of simulated time, in {:?}", seeds.len(), begun.elapsed());
}

#[test]
fn promises_are_kept_whatever_a_seed_brings() {
    run_all(seeds(0..30));
}

#[test]
fn seeds_that_failed_once_do_not_again() {
    run_all(REGRESSIONS.iter().copied());
}

#[test]
fn a_seed_gives_the_same_history_each_time() {
    for seed in [1, 2, 3, 4, 5, 6, 7, 8] {
        let (first, second) = (run::seed(seed), run::seed(seed));
        let differ = first.history.iter().zip(&second.history).position(|(first, second)| first != second);
        if let Some(at) = differ {
            panic!("seed {seed}, request {at}: {:?} and {:?}", first.history[at], second.history[at]);
        }
        assert_eq!(first.history.len(), second.history.len(), "seed {seed}");
        assert_eq!(first.notes, second.notes, "seed {seed}");
    }
}
