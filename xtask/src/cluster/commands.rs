//! The command line of the test clusters.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use super::{
    KafkaVersion,
    backend::{self, Backend},
    compose,
    description::{Audience, Cluster},
    environment, native,
    process::{Activity, Signal},
    renewal,
    state::{Node, Role, State, check_name},
    token_endpoint,
};
use crate::interrupt;

/// How long brokers may take to answer: a few seconds of work each, on a machine that may be busy.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(180);

/// Commands for clusters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a Kafka cluster and wait until it answers
    ///
    /// Says so when that very cluster runs already, and refuses when one with other settings has the name.
    /// `cargo xtask env` prints how to reach it; `cargo xtask down` ends it and leaves nothing behind.
    ///
    /// Listeners: plaintext, ssl (asks for a certificate), sasl_plaintext, sasl_ssl, and REAUTH, which is sasl_ssl with a
    /// new sign-in every three seconds. Users: alice and bob, passwords alice-secret and bob-secret. Topics, groups and
    /// transactional ids named private-... are alice's alone; of topics readable-... and writable-... bob may only read
    /// or only write; the cluster is alice's; all else is open to both. Who comes by plaintext may do anything.
    Up(Up),
    /// End a cluster and remove its data
    Down(Down),
    /// Show the clusters started from this workspace
    Status(Status),
    /// Print `export STREAMING_KAFKA__...` lines that point programs at a cluster: eval "$(cargo xtask env)"
    Env(Env),
    /// Show the log of a broker
    Logs(Logs),
    /// Shut brokers down in an orderly way (SIGTERM), and wait until they are gone
    Stop(Chosen),
    /// Start brokers that were stopped or killed, and wait until they answer
    Start(Chosen),
    /// Kill brokers (SIGKILL): they lose what only their memory holds
    Kill(Chosen),
    /// Freeze brokers (SIGSTOP): connections stay open, nothing answers
    Pause(Chosen),
    /// Let frozen brokers go on (SIGCONT)
    Resume(Chosen),
    /// Make new certificates by a cluster's authority: `cargo xtask certificate broker` replaces that of its brokers
    Certificate(renewal::Arguments),
    /// Write the files under compose/ from the description of the clusters
    Compose,
    /// Give out tokens, as a process of a cluster
    #[command(hide = true)]
    Tokens(token_endpoint::Arguments),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The cluster's name; clusters of different names run side by side
    #[arg(long, default_value = "default")]
    pub(super) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    named: Named,
    /// How to run it
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    backend: Backend,
    /// How many brokers: 1 or 3
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3))]
    brokers: u16,
    /// Kafka's version; known to work: 4.3.1, 3.9.1, 3.5.1, and 2.8.2 (with ZooKeeper)
    #[arg(long, value_name = "VERSION", default_value_t = KafkaVersion::NEWEST)]
    kafka: KafkaVersion,
    /// A broker setting, in place of or beside those of the cluster; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Seconds until a cluster that does not answer counts as failed
    #[arg(long, default_value_t = TIMEOUT.as_secs())]
    timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    #[command(flatten)]
    named: Named,
    /// Every cluster started from this workspace
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only the cluster with this name
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    access: environment::Access,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    named: Named,
    /// The broker's id
    #[arg(long, default_value_t = 1)]
    broker: u16,
    /// How many lines from the end
    #[arg(long, default_value_t = 100)]
    lines: usize,
    /// Go on printing what the broker logs
    #[arg(long, short)]
    follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Chosen {
    #[command(flatten)]
    named: Named,
    /// A broker's id; may be repeated
    #[arg(long = "broker", value_name = "ID", required_unless_present = "all")]
    brokers: Vec<u16>,
    /// Every broker
    #[arg(long, conflicts_with = "brokers")]
    all: bool,
}

impl Chosen {
    fn one(name: &str, broker: u16) -> Self {
        Self { named: Named { name: name.to_owned() }, brokers: vec![broker], all: false }
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write KEY=VALUE, such as auto.create.topics.enable=false".to_owned()),
    }
}

/// Runs one command.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(arguments) => up(&arguments),
        Command::Down(arguments) if arguments.all => {
            State::all()?.iter().try_for_each(|state| down(&state.name))
        }
        Command::Down(arguments) => down(&arguments.named.name),
        Command::Status(arguments) => status(arguments.name.as_deref()),
        Command::Env(arguments) => {
            print!("{}", environment::exports(&State::get(&arguments.named.name)?, &arguments.access)?);
            Ok(())
        }
        Command::Logs(arguments) => {
            let state = State::get(&arguments.named.name)?;
            backend::logs(&state, broker(&state, arguments.broker)?, arguments.lines, arguments.follow)
        }
        Command::Start(chosen) => start(&chosen),
        Command::Stop(chosen) => signal(&chosen, Signal::Terminate),
        Command::Kill(chosen) => signal(&chosen, Signal::Kill),
        Command::Pause(chosen) => signal(&chosen, Signal::Pause),
        Command::Resume(chosen) => signal(&chosen, Signal::Resume),
        Command::Certificate(arguments) => renewal::run(&arguments),
        Command::Compose => compose::write_committed(),
        Command::Tokens(arguments) => token_endpoint::serve(&arguments),
    }
}

fn up(arguments: &Up) -> Result<()> {
    if arguments.brokers == 2 {
        bail!("--brokers 2: use 1, or 3 for a cluster that survives the loss of one");
    }
    let cluster = Cluster {
        version: arguments.kafka,
        brokers: arguments.brokers,
        overrides: arguments.settings.iter().cloned().collect(),
    };
    interrupt::install()?;
    bring_up(&arguments.named.name, arguments.backend, &cluster, Duration::from_secs(arguments.timeout))
}

/// Starts a cluster, or what is missing of it.
pub(crate) fn bring_up(name: &str, wanted: Backend, cluster: &Cluster, timeout: Duration) -> Result<()> {
    check_name(name)?;
    let _lock = State::lock(name)?;
    let begin = Instant::now();
    let (mut state, new) = match State::find(name)? {
        Some(state) if state.cluster() == *cluster && wanted.accepts(state.runs) => (state, false),
        Some(state) => bail!(
            "cluster {name:?} is there with other settings ({}, {}; asked for is {}): end it with `cargo xtask down \
             --name {name}`, or choose another --name",
            state.runs,
            summary(&state.cluster()),
            summary(cluster)
        ),
        None => {
            remove_leftovers(name)?;
            let runs = wanted.choose()?;
            let made = backend::create(runs, name, cluster);
            if made.is_err() {
                remove_leftovers(name)?;
            }
            (made?, true)
        }
    };
    match backend::start(&mut state, None, timeout) {
        Ok(started) if started.is_empty() => eprintln!("cluster {name:?} is running already"),
        Ok(_) => eprintln!(
            "cluster {name:?} ({}) is ready after {:.1} s on {}",
            summary(cluster),
            begin.elapsed().as_secs_f64(),
            state.bootstrap_servers().join(", ")
        ),
        Err(error) if new => {
            let kept = if interrupt::requested() { None } else { native::keep_logs(&state)? };
            backend::remove(Some(&state), &State::folder(name)?)?;
            let kept = kept.map_or(String::new(), |kept| format!("\n(whole logs: {})", kept.display()));
            bail!("cluster {name:?} did not start: {error:#}{kept}");
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn summary(cluster: &Cluster) -> String {
    let plural = if cluster.brokers == 1 { "" } else { "s" };
    let mut text = format!("Kafka {}, {} broker{plural}", cluster.version, cluster.brokers);
    for (key, value) in &cluster.overrides {
        text.push_str(&format!(", {key}={value}"));
    }
    text
}

fn remove_leftovers(name: &str) -> Result<()> {
    for folder in [State::folder(name)?, native::failed_logs(name)?] {
        backend::remove(None, &folder)?;
    }
    Ok(())
}

/// Ends a cluster and removes all of it.
pub(crate) fn down(name: &str) -> Result<()> {
    check_name(name)?;
    let lock = State::lock(name)?;
    let state = State::find(name).unwrap_or_else(|error| {
        eprintln!("{error:#}; removing what is there");
        None
    });
    backend::remove(state.as_ref(), &State::folder(name)?)?;
    remove_leftovers(name)?;
    drop(lock);
    eprintln!("cluster {name:?} {}", if state.is_some() { "is gone" } else { "is not there" });
    Ok(())
}

fn status(name: Option<&str>) -> Result<()> {
    let states = match name {
        Some(name) => vec![State::get(name)?],
        None => State::all()?,
    };
    if states.is_empty() {
        eprintln!("no cluster was started from this workspace: `cargo xtask up`");
        return Ok(());
    }
    println!(
        "{:<16} {:<9} {:>6} {:>8} {:<21} {:<8}",
        "CLUSTER", "NODE", "PID", "VERSION", "ADDRESS", "STATE"
    );
    for state in states {
        let listener = state.cluster().listener_for(Audience::Clients);
        for node in &state.nodes {
            let (title, address) = match node.role {
                Role::Broker => (format!("broker {}", node.id), node.listeners.get(listener)),
                Role::Zookeeper => ("zookeeper".to_owned(), node.listeners.values().next()),
                Role::Tokens => ("tokens".to_owned(), node.listeners.values().next()),
            };
            let activity = match backend::activity(&state, node)? {
                Activity::Running => "running",
                Activity::Paused => "paused",
                Activity::Gone => "stopped",
            };
            let address = address.map_or("", String::as_str);
            println!(
                "{:<16} {title:<9} {:>6} {:>8} {address:<21} {activity:<8}",
                state.name,
                node.pid,
                state.version.to_string(),
            );
        }
    }
    Ok(())
}

fn broker(state: &State, id: u16) -> Result<&Node> {
    state.brokers().find(|node| node.id == id).with_context(|| {
        let ids: Vec<String> = state.brokers().map(|node| node.id.to_string()).collect();
        format!("cluster {:?} has no broker {id}: it has {}", state.name, ids.join(", "))
    })
}

fn chosen_ids(state: &State, chosen: &Chosen) -> Result<Vec<u16>> {
    if chosen.all {
        return Ok(state.brokers().map(|node| node.id).collect());
    }
    chosen.brokers.iter().map(|id| broker(state, *id).map(|node| node.id)).collect()
}

/// Signals a broker, and waits until it does what that asks for.
pub(crate) fn signal_one(name: &str, broker: u16, what: Signal) -> Result<()> {
    signal(&Chosen::one(name, broker), what)
}

/// Starts all brokers that do not run, and waits until they answer.
pub(crate) fn start_all(name: &str) -> Result<()> {
    start(&Chosen { named: Named { name: name.to_owned() }, brokers: Vec::new(), all: true })
}

/// Starts a broker that was killed, and waits until it answers.
pub(crate) fn start_again(name: &str, broker: u16) -> Result<()> {
    start(&Chosen::one(name, broker))
}

/// Gives brokers that are all down other ports for clients.
pub(crate) fn move_clients(name: &str) -> Result<()> {
    let _lock = State::lock(name)?;
    native::move_clients(&mut State::get(name)?)
}

fn start(chosen: &Chosen) -> Result<()> {
    let name = &chosen.named.name;
    let _lock = State::lock(name)?;
    let mut state = State::get(name)?;
    let ids = chosen_ids(&state, chosen)?;
    let begin = Instant::now();
    let started = backend::start(&mut state, Some(&ids), TIMEOUT)?;
    for id in ids {
        if started.contains(&id) {
            eprintln!("broker {id} of {name:?} is ready after {:.1} s", begin.elapsed().as_secs_f64());
        } else {
            eprintln!("broker {id} of {name:?} is running already");
        }
    }
    Ok(())
}

fn signal(chosen: &Chosen, signal: Signal) -> Result<()> {
    let name = &chosen.named.name;
    let _lock = State::lock(name)?;
    let state = State::get(name)?;
    let ids = chosen_ids(&state, chosen)?;
    for id in &ids {
        let node = broker(&state, *id)?;
        let sent = backend::signal(&state, node, signal)?;
        match (sent, signal) {
            (false, Signal::Pause | Signal::Resume) => bail!("broker {id} of {name:?} is not running"),
            (false, _) => eprintln!("broker {id} of {name:?} was not running"),
            // A frozen process does not see the request to end until it goes on.
            (true, Signal::Terminate) => drop(backend::signal(&state, node, Signal::Resume)?),
            (true, _) => {}
        }
    }
    for id in &ids {
        let node = broker(&state, *id)?;
        if !backend::wait_for(&state, node, signal.leads_to(), Duration::from_secs(60))? {
            bail!("broker {id} of {name:?} did not heed the signal within a minute");
        }
    }
    Ok(())
}
