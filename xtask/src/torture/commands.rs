//! The command line of `cargo xtask torture`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::{
    compare,
    run::{Settings, play},
    scenario::Scenario,
};
use crate::{
    check::Runner,
    cluster::{self, Backend, Cluster, KafkaVersion, State},
    interrupt, paths,
};

/// The cluster's name.
const NAME: &str = "torture";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What is broken; may be repeated
    #[arg(long = "scenario", value_enum, required_unless_present_any = ["all", "compare_java"])]
    scenarios: Vec<Scenario>,
    /// Every scenario, one after the other
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// Measure how long our clients and Java's stand still when a leader or a member of the group dies
    #[arg(long)]
    compare_java: bool,
    /// How often each dies for --compare-java
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How many minutes each one lasts
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides when is broken what; drawn if not given
    #[arg(long)]
    seed: Option<u64>,
    /// How many records a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    rate: u64,
    /// The protocol of the group: of KIP-848 or the one before; drawn if not given
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// Build the client with optimisations, as is fit for measuring
    #[arg(long)]
    release: bool,
    /// Take the client as it was built last, from beside this program
    #[arg(long)]
    built: bool,
    /// Leave the cluster running
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Classic,
    Consumer,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}

/// Sessions of the new protocol are the brokers' to set: as long as those that members of the old one ask for.
const SETTINGS: [(&str, &str); 4] = [
    ("group.consumer.session.timeout.ms", "10000"),
    ("group.consumer.min.session.timeout.ms", "6000"),
    ("group.consumer.heartbeat.interval.ms", "2000"),
    ("group.consumer.min.heartbeat.interval.ms", "1000"),
];

/// Runs the scenarios; fails if one of them lost, repeated or disordered anything.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    paths::program()?;
    interrupt::install()?;
    let runner = Runner::new(paths::workspace()?);
    let client =
        if arguments.built { program(arguments.release)? } else { build(&runner, arguments.release)? };
    let overrides = SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let cluster = Cluster { version: KafkaVersion::NEWEST, brokers: 3, overrides };
    cluster::bring_up(NAME, Backend::Native, &cluster, cluster::TIMEOUT)?;
    let outcome = run_all(&runner, client, arguments);
    if !arguments.keep {
        cluster::down(NAME)?;
    }
    outcome
}

/// A minute of the quickest scenarios on a cluster that runs already.
pub(crate) fn short(runner: &Runner, cluster: &str) -> Result<()> {
    const SEED: u64 = 7;
    let client = build(runner, false)?;
    let settings = Settings {
        runner,
        client,
        cluster: cluster.to_owned(),
        seed: SEED,
        duration: Duration::from_secs(50),
        rate: 1_000,
        protocol: Protocol::Classic.name(),
    };
    if play(&settings, Scenario::Mixed)? { Ok(()) } else { bail!("not as it must be, with seed {SEED}") }
}

/// Builds the client's program; says where it is.
fn build(runner: &Runner, release: bool) -> Result<PathBuf> {
    // Selected among all packages, as for the tests, so that nothing is built twice.
    let mut arguments = vec!["build", "--workspace", "--bin", "torture", "--locked"];
    arguments.extend(release.then_some("--release"));
    runner.cargo(&arguments)?;
    program(release)
}

fn program(release: bool) -> Result<PathBuf> {
    let targets = paths::program()?.ancestors().nth(2).context("this program is not where cargo puts it")?;
    let profile = if release { "release" } else { "debug" };
    Ok(targets.join(profile).join(format!("torture{}", std::env::consts::EXE_SUFFIX)))
}

fn run_all(runner: &Runner, client: PathBuf, arguments: &Arguments) -> Result<()> {
    let scenarios = if arguments.all { Scenario::value_variants() } else { arguments.scenarios.as_slice() };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let drawn = if fastrand::Rng::with_seed(seed).bool() { Protocol::Classic } else { Protocol::Consumer };
    let settings = Settings {
        runner,
        client,
        cluster: NAME.to_owned(),
        seed,
        duration: Duration::from_secs_f64(arguments.minutes * 60.0),
        rate: arguments.rate,
        protocol: arguments.protocol.unwrap_or(drawn).name(),
    };
    if arguments.compare_java {
        let state = State::get(NAME)?;
        compare::run(runner, &settings.client, &state, arguments.rounds)?;
    }
    let mut failed = Vec::new();
    for scenario in scenarios {
        println!("\n==> {scenario}, seed {seed}: {}", scenario.purpose());
        if !play(&settings, *scenario)? {
            failed.push(scenario.to_string());
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("not as it must be, with seed {seed}: {}", failed.join(", "))
    }
}
