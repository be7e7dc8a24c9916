//! What is done to members of the group.

use std::time::Duration;

use anyhow::{Context, Result};

use super::Round;
use crate::{
    cluster::{Signal, coordinators, signal_process},
    torture::{
        members::{Member, Options},
        run::{Run, now, wait},
    },
};

/// What members are upgraded through, one after the other: each step has something in common with the one before.
const STEPS: [&str; 4] =
    ["range", "cooperative-sticky,range", "cooperative-sticky", "range,cooperative-sticky"];

/// How many come at once.
const STORM: u32 = 50;

fn any_place(run: &Run<'_>, round: &mut Round) -> usize {
    round.draw.usize(0..run.members.len().max(1))
}

fn member<'a>(run: &'a Run<'_>, place: usize) -> Result<&'a Member> {
    run.members.get(place).context("there is no such member")
}

/// Puts a fresh member where the one before has gone.
fn replace(run: &mut Run<'_>, place: usize, options: Options) -> Result<()> {
    let member = run.start_member(place, options)?;
    run.members.insert(place, member);
    Ok(())
}

pub(super) fn kill(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    let place = any_place(run, round);
    let options = member(run, place)?.options.clone();
    let victim = run.members.remove(place);
    run.broken.insert(victim.name.clone());
    println!("  member {} is killed", victim.name);
    victim.process.kill()?;
    wait(round.millis(0..15_000))?;
    replace(run, place, options)
}

pub(super) fn pause(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    let place = any_place(run, round);
    let victim = member(run, place)?;
    println!("  member {} is frozen", victim.name);
    victim.signal(Signal::Pause)?;
    let waited = wait(round.millis(12_000..18_000));
    victim.signal(Signal::Resume)?;
    let name = victim.name.clone();
    run.broken.insert(name);
    waited?;
    wait(Duration::from_secs(3))
}

/// Members are slow by themselves.
pub(super) fn watch(_run: &Run<'_>) -> Result<()> {
    wait(Duration::from_secs(20))
}

pub(super) fn storm(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    let options = Options { count: STORM, ..Options::default() };
    let storm = run.start_member(run.members.len(), options)?;
    wait(round.millis(2_000..12_000))?;
    storm.leave()
}

pub(super) fn kill_coordinator(run: &Run<'_>, round: &mut Round) -> Result<()> {
    let coordinator = coordinators::of_group(&run.any_address()?, &run.topic)?;
    round.broker = u16::try_from(coordinator).context("no broker has such an id")?;
    println!("  broker {coordinator} coordinates the group");
    super::brokers::kill(run, round)
}

/// Kills a static member, which comes back before its session ends: nothing moves meanwhile.
pub(super) fn restart_static(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    // Those that came last have joined by now.
    wait(Duration::from_secs(5))?;
    let place = any_place(run, round);
    let options = member(run, place)?.options.clone();
    let from = now();
    let victim = run.members.remove(place);
    run.broken.insert(victim.name.clone());
    println!("  member {} is killed", victim.name);
    victim.process.kill()?;
    wait(round.millis(0..4_000))?;
    replace(run, place, options)?;
    wait(Duration::from_secs(4))?;
    run.quiet.push(format!("{from}..{}", now()));
    Ok(())
}

/// Restarts one member with what comes next; all have made a step before one makes its second.
pub(super) fn upgrade(run: &mut Run<'_>, round: &Round) -> Result<()> {
    let number = usize::try_from(round.number)?;
    let place = number % run.members.len().max(1);
    let step = number / run.members.len().max(1) + 1;
    let strategies = STEPS.get(step % STEPS.len()).copied().unwrap_or_default();
    let options = Options { strategies: strategies.to_owned(), ..member(run, place)?.options.clone() };
    let before = run.members.remove(place);
    println!("  member {} leaves, and comes back with {strategies}", before.name);
    before.leave()?;
    replace(run, place, options)?;
    wait(Duration::from_secs(6))
}

/// Freezes all clients for a minute.
pub(super) fn suspend(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    let writer = run.folder.join("report.json").display().to_string();
    let signal_all = |run: &Run<'_>, signal: Signal| {
        signal_process(run.writer.id(), &writer, signal)?;
        run.members.iter().try_for_each(|member| member.signal(signal))
    };
    signal_all(run, Signal::Pause)?;
    let waited = wait(Duration::from_secs(60) + round.millis(0..2_000));
    signal_all(run, Signal::Resume)?;
    run.broken.extend(run.members.iter().map(|member| member.name.clone()));
    waited
}
