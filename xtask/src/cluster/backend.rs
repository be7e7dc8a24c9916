//! The two ways to run a cluster, behind one face.

use std::{fmt, path::Path, time::Duration};

use anyhow::{Result, bail};

use super::{
    description::Cluster,
    docker, log, native,
    process::{self, Activity, Signal},
    state::{Node, Role, Runs, State},
};
use crate::jars;

/// How to run a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Backend {
    /// `java` processes of this machine, from Kafka's own jars, which Maven brings
    Native,
    /// Containers, by `docker compose`, with Kafka UI on 8080 and a Prometheus exporter on 9308
    Compose,
    /// Native where there is Java, compose where there is only Docker
    Auto,
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Compose => "compose",
        })
    }
}

impl Backend {
    /// Decides; fails with what is missing for both.
    pub(crate) fn choose(self) -> Result<Runs> {
        match self {
            Self::Native => Ok(Runs::Native),
            Self::Compose => Ok(Runs::Compose),
            Self::Auto => match (jars::require_java(), docker::require()) {
                (Ok(()), _) => Ok(Runs::Native),
                (Err(_), Ok(())) => Ok(Runs::Compose),
                (Err(native), Err(compose)) => {
                    bail!("neither backend can run here:\n  {native:#}\n  {compose:#}")
                }
            },
        }
    }

    /// Whether a cluster that runs so is what was asked for.
    pub(crate) fn accepts(self, runs: Runs) -> bool {
        match self {
            Self::Auto => true,
            Self::Native => runs == Runs::Native,
            Self::Compose => runs == Runs::Compose,
        }
    }
}

/// Lays out a new cluster; nothing runs yet.
pub(crate) fn create(runs: Runs, name: &str, cluster: &Cluster) -> Result<State> {
    match runs {
        Runs::Native => native::create(name, cluster),
        Runs::Compose => docker::create(name, cluster),
    }
}

/// Starts the brokers that do not run, of those chosen (`None`: all), and waits until they answer; says which.
pub(crate) fn start(state: &mut State, brokers: Option<&[u16]>, timeout: Duration) -> Result<Vec<u16>> {
    match state.runs {
        Runs::Native => native::start(state, brokers, timeout),
        Runs::Compose => {
            native::start_processes(state, timeout)?;
            docker::start(state, brokers, timeout)
        }
    }
}

/// How a node runs: what is no broker is a process beside the containers.
fn runs(state: &State, node: &Node) -> Runs {
    if node.role == Role::Broker { state.runs } else { Runs::Native }
}

/// What a node does at the moment.
pub(crate) fn activity(state: &State, node: &Node) -> Result<Activity> {
    match runs(state, node) {
        Runs::Native => Ok(process::activity(node.pid, &node.marker)),
        Runs::Compose => docker::activity(state, node),
    }
}

/// Signals a node; says whether it ran.
pub(crate) fn signal(state: &State, node: &Node, signal: Signal) -> Result<bool> {
    match runs(state, node) {
        Runs::Native => process::signal(node.pid, &node.marker, signal),
        Runs::Compose => docker::signal(state, node, signal),
    }
}

/// Waits until a node does what a signal asks of it; says whether it did in time.
pub(crate) fn wait_for(state: &State, node: &Node, wanted: Activity, timeout: Duration) -> Result<bool> {
    match state.runs {
        Runs::Native => Ok(process::wait_for(node.pid, &node.marker, wanted, timeout)),
        Runs::Compose => Ok(docker::activity(state, node)? == wanted),
    }
}

/// Prints the log of a node.
pub(crate) fn logs(state: &State, node: &Node, lines: usize, follow: bool) -> Result<()> {
    match state.runs {
        Runs::Native => log::print(&node.log, lines, follow),
        Runs::Compose => docker::logs(state, node, lines, follow),
    }
}

/// Ends everything that runs and removes the folder, which may be all that there is.
pub(crate) fn remove(state: Option<&State>, folder: &Path) -> Result<()> {
    match state {
        Some(state) if state.runs == Runs::Compose => {
            docker::remove(state)?;
            native::remove(Some(state), folder)
        }
        state => native::remove(state, folder),
    }
}
