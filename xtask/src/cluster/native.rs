//! Clusters of `java` processes on this machine, from Kafka's own jars.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    access_rules,
    description::{Audience, Cluster},
    log::Log,
    probe,
    process::{self, Activity, Signal},
    properties::{self, HOST, Ports},
    security,
    state::{Node, Role, Runs, State, write},
};
use crate::{interrupt, jars, paths};

/// Ports are taken from here: below what systems hand to outgoing connections, so that the port of a stopped broker
/// is still free when it comes back.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How long a probe of one broker may take.
const PROBE: Duration = Duration::from_secs(2);

/// Lays out a new cluster on disk: folders, settings, formatted storage. Nothing runs yet.
pub(crate) fn create(name: &str, cluster: &Cluster) -> Result<State> {
    jars::require_java()?;
    let libs = jars::folder(cluster.version)?;
    let folder = State::folder(name)?;
    let mut free = free_ports()?;
    let mut next_port = || free.next().context("there is no free port left");
    let mut ports: BTreeMap<u16, Ports> = BTreeMap::new();
    for id in cluster.broker_ids() {
        let own = ports.entry(id).or_default();
        for listener in cluster.listeners() {
            own.insert(listener.name.to_owned(), next_port()?);
        }
    }
    let zookeeper = if cluster.version.uses_zookeeper() { Some(next_port()?) } else { None };
    let mut state = State {
        name: name.to_owned(),
        runs: Runs::Native,
        version: cluster.version,
        brokers: cluster.brokers,
        overrides: cluster.overrides.clone(),
        classpath: libs.join("*").display().to_string(),
        nodes: Vec::new(),
    };
    let certificates = state.certificates()?;
    security::make_certificates(&certificates)?;
    let tokens = state.token_files()?;
    if cluster.version.token_validator().is_some() {
        tokens.make()?;
        state.nodes.push(token_endpoint(&state, next_port()?)?);
    }
    let heap = if cluster.brokers == 1 { "1g" } else { "512m" };
    if let Some(port) = zookeeper {
        let own = folder.join("zookeeper");
        let settings = own.join("zookeeper.properties");
        write(&settings, &properties::zookeeper(port, &own.join("data")))?;
        let listeners = [("CLIENT".to_owned(), format!("{HOST}:{port}"))].into();
        let main = ["org.apache.zookeeper.server.quorum.QuorumPeerMain", &settings.display().to_string()];
        state.nodes.push(node(&state, Role::Zookeeper, 0, listeners, &own, "128m", &main)?);
    }
    for (&id, own_ports) in &ports {
        let own = folder.join(format!("broker-{id}"));
        let settings = own.join("server.properties");
        write(
            &settings,
            &properties::broker(cluster, id, &ports, zookeeper, &certificates, &tokens, &own.join("data"))?,
        )?;
        let listeners =
            own_ports.iter().map(|(name, port)| (name.clone(), format!("{HOST}:{port}"))).collect();
        let main = ["kafka.Kafka", &settings.display().to_string()];
        state.nodes.push(node(&state, Role::Broker, id, listeners, &own, heap, &main)?);
    }
    if zookeeper.is_none() {
        format_storage(&state)?;
    }
    state.save()?;
    Ok(state)
}

/// This very program, as the process that gives out tokens.
pub(crate) fn token_endpoint(state: &State, port: u16) -> Result<Node> {
    let own = State::folder(&state.name)?.join("tokens");
    fs::create_dir_all(&own).with_context(|| format!("cannot create {}", own.display()))?;
    let address = format!("{HOST}:{port}");
    let certificates = State::folder(&state.name)?.join("certificates");
    let marker = format!("--marker={}", own.display());
    let command = [paths::program()?.display().to_string(), "tokens".to_owned()].into_iter().chain([
        format!("--address={address}"),
        format!("--certificates={}", certificates.display()),
        marker.clone(),
    ]);
    Ok(Node {
        role: Role::Tokens,
        id: 0,
        pid: 0,
        marker,
        listeners: [("HTTPS".to_owned(), address)].into(),
        command: command.collect(),
        log: own.join("log.txt"),
    })
}

fn node(
    state: &State,
    role: Role,
    id: u16,
    listeners: BTreeMap<String, String>,
    folder: &Path,
    heap: &str,
    main: &[&str],
) -> Result<Node> {
    let logging_file = folder.join("logging.properties");
    let (logging, logging_option) = properties::logging(state.version, &logging_file);
    write(&logging_file, &logging)?;
    let marker = format!("-Dstreaming.kafka.node={}", folder.display());
    let command = ["java", &format!("-Xmx{heap}"), "-Xms128m", "-XX:+UseG1GC", "-Djava.awt.headless=true"]
        .into_iter()
        .map(str::to_owned)
        .chain(security::jvm_options(&state.token_files()?))
        .chain([logging_option, marker.clone(), "-cp".to_owned(), state.classpath.clone()])
        .chain(main.iter().map(|&word| word.to_owned()))
        .collect();
    Ok(Node { role, id, pid: 0, marker, listeners, command, log: folder.join("log.txt") })
}

/// Gives every KRaft node its formatted storage, all with the same cluster id.
fn format_storage(state: &State) -> Result<()> {
    // 128 bits in URL-safe base 64: the last of 22 characters carries two bits, so that `A` is always right there.
    let id: String = (0..21).map(|_| fastrand::alphanumeric()).chain(['A']).collect();
    let mut running = Vec::new();
    for node in state.brokers() {
        let settings = node.command.last().context("a node without a command")?;
        let child = Command::new("java")
            .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", &state.classpath])
            .args(["kafka.tools.StorageTool", "format", "-t", &id, "-c", settings])
            .args(if state.version.formats_users() { security::storage_arguments() } else { Vec::new() })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start java")?;
        running.push((node.id, child));
    }
    let mut failure = None;
    for (id, child) in running {
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            // The first line says what is wrong, the others where in Kafka's sources.
            let what = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
            failure = Some(format!("Kafka's storage tool refused broker {id}: {what}"));
        }
    }
    failure.map_or(Ok(()), |failure| bail!(failure))
}

/// Starts the nodes that do not run, of those chosen by broker id (`None`: all), and waits until they answer.
pub(crate) fn start(state: &mut State, brokers: Option<&[u16]>, timeout: Duration) -> Result<Vec<u16>> {
    let deadline = Instant::now() + timeout;
    let mut started = Vec::new();
    let new = state.nodes.iter().all(|node| node.pid == 0);
    for index in 0..state.nodes.len() {
        let Some(node) = state.nodes.get_mut(index) else { continue };
        let chosen = node.role != Role::Broker || brokers.is_none_or(|chosen| chosen.contains(&node.id));
        if !chosen || process::activity(node.pid, &node.marker) != Activity::Gone {
            continue;
        }
        let log = Log::mark_end(&node.log);
        let first_start = node.pid == 0;
        node.pid = process::spawn(&node.command, &node.log)?;
        let node = node.clone();
        state.save()?;
        match node.role {
            Role::Zookeeper => {
                wait_for_port(&node, "ZooKeeper", &log, deadline)?;
                if first_start {
                    add_users(state, &node)?;
                }
            }
            Role::Tokens => wait_for_port(&node, "the token endpoint", &log, deadline)?,
            Role::Broker => started.push((index, log)),
        }
    }
    let everyone = brokers.is_none();
    for (index, log) in &started {
        wait_for_broker(state, *index, log, everyone, deadline)?;
    }
    if new {
        let addresses = state.bootstrap_servers();
        access_rules::make(addresses.first().context("there is no broker")?, deadline)?;
    }
    Ok(started.iter().filter_map(|(index, _)| state.nodes.get(*index)).map(|node| node.id).collect())
}

/// Gives each broker another port for clients; those that run would not notice, so none may.
pub(crate) fn move_clients(state: &mut State) -> Result<()> {
    let listener = state.cluster().listener_for(Audience::Clients);
    let mut free = free_ports()?;
    for node in state.nodes.iter_mut().filter(|node| node.role == Role::Broker) {
        if process::activity(node.pid, &node.marker) != Activity::Gone {
            bail!("broker {} runs", node.id);
        }
        let address = node.listeners.get_mut(listener).context("the broker has no client port")?;
        let next = format!("{HOST}:{}", free.next().context("there is no free port left")?);
        let settings = Path::new(node.command.last().context("a node without a command")?);
        let text = fs::read_to_string(settings).context("cannot read the settings of a broker")?;
        // Its own two places, as a listener and as what is advertised, and no longer port that begins with these digits.
        let replaced = ["\n", ","].iter().fold(text, |text, end| {
            text.replace(&format!("{listener}://{address}{end}"), &format!("{listener}://{next}{end}"))
        });
        write(settings, &replaced)?;
        *address = next;
    }
    state.save()
}

/// Starts what is a process even where brokers are containers.
pub(crate) fn start_processes(state: &mut State, timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    for index in 0..state.nodes.len() {
        let Some(node) = state.nodes.get_mut(index).filter(|node| node.role == Role::Tokens) else {
            continue;
        };
        if process::activity(node.pid, &node.marker) == Activity::Gone {
            let log = Log::mark_end(&node.log);
            node.pid = process::spawn(&node.command, &node.log)?;
            let node = node.clone();
            state.save()?;
            wait_for_port(&node, "the token endpoint", &log, deadline)?;
        }
    }
    Ok(())
}

/// Waits until the one port of a node takes connections.
fn wait_for_port(node: &Node, title: &str, log: &Log, deadline: Instant) -> Result<()> {
    let address = node.listeners.values().next().with_context(|| format!("{title} has no port"))?;
    loop {
        interrupt::check()?;
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        if process::activity(node.pid, &node.marker) == Activity::Gone {
            bail!("{title} ended at its start:\n{}", log.complaint());
        }
        if Instant::now() >= deadline {
            bail!("{title} does not answer on {address}:\n{}", log.complaint());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Gives the users their passwords where only ZooKeeper can keep them.
fn add_users(state: &State, zookeeper: &Node) -> Result<()> {
    let address = zookeeper.listeners.values().next().context("ZooKeeper has no port")?;
    for user in security::USERS {
        let output = Command::new("java")
            .args([
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                &state.classpath,
                "kafka.admin.ConfigCommand",
            ])
            .args(["--zookeeper", address, "--alter", "--entity-type", "users", "--entity-name", user.name])
            .args(["--add-config", &security::scram_config(user)])
            .stdin(Stdio::null())
            .output()
            .context("cannot start java")?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            bail!("Kafka's tool cannot add user {}: {}", user.name, String::from_utf8_lossy(&said).trim());
        }
    }
    Ok(())
}

/// Waits until the broker answers and knows itself, or `everyone` in the cluster, to be alive.
fn wait_for_broker(
    state: &mut State,
    index: usize,
    log: &Log,
    everyone: bool,
    deadline: Instant,
) -> Result<()> {
    let client_listener = state.cluster().listener_for(Audience::Clients);
    let all: BTreeSet<i32> = state.brokers().map(|node| i32::from(node.id)).collect();
    loop {
        interrupt::check()?;
        let Some(node) = state.nodes.get(index) else { bail!("there is no such node") };
        let id = node.id;
        let address = node.listeners.get(client_listener).context("the broker has no client port")?;
        let seen = probe::known_brokers(address, PROBE);
        if let Ok(known) = &seen
            && (if everyone {
                known.iter().copied().eq(all.iter().copied())
            } else {
                known.contains(&id.into())
            })
        {
            return Ok(());
        }
        let gone = process::activity(node.pid, &node.marker) == Activity::Gone;
        if gone && state.version.uses_zookeeper() && log.mentions("NodeExists") && Instant::now() < deadline {
            // Killed a moment ago: ZooKeeper holds the old registration until its session ends.
            thread::sleep(Duration::from_secs(1));
            let Some(node) = state.nodes.get_mut(index) else { bail!("there is no such node") };
            node.pid = process::spawn(&node.command, &node.log)?;
            state.save()?;
            continue;
        }
        if gone {
            bail!("broker {id} ended at its start; its log says:\n{}", log.complaint());
        }
        if Instant::now() >= deadline {
            let seen = match seen {
                Ok(known) => format!("it knows the brokers {known:?} of {all:?}"),
                Err(error) => format!("{error:#}"),
            };
            bail!(
                "broker {id} on {address} is not ready in time ({seen}); its log says:\n{}",
                log.complaint()
            );
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Ends every process of the cluster and removes its folder. A damaged or half-made one is removed as well.
pub(crate) fn remove(state: Option<&State>, folder: &Path) -> Result<()> {
    // A container has no pid here, and pid 0 is nobody's.
    for node in state.iter().flat_map(|state| &state.nodes) {
        process::signal(node.pid, &node.marker, Signal::Kill)?;
    }
    for node in state.iter().flat_map(|state| &state.nodes) {
        if !process::wait_for(node.pid, &node.marker, Activity::Gone, Duration::from_secs(10)) {
            bail!("process {} does not end", node.pid);
        }
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", folder.display()));
        }
        _ => {}
    }
    // The last one leaves no empty folder above: where there is more in it, this does nothing.
    if let Some(above) = folder.parent() {
        let _not_empty = fs::remove_dir(above);
    }
    Ok(())
}

/// Keeps the logs of a cluster that failed to start, until the next `up` or `down` of that name; says where.
pub(crate) fn keep_logs(state: &State) -> Result<Option<PathBuf>> {
    let kept = failed_logs(&state.name)?;
    let mut any = false;
    for node in state.nodes.iter().filter(|node| node.log.is_file()) {
        let file = kept.join(match node.role {
            Role::Broker => format!("broker-{}.txt", node.id),
            Role::Zookeeper => "zookeeper.txt".to_owned(),
            Role::Tokens => "tokens.txt".to_owned(),
        });
        fs::create_dir_all(&kept)?;
        fs::copy(&node.log, file)?;
        any = true;
    }
    Ok(any.then_some(kept))
}

/// Where the logs of a failed start are kept.
pub(crate) fn failed_logs(name: &str) -> Result<PathBuf> {
    Ok(crate::paths::clusters()?.join("failed").join(name))
}

/// Free ports in random order, none of them used by another cluster of this workspace, running or stopped.
fn free_ports() -> Result<impl Iterator<Item = u16>> {
    let taken: BTreeSet<u16> = State::all()?
        .iter()
        .flat_map(|state| &state.nodes)
        .flat_map(|node| node.listeners.values())
        .filter_map(|address| address.rsplit(':').next()?.parse().ok())
        .collect();
    let mut ports: Vec<u16> = PORTS.collect();
    fastrand::shuffle(&mut ports);
    Ok(ports
        .into_iter()
        .filter(move |port| !taken.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()))
}
