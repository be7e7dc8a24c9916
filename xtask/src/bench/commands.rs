//! The command line of `cargo xtask bench`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::{
    clients::{self, Built, Client},
    curves::{self, Bench, Curve},
    machine, picture,
    report::{self, Setting},
    rounds::{self, Plan, Table},
    scale,
    way_in::WayIn,
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
    /// How often everyone does everything: 3 if not given, 1 with --quick, 5 with --curves
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    runs: Option<u16>,
    /// Multiplies the records of each workload: 0.5 if not given, 0.1 with --quick, 1 with --curves
    #[arg(long)]
    scale: Option<f64>,
    /// The folder with the sources of our peers, and with build.sh, which builds one by its name into bin/; seen from the workspace
    #[arg(long, value_name = "DIR", default_value = "../shared/bench")]
    peers: PathBuf,
    /// In place of comparing: how the cost of our client grows with partitions, topics, tasks, sizes and more; written to scale.md
    /// and scale.svg
    #[arg(long, conflicts_with_all = ["quick", "clients", "workloads"])]
    curves: bool,
    /// Over TLS, with a certificate of the client's own, which a peer's program must know how to show; written to tls.md and tls.svg
    #[arg(long, conflicts_with_all = ["quick", "curves"])]
    tls: bool,
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

    let wanted = if arguments.curves { vec![Client::Ours] } else { or_all(&arguments.clients) };
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
    let output = workspace.join(&arguments.output);
    if arguments.curves {
        let outcome = run_curves(arguments, &built, folder);
        if !arguments.keep {
            cluster::down(NAME)?;
        }
        let (curves, setting) = outcome?;
        let page = scale::page(&curves, &setting, "scale.svg");
        return write(&output, [("scale.md", page), ("scale.svg", scale::picture(&curves))]);
    }
    let outcome = run_all(arguments, &built, folder);
    if !arguments.keep {
        cluster::down(NAME)?;
    }
    let (tables, setting) = outcome?;
    let (page, stem) = (report::page(&tables, &setting), stem(arguments));
    let (page_name, picture) = (format!("{stem}.md"), picture::cpu(&tables));
    write(&output, [(page_name.as_str(), page), (setting.picture.as_str(), picture)])?;

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
    let state = State::get(NAME)?;
    let plain = WayIn::plain(&state)?;
    let plan = Plan {
        built,
        address: plain.address.clone(),
        way_in: if arguments.tls { WayIn::by_tls(&state)? } else { plain },
        runs: usize::from(arguments.runs.unwrap_or(if arguments.quick { 1 } else { 3 })),
        scale: arguments.scale.unwrap_or(if arguments.quick { 0.1 } else { 0.5 }),
        folder,
    };
    ensure!(plan.scale > 0.0 && plan.scale <= 100.0, "--scale is above 0, and no more than 100");
    let workloads = or_all(&arguments.workloads);
    let tables = workloads.into_iter().map(|workload| rounds::run(&plan, workload)).collect::<Result<_>>()?;
    let picture = format!("{}.svg", stem(arguments));
    Ok((tables, Setting { facts, runs: plan.runs, scale: plan.scale, tls: arguments.tls, built, picture }))
}

fn run_curves(arguments: &Arguments, built: &Built, folder: PathBuf) -> Result<(Vec<Curve>, scale::Setting)> {
    let facts = machine::facts();
    let bench = Bench {
        program: built.program(Client::Ours).context("our program is not built")?.to_owned(),
        address: WayIn::plain(&State::get(NAME)?)?.address,
        runs: usize::from(arguments.runs.unwrap_or(5)),
        scale: arguments.scale.unwrap_or(1.0),
        folder,
    };
    let mut curves = curves::all();
    curves.iter_mut().try_for_each(|curve| bench.measure(curve))?;
    let setting = scale::Setting { facts, runs: bench.runs, scale: bench.scale, idle: bench.idle()? };
    Ok((curves, setting))
}

/// Figures of the short form are not for keeping: Git ignores them.
fn stem(arguments: &Arguments) -> &'static str {
    match arguments {
        Arguments { quick: true, .. } => "quick",
        Arguments { tls: true, .. } => "tls",
        _ => "results",
    }
}

/// Writes a page, which is shown too, and its picture.
fn write(folder: &Path, files: [(&str, String); 2]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    println!("\n{}", files[0].1);
    for (name, text) in files {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("wrote {}", file.display());
    }
    Ok(())
}
