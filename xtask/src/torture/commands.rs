//! The command line of `cargo xtask torture`, and the course of one scenario.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::scenario::{Scenario, Script};
use crate::{
    check::{Runner, Watched},
    cluster::{self, Backend, Cluster, KafkaVersion, State},
    interrupt, paths,
};

/// The cluster's name.
const NAME: &str = "torture";

const PARTITIONS: &str = "6";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What is broken; may be repeated
    #[arg(long = "scenario", value_enum, required_unless_present = "all")]
    scenarios: Vec<Scenario>,
    /// Every scenario, one after the other
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// How many minutes each one lasts
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides when is broken what; drawn if not given
    #[arg(long)]
    seed: Option<u64>,
    /// How many records a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    rate: u64,
    /// Leave the cluster running
    #[arg(long)]
    keep: bool,
}

/// Runs the scenarios; fails if one of them lost, repeated or disordered anything.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    paths::program()?;
    interrupt::install()?;
    let runner = Runner::new(paths::workspace()?);
    // Selected among all packages, as for the tests, so that nothing is built twice.
    runner.cargo(&["build", "--workspace", "--bin", "torture", "--locked"])?;
    let cluster = Cluster { version: KafkaVersion::NEWEST, brokers: 3, overrides: BTreeMap::new() };
    cluster::bring_up(NAME, Backend::Native, &cluster, cluster::TIMEOUT)?;
    let outcome = State::get(NAME).and_then(|state| run_all(&runner, &state, arguments));
    if !arguments.keep {
        cluster::down(NAME)?;
    }
    outcome
}

fn run_all(runner: &Runner, state: &State, arguments: &Arguments) -> Result<()> {
    let scenarios = if arguments.all { Scenario::value_variants() } else { arguments.scenarios.as_slice() };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let mut failed = Vec::new();
    for scenario in scenarios {
        println!("\n==> {scenario}, seed {seed}: {}", scenario.purpose());
        if !run_one(runner, state, *scenario, seed, arguments)? {
            failed.push(scenario.to_string());
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("not as it must be, with seed {seed}: {}", failed.join(", "))
    }
}

/// Says whether all was as it must be.
fn run_one(
    runner: &Runner,
    state: &State,
    scenario: Scenario,
    seed: u64,
    arguments: &Arguments,
) -> Result<bool> {
    let client = paths::program()?.with_file_name(format!("torture{}", std::env::consts::EXE_SUFFIX));
    let client = client.display().to_string();
    let topic = format!("torture-{scenario}-{:08x}", fastrand::u32(..));
    let folder = State::folder(NAME)?;
    let (report, values) = (folder.join("report.json"), folder.join("values.txt"));
    let duration = Duration::from_secs_f64(arguments.minutes * 60.0);
    let mut command = runner.command(&client);
    command.args(["write", &state.bootstrap_servers().join(","), &topic, PARTITIONS]);
    command.args([duration.as_secs().to_string(), arguments.rate.to_string()]).arg(&report);
    let mut job = runner.watch(&mut command)?;
    wait_until_ready(&mut job)?;
    let script = Script::new(state, &topic, seed);
    let begin = Instant::now();
    let mut rounds = 0_u32;
    while begin.elapsed() + scenario.length() < duration && job.is_running()? {
        script.round(scenario, rounds)?;
        rounds += 1;
    }
    job.end()?;
    script.wait_until_in_sync()?;
    read_back(runner, state, &topic, &values)?;
    let mut check = runner.command(&client);
    check.args(["check"]).arg(&report).stdin(File::open(&values)?);
    let output = check.stderr(Stdio::inherit()).output().context("cannot start the checker")?;
    let verdict = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    println!("{scenario}, {rounds} rounds, seed {seed}: {verdict}");
    for file in [report, values] {
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(output.status.success() && rounds > 0)
}

fn wait_until_ready(job: &mut Watched) -> Result<()> {
    while let Some(line) = job.next_line()? {
        if line.text == "ready" {
            return Ok(());
        }
    }
    bail!("the client ended before it was ready")
}

/// All values of the topic, one a line and each partition's in their order, as Kafka's own consumer reads them.
fn read_back(runner: &Runner, state: &State, topic: &str, values: &Path) -> Result<()> {
    let mut command = runner.command("java");
    command.args(["-Xmx512m", "-cp", &state.classpath, "org.apache.kafka.tools.consumer.ConsoleConsumer"]);
    command.args(["--bootstrap-server", &state.bootstrap_servers().join(","), "--topic", topic]);
    // It ends, with status 0, when nothing has come for so long.
    command.args([
        "--from-beginning",
        "--timeout-ms",
        "15000",
        "--formatter-property",
        "print.partition=true",
    ]);
    command.stdout(File::create(values)?).stderr(Stdio::null());
    runner.run(&mut command)
}
