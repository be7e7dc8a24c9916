//! What is done to brokers.

use std::time::Duration;

use anyhow::{Context, Result};

use super::Round;
use crate::{
    cluster::{self, Signal, State, leaders},
    torture::run::{Run, wait},
};

pub(super) fn kill(run: &Run<'_>, round: &mut Round) -> Result<()> {
    cluster::signal_one(&run.state.name, round.broker, Signal::Kill)?;
    wait(round.millis(0..8_000))?;
    cluster::start_again(&run.state.name, round.broker)
}

pub(super) fn restart(run: &Run<'_>, round: &Round) -> Result<()> {
    cluster::signal_one(&run.state.name, round.broker, Signal::Terminate)?;
    cluster::start_again(&run.state.name, round.broker)
}

/// Once, in the middle of the time.
pub(super) fn restart_in_the_midst(run: &Run<'_>, round: &Round) -> Result<()> {
    let half = run.settings.duration / 2;
    if round.number == 0 {
        wait(half.saturating_sub(Duration::from_secs(10)))?;
        return restart(run, round);
    }
    wait(Duration::from_secs(20))
}

pub(super) fn pause(run: &Run<'_>, round: &mut Round) -> Result<()> {
    cluster::signal_one(&run.state.name, round.broker, Signal::Pause)?;
    // A broker that is not heard of for nine seconds is taken for dead.
    let waited = wait(round.millis(2_000..18_000));
    cluster::signal_one(&run.state.name, round.broker, Signal::Resume)?;
    waited
}

pub(super) fn move_leaders(run: &Run<'_>) -> Result<()> {
    leaders::rotate(&run.any_address()?, &run.topic)
}

pub(super) fn blackout(run: &Run<'_>, round: &mut Round) -> Result<()> {
    kill_all(&run.state)?;
    wait(round.millis(0..10_000))?;
    cluster::start_all(&run.state.name)
}

pub(super) fn change_addresses(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    let name = run.state.name.clone();
    kill_all(&run.state)?;
    wait(round.millis(0..5_000))?;
    cluster::move_clients(&name)?;
    cluster::start_all(&name)?;
    run.state = State::get(&name)?;
    run.proxies.as_ref().context("there are no proxies")?.follow(&run.state)
}

fn kill_all(state: &State) -> Result<()> {
    state.brokers().try_for_each(|broker| cluster::signal_one(&state.name, broker.id, Signal::Kill))
}
