//! The main job (the quickstart's static binary) on real Kafka: every way in, every version, and a broker that dies.
//!
//! The program counts for itself and ends with a failure when anything is missing or seen twice.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{clusters::Clusters, runner::Runner};
use crate::cluster::{
    self, Signal, State,
    environment::{self, Access},
};

/// How many events the main job has by the plainest way in.
const EVENTS: &str = "20000";
/// How many by each other way in.
const FEWER_EVENTS: &str = "5000";

/// The broker that dies.
const VICTIM: u16 = 2;

/// Runs all of it.
pub(crate) fn run(runner: &Runner, clusters: &mut Clusters, binary: &Path) -> Result<()> {
    for version in clusters.main_job_versions()? {
        let state = clusters.for_main_job(version)?;
        for (index, access) in Access::every(&state).iter().enumerate() {
            println!("  on Kafka {version}, {access}:");
            let events = if index == 0 { EVENTS } else { FEWER_EVENTS };
            let mut command = main_job(runner, binary, &state, access)?;
            let report = runner.watch(command.args(["--events", events]))?.end()?;
            every_member_took_part(report.as_deref())?;
        }
    }
    let state = clusters.three()?;
    println!("  on three brokers, one of which is killed and started again:");
    survive(runner, binary, &state)
}

fn main_job(runner: &Runner, binary: &Path, state: &State, access: &Access) -> Result<Command> {
    let mut command = runner.command(&binary.display().to_string());
    command.envs(environment::client(state, access)?);
    Ok(command)
}

/// Kills a broker when the job is at three tenths, and starts it again before the job is through.
fn survive(runner: &Runner, binary: &Path, state: &State) -> Result<()> {
    // Slow enough that most of the work is still to be done when the broker is gone, on any machine.
    let arguments = ["--events", "30000", "--rate", "1500"];
    let mut command = main_job(runner, binary, state, &Access::default())?;
    let mut job = runner.watch(command.args(arguments))?;
    job.wait_for("produced 30 %")?;
    cluster::signal_one(&state.name, VICTIM, Signal::Kill)?;
    let mut produced = "produced 30 %".to_owned();
    while let Some(line) = job.line_so_far() {
        if line.text.starts_with("produced ") {
            produced = line.text;
        }
    }
    ensure!(produced != "produced 100 %", "the broker was killed too late: everything was produced");
    println!("  broker {VICTIM} is dead; at that time the job was at: {produced}");
    ensure!(job.is_running()?, "the job was over before the broker was started again");
    cluster::start_again(&state.name, VICTIM)?;
    every_member_took_part(job.end()?.as_deref())
}

/// The program's counts are right if it says so; that its group was one of several is not its to judge.
fn every_member_took_part(report: Option<&str>) -> Result<()> {
    let report: Value = serde_json::from_str(report.context("the job printed no report")?)
        .context("the job's last line is no report")?;
    let members =
        report.get("handled_by_member").and_then(Value::as_array).context("no member is reported")?;
    ensure!(members.len() > 1, "the group had but one member");
    ensure!(
        members.iter().all(|handled| handled.as_u64() > Some(0)),
        "a member handled nothing: {members:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_without_work_is_noticed() {
        let report = |members: &str| format!("{{\"handled_by_member\": {members}}}");
        assert!(every_member_took_part(Some(&report("[1, 2]"))).is_ok());
        for members in ["[0, 2]", "[3]", "[]", "null"] {
            assert!(every_member_took_part(Some(&report(members))).is_err(), "{members}");
        }
        assert!(every_member_took_part(Some("no report")).is_err());
        assert!(every_member_took_part(None).is_err());
    }
}
