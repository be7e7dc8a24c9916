//! What is broken, and when.

use std::{
    fmt, thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{
    cluster::{self, Signal, State, leaders},
    interrupt,
};

/// How long a round waits at least for replicas to be in sync again.
const PATIENCE: Duration = Duration::from_secs(180);

/// A way to break a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Brokers are killed in turn, and started again
    Kill,
    /// Brokers are shut down in turn, in an orderly way, and started again
    Restart,
    /// Brokers are frozen in turn, for longer than the cluster waits for them
    Pause,
    /// Leaders move, every few seconds
    Move,
    /// All brokers are killed, and come back after a while
    Blackout,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Move => "move",
            Self::Blackout => "blackout",
        })
    }
}

impl Scenario {
    pub(crate) fn purpose(self) -> &'static str {
        match self {
            Self::Kill => "brokers are killed in turn and started again",
            Self::Restart => "brokers are shut down in turn and started again",
            Self::Pause => "brokers are frozen in turn",
            Self::Move => "leaders move every few seconds",
            Self::Blackout => "all brokers are killed and come back",
        }
    }

    /// About how long a round takes: none is begun that would outlast the load.
    pub(crate) fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Move => 5,
            Self::Restart => 15,
            Self::Kill | Self::Blackout => 25,
            Self::Pause => 30,
        })
    }
}

/// Breaks one cluster, in ways drawn from a seed.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    state: &'a State,
    topic: &'a str,
    seed: u64,
}

impl<'a> Script<'a> {
    pub(crate) fn new(state: &'a State, topic: &'a str, seed: u64) -> Self {
        Self { state, topic, seed }
    }

    /// One round; afterwards all brokers run and all replicas are in sync.
    pub(crate) fn round(&self, scenario: Scenario, round: u32) -> Result<()> {
        let mut draw = fastrand::Rng::with_seed(self.seed.wrapping_add(round.into()));
        let mut brokers: Vec<u16> = self.state.brokers().map(|node| node.id).collect();
        // The order is the seed's; each has its turn before one has its second.
        fastrand::Rng::with_seed(self.seed).shuffle(&mut brokers);
        let turn = usize::try_from(round)? % brokers.len().max(1);
        let Some(&broker) = brokers.get(turn) else { bail!("the cluster has no brokers") };
        let name = self.state.name.as_str();
        self.wait(Duration::from_millis(draw.u64(1_000..4_000)))?;
        println!("  round {round}: {scenario}, broker {broker}");
        match scenario {
            Scenario::Kill => {
                cluster::signal_one(name, broker, Signal::Kill)?;
                self.wait(Duration::from_millis(draw.u64(0..8_000)))?;
                cluster::start_again(name, broker)?;
            }
            Scenario::Restart => {
                cluster::signal_one(name, broker, Signal::Terminate)?;
                cluster::start_again(name, broker)?;
            }
            Scenario::Pause => {
                cluster::signal_one(name, broker, Signal::Pause)?;
                // A broker that is not heard of for nine seconds is taken for dead.
                let waited = self.wait(Duration::from_millis(draw.u64(2_000..18_000)));
                cluster::signal_one(name, broker, Signal::Resume)?;
                waited?;
            }
            Scenario::Move => leaders::rotate(&self.any_address()?, self.topic)?,
            Scenario::Blackout => {
                for broker in &brokers {
                    cluster::signal_one(name, *broker, Signal::Kill)?;
                }
                self.wait(Duration::from_millis(draw.u64(0..10_000)))?;
                cluster::start_all(name)?;
            }
        }
        self.wait_until_in_sync()
    }

    /// Waits until every replica is in sync: what dies next must not be the only one that has a record.
    pub(crate) fn wait_until_in_sync(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let partitions = self.any_address().and_then(|address| leaders::partitions(&address, self.topic));
            match partitions {
                Ok(found)
                    if !found.is_empty() && found.iter().all(|p| p.in_sync.len() == p.replicas.len()) =>
                {
                    return Ok(());
                }
                found if Instant::now() >= deadline => bail!("replicas are still not in sync: {found:?}"),
                _ => self.wait(Duration::from_millis(200))?,
            }
        }
    }

    fn any_address(&self) -> Result<String> {
        let addresses = self.state.bootstrap_servers();
        match fastrand::choice(&addresses) {
            Some(address) => Ok(address.clone()),
            None => bail!("the cluster has no brokers"),
        }
    }

    /// Sleeps, unless the user wants this program to end.
    fn wait(&self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            interrupt::check()?;
            thread::sleep(Duration::from_millis(50).min(time));
        }
        Ok(())
    }
}
