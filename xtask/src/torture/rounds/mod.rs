//! What is done in each round, drawn from the seed. Afterwards all brokers run, all links are whole, and all replicas are in sync.

mod brokers;
mod group;
mod network;
mod topics;

use std::time::Duration;

use anyhow::{Result, bail};

use super::{
    run::{Run, wait},
    scenario::Scenario,
};

/// What a mixed run does, again and again: those that take least time.
const MIX: [Scenario; 5] =
    [Scenario::Cut, Scenario::MemberKill, Scenario::Reset, Scenario::Kill, Scenario::Move];

/// One round.
#[derive(Debug)]
struct Round {
    number: u32,
    /// Whose turn it is to be broken.
    broker: u16,
    draw: fastrand::Rng,
}

impl Round {
    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.draw.u64(range))
    }
}

pub(super) fn play(run: &mut Run<'_>, number: u32) -> Result<()> {
    let seed = run.settings.seed;
    let mut brokers: Vec<u16> = run.state.brokers().map(|node| node.id).collect();
    // The order is the seed's; each has its turn before one has its second.
    fastrand::Rng::with_seed(seed).shuffle(&mut brokers);
    let turn = usize::try_from(number)? % brokers.len().max(1);
    let Some(&broker) = brokers.get(turn) else { bail!("the cluster has no brokers") };
    let mut round =
        Round { number, broker, draw: fastrand::Rng::with_seed(seed.wrapping_add(number.into())) };
    let scenario = match run.scenario {
        Scenario::Mixed => {
            let turn = usize::try_from(number)? % MIX.len();
            MIX.get(turn).copied().unwrap_or(Scenario::Reset)
        }
        scenario => scenario,
    };
    let longest = if run.scenario == Scenario::Mixed { 1_500 } else { 4_000 };
    wait(round.millis(1_000..longest))?;
    println!("  round {number}: {scenario}, broker {broker}");
    match scenario {
        Scenario::Kill => brokers::kill(run, &mut round),
        Scenario::Restart => brokers::restart(run, &round),
        Scenario::Pause => brokers::pause(run, &mut round),
        Scenario::Move => brokers::move_leaders(run),
        Scenario::Blackout => brokers::blackout(run, &mut round),
        Scenario::Addresses => brokers::change_addresses(run, &mut round),
        Scenario::HalfOpen => network::strand(run, &mut round),
        Scenario::Slow => network::slow(run, &mut round),
        Scenario::Cut => network::cut(run, &mut round),
        Scenario::Reset => network::reset(run, &mut round),
        Scenario::Memory => network::throttle(run, &mut round),
        Scenario::MemberKill => group::kill(run, &mut round),
        Scenario::MemberPause => group::pause(run, &mut round),
        Scenario::SlowHandler => group::watch(run),
        Scenario::JoinStorm => group::storm(run, &mut round),
        Scenario::Coordinator => group::kill_coordinator(run, &mut round),
        Scenario::StaticMember => group::restart_static(run, &mut round),
        Scenario::Upgrade => group::upgrade(run, &round),
        Scenario::Suspend => group::suspend(run, &mut round),
        Scenario::Partitions => topics::grow(run, &mut round),
        Scenario::Recreate => topics::recreate(run, &mut round),
        Scenario::Retention => topics::remove_records(run, &mut round),
        Scenario::Soak => brokers::restart_in_the_midst(run, &round),
        Scenario::Mixed => Ok(()),
    }?;
    run.wait_until_in_sync()
}
