//! Clusters of containers, run by `docker compose` from the file that [`super::compose`] renders.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{
    compose,
    description::{Audience, Cluster, TOKENS_PORT},
    log, native,
    process::{Activity, Signal},
    properties::HOST,
    state::{Node, Role, Runs, State, write},
};

/// The first version with an official image.
const FIRST_IMAGE: super::KafkaVersion = super::KafkaVersion { major: 3, minor: 7, patch: 0 };

/// Fails, naming what is missing, unless containers can be started.
pub(crate) fn require() -> Result<()> {
    for arguments in [["compose", "version"].as_slice(), &["info"]] {
        let output = Command::new("docker").args(arguments).stdin(Stdio::null()).output();
        let said = match output {
            Ok(output) if output.status.success() => continue,
            Ok(output) => last_line(&output),
            Err(error) => error.to_string(),
        };
        bail!("`docker {}` fails ({said}): start Docker with its compose plug-in", arguments.join(" "));
    }
    Ok(())
}

/// Writes the compose file of a new cluster. Nothing runs yet.
pub(crate) fn create(name: &str, cluster: &Cluster) -> Result<State> {
    require()?;
    if cluster.version < FIRST_IMAGE {
        bail!(
            "there is no official image of Kafka {} (the first is {FIRST_IMAGE}): use --backend native",
            cluster.version
        );
    }
    let clients = || cluster.listeners().filter(|listener| listener.audience == Audience::Clients);
    let brokers = cluster.broker_ids().map(|id| Node {
        role: Role::Broker,
        id,
        pid: 0,
        marker: compose::service(cluster, id),
        listeners: clients()
            .map(|listener| (listener.name.to_owned(), format!("{HOST}:{}", listener.port_of(id))))
            .collect(),
        command: Vec::new(),
        log: PathBuf::new(),
    });
    let mut state = State {
        name: name.to_owned(),
        runs: Runs::Compose,
        version: cluster.version,
        brokers: cluster.brokers,
        overrides: cluster.overrides.clone(),
        classpath: String::new(),
        nodes: brokers.collect(),
    };
    state.nodes.push(native::token_endpoint(&state, TOKENS_PORT)?);
    compose::make_certificates(&State::folder(name)?)?;
    write(&file(name)?, &compose::render(cluster)?)?;
    state.save()?;
    Ok(state)
}

fn file(name: &str) -> Result<PathBuf> {
    Ok(State::folder(name)?.join("compose.yml"))
}

/// `docker compose` for the cluster with this name.
fn docker(name: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new("docker");
    command.args(["compose", "--project-name", &format!("streaming-kafka-{name}"), "--file"]);
    command.arg(file(name)?).args(arguments).stdin(Stdio::null());
    Ok(command)
}

fn succeed(name: &str, arguments: &[&str]) -> Result<String> {
    let output = docker(name, arguments)?.output().context("cannot start docker")?;
    if !output.status.success() {
        bail!("`docker compose {}` failed: {}", arguments.join(" "), last_line(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn last_line(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("without a word").trim().to_owned()
}

/// Starts what does not run, of the brokers chosen (`None`: all services), and waits until the health checks pass.
pub(crate) fn start(state: &State, brokers: Option<&[u16]>, timeout: Duration) -> Result<Vec<u16>> {
    let chosen = |node: &&Node| brokers.is_none_or(|chosen| chosen.contains(&node.id));
    let mut stopped = Vec::new();
    for node in state.brokers().filter(chosen) {
        if activity(state, node)? == Activity::Gone {
            stopped.push(node);
        }
    }
    if stopped.is_empty() {
        return Ok(Vec::new());
    }
    let seconds = timeout.as_secs().to_string();
    let mut arguments = vec!["up", "--detach", "--wait", "--wait-timeout", &seconds];
    if brokers.is_some() {
        arguments.push("--no-deps");
        arguments.extend(stopped.iter().map(|node| node.marker.as_str()));
    }
    if let Err(error) = succeed(&state.name, &arguments) {
        let said = succeed(&state.name, &["logs", "--no-color", "--tail", "500"]).unwrap_or_default();
        bail!("{error:#}\n{}", log::complaint(&said).join("\n"));
    }
    Ok(stopped.iter().map(|node| node.id).collect())
}

/// What the broker's container does.
pub(crate) fn activity(state: &State, node: &Node) -> Result<Activity> {
    let listed = succeed(&state.name, &["ps", "--all", "--format", "{{.Service}} {{.State}}"])?;
    Ok(activity_in(&listed, &node.marker))
}

fn activity_in(listed: &str, service: &str) -> Activity {
    let found = listed.lines().filter_map(|line| line.split_once(' ')).find(|(name, _)| *name == service);
    match found.map(|(_, state)| state.trim()) {
        Some("running" | "restarting") => Activity::Running,
        Some("paused") => Activity::Paused,
        _ => Activity::Gone,
    }
}

/// Stops, kills, freezes or unfreezes a broker; says whether it ran.
pub(crate) fn signal(state: &State, node: &Node, signal: Signal) -> Result<bool> {
    let before = activity(state, node)?;
    let what = match (signal, before) {
        (_, Activity::Gone) => return Ok(false),
        (Signal::Pause, Activity::Paused) | (Signal::Resume, Activity::Running) => return Ok(true),
        (Signal::Terminate, _) => "stop",
        (Signal::Kill, _) => "kill",
        (Signal::Pause, _) => "pause",
        (Signal::Resume, _) => "unpause",
    };
    succeed(&state.name, &[what, &node.marker])?;
    Ok(true)
}

/// Ends the containers and removes what they wrote.
pub(crate) fn remove(state: &State) -> Result<()> {
    succeed(&state.name, &["down", "--volumes", "--remove-orphans"]).map(drop)
}

/// Prints the log of a broker.
pub(crate) fn logs(state: &State, node: &Node, lines: usize, follow: bool) -> Result<()> {
    let lines = lines.to_string();
    let mut arguments = vec!["logs", "--no-log-prefix", "--tail", &lines];
    if follow {
        arguments.push("--follow");
    }
    arguments.push(&node.marker);
    let status = docker(&state.name, &arguments)?.status().context("cannot start docker")?;
    if status.success() { Ok(()) } else { bail!("`docker compose logs` ended with {status}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_container_does_is_read_from_docker() {
        let listed = "kafka-1 running\nkafka-2 paused\nkafka-3 exited\nkafka-ui running\n";
        assert_eq!(activity_in(listed, "kafka-1"), Activity::Running);
        assert_eq!(activity_in(listed, "kafka-2"), Activity::Paused);
        assert_eq!(activity_in(listed, "kafka-3"), Activity::Gone);
        assert_eq!(activity_in(listed, "kafka"), Activity::Gone);
    }
}
