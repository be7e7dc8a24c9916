//! The course of one scenario.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    members::{Member, Options},
    plan::{Plan, Way},
    proxies::Proxies,
    rounds,
    scenario::Scenario,
};
use crate::{
    check::{Runner, Watched},
    cluster::{State, leaders},
    interrupt, paths,
};

/// How long a round waits at least for replicas to be in sync again.
const PATIENCE: Duration = Duration::from_secs(180);

/// What holds for all scenarios of a run.
#[derive(Debug)]
pub(super) struct Settings<'a> {
    pub(super) runner: &'a Runner,
    /// The program of the clients.
    pub(super) client: PathBuf,
    pub(super) cluster: String,
    pub(super) seed: u64,
    pub(super) duration: Duration,
    pub(super) rate: u64,
    /// `classic` or `consumer`.
    pub(super) protocol: &'static str,
}

/// A scenario that is being played.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) scenario: Scenario,
    pub(super) plan: Plan,
    /// Where the brokers are, and whether they run.
    pub(super) state: State,
    pub(super) topic: String,
    pub(super) proxies: Option<Proxies>,
    pub(super) writer: Watched,
    pub(super) members: Vec<Member>,
    /// Every journal there is, of members that are gone too.
    journals: Vec<PathBuf>,
    /// The names of members that were broken.
    pub(super) broken: BTreeSet<String>,
    /// When no partition may move: FROM..UNTIL in microseconds since 1970.
    pub(super) quiet: Vec<String>,
    pub(super) folder: PathBuf,
    started: u32,
}

/// Plays a scenario; says whether all was as it must be.
pub(super) fn play(settings: &Settings<'_>, scenario: Scenario) -> Result<bool> {
    let folder =
        paths::clusters()?.join("torture-files").join(format!("{scenario}-{:08x}", fastrand::u32(..)));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut run = Run::start(settings, scenario, &folder)?;
    let begin = Instant::now();
    let mut rounds = 0_u32;
    while begin.elapsed() + scenario.length() < settings.duration && run.writer.is_running()? {
        rounds::play(&mut run, rounds)?;
        rounds += 1;
    }
    let protocol = run.protocol();
    let (verdict, right) = run.finish()?;
    println!("{scenario}, {rounds} rounds, seed {}, {protocol}: {verdict}", settings.seed);
    if right {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    } else {
        println!("  what was written down is in {}", folder.display());
    }
    Ok(right && rounds > 0)
}

impl<'a> Run<'a> {
    fn start(settings: &'a Settings<'a>, scenario: Scenario, folder: &Path) -> Result<Self> {
        let plan = Plan::of(scenario);
        let state = State::get(&settings.cluster)?;
        let proxies = if plan.way == Way::Direct { None } else { Some(Proxies::start(&state)?) };
        let topic = format!("torture-{scenario}-{:08x}", fastrand::u32(..));
        let mut command = client(settings, &plan, &state, proxies.as_ref(), "write");
        command.args(["--topic", &topic, "--report"]).arg(folder.join("report.json"));
        command.arg(format!("--partitions={}", plan.partitions)).args(&plan.writer);
        command.arg(format!("--seconds={}", settings.duration.as_secs()));
        command.arg(format!("--rate={}", plan.rate.unwrap_or(settings.rate)));
        let mut writer = settings.runner.watch(&mut command)?;
        writer.wait_for("ready")?;
        wait_until_known(&state, &topic)?;
        let mut run = Self {
            settings,
            scenario,
            state,
            topic,
            proxies,
            writer,
            members: Vec::new(),
            journals: Vec::new(),
            broken: BTreeSet::new(),
            quiet: Vec::new(),
            folder: folder.to_owned(),
            started: 0,
            plan,
        };
        for (place, options) in run.plan.members.clone().into_iter().enumerate() {
            let member = run.begin_member(place, options)?;
            run.members.push(member);
        }
        for member in &mut run.members {
            member.process.wait_for("ready")?;
        }
        Ok(run)
    }

    /// Starts a member; it is ready when it says so.
    pub(super) fn begin_member(&mut self, place: usize, options: Options) -> Result<Member> {
        let name = format!("m{place}-{}", self.started);
        self.started += 1;
        let journal = self.folder.join(format!("{name}.txt"));
        let mut command = client(self.settings, &self.plan, &self.state, self.proxies.as_ref(), "members");
        command.args(["--topic", &self.topic, "--group", &self.topic, "--name", &name]);
        command.arg("--journal").arg(&journal).args(options.arguments(place));
        command.arg(format!("--protocol={}", self.protocol()));
        if options.is_too_slow() {
            self.broken.insert(name.clone());
        }
        self.journals.push(journal.clone());
        let process = self.settings.runner.watch(&mut command)?;
        Ok(Member { name, options, journal, process })
    }

    /// Starts a member, and waits until it runs.
    pub(super) fn start_member(&mut self, place: usize, options: Options) -> Result<Member> {
        let mut member = self.begin_member(place, options)?;
        member.process.wait_for("ready")?;
        Ok(member)
    }

    /// Waits for the end of everything, and has it judged.
    fn finish(mut self) -> Result<(String, bool)> {
        self.writer.end()?;
        wait_until_in_sync(&self.state, &self.topic)?;
        let (report, values) = (self.folder.join("report.json"), self.folder.join("values.txt"));
        let journals: Vec<String> =
            self.journals.iter().map(|file| format!("--journal={}", file.display())).collect();
        let settings = self.settings;
        let mut wait = client(settings, &self.plan, &self.state, self.proxies.as_ref(), "await");
        wait.args(["--topic", &self.topic, "--report"]).arg(&report).args(&journals);
        if self.scenario == Scenario::Retention {
            wait.arg("--only-last");
        }
        let count =
            settings.runner.watch(&mut wait)?.end()?.context("nothing says how many records there are")?;
        // All leave together, as at the end of a service.
        self.members.iter_mut().for_each(|member| member.process.close_input());
        for member in self.members.drain(..) {
            member.leave()?;
        }
        read_back(settings.runner, &self.state, &self.topic, &count, &values)?;
        let mut check = settings.runner.command(&settings.client.display().to_string());
        check.arg("check").arg("--report").arg(&report).arg("--values").arg(&values).args(&journals);
        check.args(self.broken.iter().map(|name| format!("--broken={name}")));
        check.args(self.quiet.iter().map(|quiet| format!("--quiet={quiet}"))).args(&self.plan.check);
        let output = check.stderr(Stdio::inherit()).output().context("cannot start the checker")?;
        Ok((String::from_utf8_lossy(&output.stdout).trim().to_owned(), output.status.success()))
    }

    fn protocol(&self) -> &'static str {
        match self.scenario {
            // The new one knows no assignors of members.
            Scenario::Upgrade => "classic",
            // In the new one members do not choose how long their sessions are.
            Scenario::Pause => "classic",
            _ => self.settings.protocol,
        }
    }

    pub(super) fn any_address(&self) -> Result<String> {
        any_address(&self.state)
    }

    pub(super) fn wait_until_in_sync(&self) -> Result<()> {
        wait_until_in_sync(&self.state, &self.topic)
    }
}

/// The client's program, told what all of it takes.
fn client(
    settings: &Settings<'_>,
    plan: &Plan,
    state: &State,
    proxies: Option<&Proxies>,
    what: &str,
) -> Command {
    let mut command = settings.runner.command(&settings.client.display().to_string());
    command.arg(what);
    match (plan.way, proxies) {
        (Way::Bootstrap, Some(proxies)) => command.arg(format!("--servers={}", proxies.addresses())),
        (_, Some(proxies)) => command
            .arg(format!("--servers={}", state.bootstrap_servers().join(",")))
            .arg(format!("--through={}", proxies.detours())),
        (_, None) => command.arg(format!("--servers={}", state.bootstrap_servers().join(","))),
    };
    command.args(&plan.common);
    command
}

/// All values of the topic, one a line and each partition's in their order, as Kafka's own consumer reads them.
fn read_back(runner: &Runner, state: &State, topic: &str, count: &str, values: &Path) -> Result<()> {
    let mut command = runner.command("java");
    command.args(["-Xmx512m", "-cp", &state.classpath, "org.apache.kafka.tools.consumer.ConsoleConsumer"]);
    command.args(["--bootstrap-server", &state.bootstrap_servers().join(","), "--topic", topic]);
    // It ends when it has all; nothing comes for so long only where something is lost.
    command.args(["--from-beginning", "--max-messages", count, "--timeout-ms", "90000"]);
    command.args(["--formatter-property", "print.partition=true"]);
    command.stdout(File::create(values)?).stderr(Stdio::null());
    runner.run(&mut command)
}

fn any_address(state: &State) -> Result<String> {
    let addresses = state.bootstrap_servers();
    match fastrand::choice(&addresses) {
        Some(address) => Ok(address.clone()),
        None => bail!("the cluster has no brokers"),
    }
}

/// Waits until every replica is in sync: what dies next must not be the only one that has a record.
pub(super) fn wait_until_in_sync(state: &State, topic: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let partitions = any_address(state).and_then(|address| leaders::partitions(&address, topic));
        match partitions {
            Ok(found) if !found.is_empty() && found.iter().all(|p| p.in_sync.len() == p.replicas.len()) => {
                return Ok(());
            }
            found if Instant::now() >= deadline => bail!("replicas are still not in sync: {found:?}"),
            _ => wait(Duration::from_millis(200))?,
        }
    }
}

/// Waits until every broker has heard of the topic: who subscribes to one that is not there is told so.
fn wait_until_known(state: &State, topic: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for address in state.bootstrap_servers() {
        while leaders::partitions(&address, topic).is_err() {
            ensure!(Instant::now() < deadline, "the broker at {address} has not heard of {topic}");
            wait(Duration::from_millis(100))?;
        }
    }
    Ok(())
}

/// Sleeps, unless the user wants this program to end.
pub(super) fn wait(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        interrupt::check()?;
        thread::sleep(Duration::from_millis(50).min(time));
    }
    Ok(())
}

/// Microseconds since 1970, as journals have them.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
