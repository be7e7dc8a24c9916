//! The command line of `cargo xtask test`, and the order of what it does.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{
    clusters::{Clusters, Versions},
    runner::Runner,
    steps::{Group, Session, Step},
};
use crate::{interrupt, lock::FileLock, paths};

/// The versions that `--kafka all` runs the main job on, besides the newest and the oldest.
const BETWEEN: [&str; 2] = ["3.9.1", "3.5.1"];

#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Kafka's version for the tests on a cluster, besides the oldest one; `all`: the main job on every version
    /// known to work
    #[arg(long, value_name = "VERSION|all", default_value_t = Versions::default())]
    kafka: Versions,
    /// Only these steps, or groups of them (fast: without a cluster; cluster: on one); may be repeated
    #[arg(long, value_name = "STEP", value_parser = chosen)]
    only: Vec<Chosen>,
    /// Leave the clusters running for the next time; `cargo xtask down --all` ends them
    #[arg(long)]
    keep: bool,
    /// Only tests whose name contains one of these; without --only, only the steps that run tests
    filters: Vec<String>,
}

/// What `--only` accepts.
#[derive(Debug, Clone, Copy)]
enum Chosen {
    Group(Group),
    Step(Step),
}

fn chosen(text: &str) -> Result<Chosen, String> {
    let group = Group::ALL.into_iter().find(|group| group.name() == text).map(Chosen::Group);
    let step = || Step::ALL.into_iter().find(|step| step.name() == text).map(Chosen::Step);
    group.or_else(step).ok_or_else(|| {
        let names: Vec<&str> = Group::ALL
            .iter()
            .map(|group| group.name())
            .chain(Step::ALL.iter().map(|step| step.name()))
            .collect();
        format!("the steps and groups are {}", names.join(", "))
    })
}

impl Arguments {
    fn steps(&self) -> Vec<Step> {
        let wanted = |step: &Step| {
            if self.only.is_empty() {
                return self.filters.is_empty() || step.takes_filters();
            }
            self.only.iter().any(|chosen| match chosen {
                Chosen::Group(group) => step.group() == *group,
                Chosen::Step(chosen) => chosen == step,
            })
        };
        Step::ALL.into_iter().filter(wanted).collect()
    }
}

/// Runs the steps until one fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = paths::workspace()?;
    paths::program()?;
    interrupt::install()?;
    let _lock = FileLock::try_exclusive(&paths::clusters()?.join("test.lock"))?
        .context("another `cargo xtask test` runs in this workspace: wait for it, or end it")?;
    let runner = Runner::new(root);
    let clusters = Clusters::new(arguments.kafka.clone(), arguments.keep);
    let mut session = Session { runner: &runner, clusters, filters: &arguments.filters };
    let begin = Instant::now();
    let mut done: Vec<(Step, Duration)> = Vec::new();
    for step in arguments.steps() {
        println!("\n==> {}: {}", step.name(), step.purpose());
        let step_begin = Instant::now();
        let result = session.run(step);
        let took = step_begin.elapsed();
        if let Err(error) = result {
            let name = step.name();
            if interrupt::requested() {
                bail!("interrupted in step {name}");
            }
            bail!(
                "step {name} failed after {:.0} s: {error:#}\nthis step alone: cargo xtask test --only {name}",
                took.as_secs_f64()
            );
        }
        println!("<== {}: {:.1} s", step.name(), took.as_secs_f64());
        done.push((step, took));
    }
    session.clusters.end();
    println!("\nall steps passed in {:.0} s:", begin.elapsed().as_secs_f64());
    for (step, took) in done {
        println!("{:>8.1} s  {}", took.as_secs_f64(), step.name());
    }
    Ok(())
}

/// The versions known to work between the newest and the oldest.
pub(super) fn between() -> Result<Vec<crate::cluster::KafkaVersion>> {
    BETWEEN.iter().map(|text| text.parse().map_err(anyhow::Error::msg)).collect()
}
