//! The command line of `cargo xtask bench`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::{
    clients::{self, Built, Client},
    machine, picture,
    report::{self, Setting},
    rounds::{self, Plan, Table},
    workloads::Workload,
};
use crate::{
    check::Runner,
    cluster::{self, Backend, Cluster, KafkaVersion, State},
    interrupt, paths,
};

/// The cluster's name.
const NAME: &str = "bench";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A short form, to see that all works: few records and one run; written to quick.md and quick.svg
    #[arg(long)]
    quick: bool,
    /// Who takes part, with commas between; everyone who can be built if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    clients: Vec<Client>,
    /// What is done, with commas between; everything if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    workloads: Vec<Workload>,
    /// How often everyone does everything: 3 if not given, 1 with --quick
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    runs: Option<u16>,
    /// Multiplies the records of each workload: 0.5 if not given, 0.1 with --quick
    #[arg(long)]
    scale: Option<f64>,
    /// The folder with the sources of our peers, and with build.sh, which builds one by its name into bin/; seen from the workspace
    #[arg(long, value_name = "DIR", default_value = "../shared/bench")]
    peers: PathBuf,
    /// Where the figures are written, seen from the workspace
    #[arg(long, value_name = "DIR", default_value = "docs/benchmarks")]
    output: PathBuf,
    /// Take all clients as they were built last
    #[arg(long)]
    built: bool,
    /// Leave the cluster running
    #[arg(long)]
    keep: bool,
}

/// Builds the clients, lets them work in turn, and writes down the figures; fails if a run of ours does not count.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    paths::program()?;
    interrupt::install()?;
    let workspace = paths::workspace()?;
    let folder = workspace.join("target").join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let runner = Runner::new(workspace.clone());

    let wanted = or_all(&arguments.clients);
    let built = if arguments.built {
        clients::built(&wanted, &folder)?
    } else {
        clients::build(&runner, &wanted, &workspace.join(&arguments.peers), &folder)?
    };
    ensure!(!built.programs.is_empty(), "no client could be built");

    // What is removed is gone before the disk is full of it.
    let overrides = [("log.segment.delete.delay.ms".to_owned(), "1000".to_owned())].into();
    let cluster = Cluster { version: KafkaVersion::NEWEST, brokers: 1, overrides };
    cluster::bring_up(NAME, Backend::Native, &cluster, cluster::TIMEOUT)?;
    let outcome = run_all(arguments, &built, folder);
    if !arguments.keep {
        cluster::down(NAME)?;
    }
    let (tables, setting) = outcome?;
    write(&tables, &setting, &workspace.join(&arguments.output), arguments.quick)?;

    let ours = tables.iter().flat_map(|table| &table.rows).filter(|row| row.client == Client::Ours);
    let failures: Vec<&str> = ours.flat_map(|row| &row.failures).map(String::as_str).collect();
    ensure!(failures.is_empty(), "runs of ours do not count: {}", failures.join("; "));
    Ok(())
}

fn or_all<T: ValueEnum + Clone>(chosen: &[T]) -> Vec<T> {
    if chosen.is_empty() { T::value_variants().to_vec() } else { chosen.to_vec() }
}

fn run_all<'a>(
    arguments: &Arguments,
    built: &'a Built,
    folder: PathBuf,
) -> Result<(Vec<Table>, Setting<'a>)> {
    let facts = machine::facts();
    let servers = State::get(NAME)?.bootstrap_servers();
    let plan = Plan {
        built,
        address: servers.first().context("the cluster has no broker")?.clone(),
        runs: usize::from(arguments.runs.unwrap_or(if arguments.quick { 1 } else { 3 })),
        scale: arguments.scale.unwrap_or(if arguments.quick { 0.1 } else { 0.5 }),
        folder,
    };
    ensure!(plan.scale > 0.0 && plan.scale <= 100.0, "--scale is above 0, and no more than 100");
    let workloads = or_all(&arguments.workloads);
    let tables = workloads.into_iter().map(|workload| rounds::run(&plan, workload)).collect::<Result<_>>()?;
    let picture = format!("{}.svg", stem(arguments.quick));
    Ok((tables, Setting { facts, runs: plan.runs, scale: plan.scale, built, picture }))
}

/// Figures of the short form are not for keeping: Git ignores them.
fn stem(quick: bool) -> &'static str {
    if quick { "quick" } else { "results" }
}

fn write(tables: &[Table], setting: &Setting<'_>, folder: &Path, quick: bool) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let page = report::page(tables, setting);
    println!("\n{page}");
    for (name, text) in
        [(format!("{}.md", stem(quick)), page), (setting.picture.clone(), picture::cpu(tables))]
    {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("wrote {}", file.display());
    }
    Ok(())
}
