//! What is done to the topic.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};

use super::Round;
use crate::{
    cluster::{Signal, leaders},
    torture::run::{Run, wait},
};

/// Has the writer add a partition.
pub(super) fn grow(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    run.writer.tell("grow")?;
    run.writer.wait_for("done")?;
    wait(round.millis(4_000..10_000))
}

/// Has the writer delete the topic and make it anew.
pub(super) fn recreate(run: &mut Run<'_>, round: &mut Round) -> Result<()> {
    run.writer.tell("recreate")?;
    run.writer.wait_for("done")?;
    wait(round.millis(8_000..14_000))
}

/// Freezes members for less than their session, and removes what they have not read.
pub(super) fn remove_records(run: &Run<'_>, round: &mut Round) -> Result<()> {
    run.members.iter().try_for_each(|member| member.signal(Signal::Pause))?;
    let removed = wait(round.millis(3_000..5_000)).and_then(|()| delete_all(run));
    run.members.iter().try_for_each(|member| member.signal(Signal::Resume))?;
    removed?;
    wait(Duration::from_secs(8))
}

fn delete_all(run: &Run<'_>) -> Result<()> {
    let addresses: BTreeMap<i32, String> =
        run.state.brokers().map(|node| node.id.into()).zip(run.state.bootstrap_servers()).collect();
    let mut led: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for partition in leaders::partitions(&run.any_address()?, &run.topic)? {
        led.entry(partition.leader).or_default().push(partition.index);
    }
    for (leader, partitions) in led {
        let address = addresses.get(&leader).context("a partition has no leader")?;
        leaders::delete_records(address, &run.topic, &partitions)?;
    }
    Ok(())
}
