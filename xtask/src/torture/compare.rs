//! How long clients stand still when a leader or a member dies, ours beside Java's: both meet the very same death.

mod times;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use self::times::{Times, median, spread};
use super::run::{now, wait, wait_until_in_sync};
use crate::{
    check::{Runner, Watched},
    cluster::{self, Signal, State, leaders},
    paths,
};

/// Java's half, run from its source.
const JAVA: &str = "xtask/src/torture/compare/Failover.java";

const SESSION_TIMEOUT_MS: u64 = 6_000;
const HEARTBEAT_INTERVAL_MS: u64 = 2_000;

/// How many partitions a group shares.
const SHARED: usize = 6;

/// How long anything may take before the comparison gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose client it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Javas,
}

impl Whose {
    const BOTH: [Self; 2] = [Self::Ours, Self::Javas];

    fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Javas => "java",
        }
    }
}

/// Compares both, and prints a line for each.
pub(super) fn run(runner: &Runner, client: &Path, state: &State, rounds: u32) -> Result<()> {
    let folder = paths::clusters()?.join("torture-files").join(format!("compare-{:08x}", fastrand::u32(..)));
    fs::create_dir_all(&folder)?;
    let comparison = Comparison { runner, client, state, folder, rounds };
    let mut lines = Vec::new();
    for (what, [ours, javas]) in [
        ("a leader is killed: until the next acknowledgement", comparison.leaders()?),
        ("a member is killed: until the first record of its partitions elsewhere", comparison.members()?),
    ] {
        lines.push(format!(
            "{what}: ours {:.2} s (median of {rounds}; {}), java {:.2} s ({})",
            median(&ours),
            spread(&ours),
            median(&javas),
            spread(&javas)
        ));
    }
    fs::remove_dir_all(&comparison.folder)?;
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

struct Comparison<'a> {
    runner: &'a Runner,
    client: &'a Path,
    state: &'a State,
    folder: PathBuf,
    rounds: u32,
}

impl Comparison<'_> {
    /// A client of either kind, and where it writes down what comes.
    fn start(
        &self,
        whose: Whose,
        what: &str,
        topic: &str,
        name: &str,
        more: &[&str],
    ) -> Result<(Watched, Times)> {
        let file = self.folder.join(format!("{name}-{}.txt", whose.name()));
        let servers = self.state.bootstrap_servers().join(",");
        let mut command = match whose {
            Whose::Ours => {
                let mut command = self.runner.command(&self.client.display().to_string());
                command.args([what, "--servers", &servers, "--topic", topic, "--file"]).arg(&file);
                command.args(more);
                command
            }
            Whose::Javas => {
                let mut command = self.java();
                command.args([what, &servers, topic]).arg(&file);
                // The same in the same order, without the names.
                command.args(more.iter().filter(|word| !word.starts_with("--")));
                command
            }
        };
        let mut process = self.runner.watch(&mut command)?;
        process.wait_for("ready")?;
        Ok((process, Times::of(file)))
    }

    fn java(&self) -> Command {
        let mut command = self.runner.command("java");
        command.args(["-Xmx256m", "-cp", &self.state.classpath, JAVA]);
        command
    }

    /// Seconds from each kill of a leader to the next acknowledgement: ours, and Java's.
    fn leaders(&self) -> Result<[Vec<f64>; 2]> {
        let topic = format!("compare-leader-{:08x}", fastrand::u32(..));
        let (ours, our_times) = self.start(Whose::Ours, "produce", &topic, "producer", &["--create"])?;
        let (javas, java_times) = self.start(Whose::Javas, "produce", &topic, "producer", &[])?;
        let mut seconds = [Vec::new(), Vec::new()];
        for round in 0..self.rounds {
            wait_until_in_sync(self.state, &topic)?;
            // Java's compiler is at work in the beginning.
            wait(Duration::from_secs(5))?;
            let address = self.state.bootstrap_servers();
            let address = address.first().context("the cluster has no brokers")?;
            let leader = leaders::partitions(address, &topic)?.first().context("no partition")?.leader;
            let leader = u16::try_from(leader).context("the partition has no leader")?;
            let killed = now();
            cluster::signal_one(&self.state.name, leader, Signal::Kill)?;
            for (times, seconds) in [&our_times, &java_times].into_iter().zip(&mut seconds) {
                seconds.push(self.until(|| times.end_of_stall(killed))?);
            }
            println!("  round {round}: broker {leader} was killed: {seconds:.2?}");
            cluster::start_again(&self.state.name, leader)?;
        }
        ours.kill()?;
        javas.kill()?;
        Ok(seconds)
    }

    /// Seconds from each kill of a member to the first record of its partitions elsewhere: ours, and Java's.
    fn members(&self) -> Result<[Vec<f64>; 2]> {
        let topic = format!("compare-member-{:08x}", fastrand::u32(..));
        let partitions = SHARED.to_string();
        let writer =
            self.start(Whose::Ours, "produce", &topic, "writer", &["--create", "--partitions", &partitions])?;
        let mut seconds = [Vec::new(), Vec::new()];
        let survivors = [self.member(Whose::Ours, &topic, 0)?, self.member(Whose::Javas, &topic, 0)?];
        for round in 0..self.rounds {
            // Who comes first changes from round to round.
            let mut victims = Vec::new();
            let mut order = Whose::BOTH;
            order.rotate_left(usize::try_from(round)? % 2);
            for whose in order {
                victims.push((whose, self.member(whose, &topic, round + 1)?));
            }
            victims.sort_by_key(|(whose, _)| *whose == Whose::Javas);
            for ((_, victim), survivor) in victims.iter().zip(&survivors) {
                self.until(|| Ok(shared(&victim.1, &survivor.1)?.then_some(0.0)))?;
            }
            // Anywhere between two heartbeats.
            wait(Duration::from_millis(fastrand::u64(1_000..1_000 + HEARTBEAT_INTERVAL_MS)))?;
            let killed = now();
            let mut had = Vec::new();
            for (_, (process, times)) in victims {
                process.kill()?;
                had.push(times.partitions_since(killed.saturating_sub(1_000_000))?);
            }
            for ((survivor, had), seconds) in survivors.iter().zip(&had).zip(&mut seconds) {
                seconds.push(self.until(|| survivor.1.first_of(had, killed))?);
            }
            println!("  round {round}: a member of each group was killed: {seconds:.2?}");
        }
        for (process, _) in survivors {
            process.kill()?;
        }
        writer.0.kill()?;
        Ok(seconds)
    }

    fn member(&self, whose: Whose, topic: &str, number: u32) -> Result<(Watched, Times)> {
        let group = format!("{topic}-{}", whose.name());
        let (session, heartbeat) = (SESSION_TIMEOUT_MS.to_string(), HEARTBEAT_INTERVAL_MS.to_string());
        let more =
            ["--group", &group, "--session-timeout-ms", &session, "--heartbeat-interval-ms", &heartbeat];
        self.start(whose, "follow", topic, &format!("member-{number}"), &more)
    }

    /// Waits until there is a number.
    fn until(&self, look: impl Fn() -> Result<Option<f64>>) -> Result<f64> {
        let begin = Instant::now();
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            ensure!(begin.elapsed() < PATIENCE, "a client stands still for more than a minute");
            wait(Duration::from_millis(20))?;
        }
    }
}

/// Whether both have had records of half of the partitions, and of no others, for a while.
fn shared(one: &Times, other: &Times) -> Result<bool> {
    const WHILE: u64 = 2_000_000;
    let since = now().saturating_sub(WHILE);
    let (one, other) = (one.partitions_since(since)?, other.partitions_since(since)?);
    Ok(one.len() == SHARED / 2 && other.len() == SHARED / 2 && one.is_disjoint(&other))
}
