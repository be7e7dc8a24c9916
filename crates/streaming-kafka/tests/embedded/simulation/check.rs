//! What must hold, whatever went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_embedded::PartitionView;
use streaming_kafka::TopicPartition;
use streaming_kafka::dead_letter::header;
use tokio::time::{Instant, sleep};

use super::producers::number_of;
use super::scenario::{GroupPlan, Mode, Scenario};
use super::world::{Number, Told, World};

/// How long the clients may take to be well again when the cluster is.
const RECOVERY: Duration = Duration::from_secs(900);

fn partitions(world: &World, scenario: &Scenario) -> BTreeMap<TopicPartition, PartitionView> {
    let topics = scenario.topics.iter();
    let views = topics.flat_map(|topic| {
        let view = world.cluster.topic(topic.name).unwrap();
        (0..).zip(view.partitions).map(|(index, view)| (TopicPartition::new(topic.name, index), view))
    });
    views.collect()
}

/// No committed offset may ever lie behind a record that was not handled.
pub(super) fn commits(world: &World, scenario: &Scenario) {
    for plan in &scenario.groups {
        let Some(group) = world.cluster.group(plan.name) else { continue };
        let mut ledger = world.ledger.lock().unwrap();
        let mut wrong = Vec::new();
        let handled = ledger.handled.entry(plan.name).or_default();
        for (tp, offset) in group.offsets {
            if scenario.is_lossy(&tp.topic) {
                continue;
            }
            let seen = handled.committed.get(&tp).copied().unwrap_or_default();
            if let Some(missed) = (seen..offset).find(|&offset| !handled.has(&tp, offset)) {
                wrong.push(format!("{} committed {offset} of {tp} and has not handled {missed}", plan.name));
            }
            handled.committed.insert(tp, seen.max(offset));
        }
        drop(ledger);
        wrong.into_iter().for_each(|wrong| world.wrong(wrong));
    }
}

/// Waits until all groups have handled all there is, and committed that: a member that was put out of its group while it
/// could not hear of it has to come back first.
pub(super) async fn all_is_handled(world: &World, scenario: &Scenario) {
    let begun = Instant::now();
    loop {
        commits(world, scenario);
        let missing = unhandled(world, scenario)
            .or_else(|| uncommitted(world, scenario, scenario.groups.iter()).into_iter().next());
        let Some(missing) = missing else { return };
        if begun.elapsed() > RECOVERY {
            return world.wrong(missing);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

fn unhandled(world: &World, scenario: &Scenario) -> Option<String> {
    let partitions = ends(world, scenario);
    let ledger = world.ledger.lock().unwrap();
    scenario.groups.iter().find_map(|plan| {
        let handled = ledger.handled.get(plan.name);
        let lossy = scenario.topics.iter().filter(|topic| topic.lossy);
        let missed = lossy.flat_map(|topic| world.cluster.topic(topic.name)).find_map(|topic| {
            let records = topic.partitions.into_iter().flat_map(|partition| partition.records);
            let numbers = records.filter_map(|record| number_of(record.value.as_deref()?));
            numbers.into_iter().find(|number| handled.is_none_or(|handled| !handled.numbers.contains(number)))
        });
        if let Some(missed) = missed {
            return Some(format!("{} has not handled record {missed:?}", plan.name));
        }
        partitions.iter().filter(|(tp, _)| !scenario.is_lossy(&tp.topic)).find_map(|(tp, end)| {
            let has = |offset| handled.is_some_and(|handled| handled.has(tp, offset));
            let missed = (0..*end).find(|&offset| !has(offset))?;
            Some(format!("{} has not handled {missed} of {tp}, which ends at {end}", plan.name))
        })
    })
}

fn ends(world: &World, scenario: &Scenario) -> Vec<(TopicPartition, i64)> {
    let topics = scenario.topics.iter();
    let ends = topics.flat_map(|topic| {
        let ends = world.cluster.end_offsets(topic.name).unwrap_or_default();
        (0..).zip(ends).map(|(index, end)| (TopicPartition::new(topic.name, index), end))
    });
    ends.collect()
}

/// After an orderly end, the group stands where its members were: who went back and has not come forward again ends there.
pub(super) fn all_is_committed(world: &World, scenario: &Scenario) {
    let plans = scenario.groups.iter().filter(|plan| plan.antics.seeks == 0);
    uncommitted(world, scenario, plans).into_iter().for_each(|wrong| world.wrong(wrong));
}

fn uncommitted<'a>(
    world: &World,
    scenario: &Scenario,
    plans: impl Iterator<Item = &'a GroupPlan>,
) -> Vec<String> {
    let mut found = Vec::new();
    for plan in plans {
        let committed = world.cluster.group(plan.name).map(|group| group.offsets).unwrap_or_default();
        for (tp, end) in ends(world, scenario) {
            // Who gives it up commits last, and not as far as who has it.
            if scenario.may_be_owned_twice(plan, &tp.topic) {
                continue;
            }
            let at = committed.get(&tp).copied().unwrap_or_default();
            // Where the end of a log is gone, the commit may be left standing behind it.
            if at < end || (at > end && !scenario.is_lossy(&tp.topic)) {
                found.push(format!("{} committed {at} of {tp}, which ends at {end}", plan.name));
            }
        }
    }
    found
}

/// Holds the logs to what producers were told.
pub(super) fn logs(world: &World, scenario: &Scenario) {
    let mut wrong = Vec::new();
    let mut places: BTreeMap<Number, Vec<(TopicPartition, i64)>> = BTreeMap::new();
    for (tp, view) in partitions(world, scenario) {
        let mut last: BTreeMap<Number, u32> = BTreeMap::new();
        let mut next = 0;
        for record in view.records {
            if record.offset != next {
                wrong.push(format!("{tp} has a gap before {}", record.offset));
            }
            next = record.offset + 1;
            let Some((producer, number)) = record.value.as_deref().and_then(number_of) else {
                wrong.push(format!("{tp} has a damaged record at {}", record.offset));
                continue;
            };
            places.entry((producer, number)).or_default().push((tp.clone(), record.offset));
            // What a producer before sent, and never heard of, may come late. A log that was cut off has forgotten the
            // sequences too, and takes a batch whose forerunner was lost on the way.
            let life = number.checked_div(scenario.producers[producer].renew_every).unwrap_or_default();
            if let Some(last) = last.insert((producer, life), number).filter(|&last| last >= number)
                && scenario.producers[producer].idempotent
                && !scenario.is_cut_off(&tp.topic)
            {
                wrong.push(format!("{tp}: record {number} of producer {producer} follows {last}"));
            }
        }
    }
    let ledger = world.ledger.lock().unwrap();
    for (number, told) in &ledger.sent {
        let found = places.remove(number).unwrap_or_default();
        let once = scenario.producers[number.0].idempotent;
        let may_be_gone = |tp: &TopicPartition| found.is_empty() && scenario.is_lossy(&tp.topic);
        let is_right = match told {
            Told::Sent => false,
            Told::Absent(_) => found.is_empty(),
            Told::Unknown(_) => found.len() <= 1 || !once,
            Told::Acked(tp, _) if may_be_gone(tp) => true,
            // The copy that was acknowledged may be gone, and one that was not still be there.
            Told::Acked(tp, _) if !once && scenario.is_lossy(&tp.topic) => found.iter().all(|at| at.0 == *tp),
            Told::Acked(tp, offset) => {
                (found.len() == 1 || !once)
                    && found.iter().any(|at| at.0 == *tp && offset.is_none_or(|offset| offset == at.1))
            }
        };
        if !is_right {
            wrong.push(format!("record {number:?} was told {told:?} and is at {found:?}"));
        }
    }
    drop(ledger);
    wrong.extend(places.into_iter().map(|at| format!("nobody sent {at:?}")));
    wrong.into_iter().for_each(|wrong| world.wrong(wrong));
}

/// What handlers failed for is among the dead letters.
pub(super) fn dead_letters(world: &World, scenario: &Scenario) {
    let handlers = scenario.groups.iter().filter(|plan| matches!(plan.mode, Mode::Handler { .. }));
    for plan in handlers {
        let mut found: BTreeSet<(TopicPartition, i64)> = BTreeSet::new();
        for topic in scenario.topics.iter().filter(|topic| !topic.lossy) {
            let view = world.cluster.topic(&format!("{}.dlq", topic.name));
            for letter in view.into_iter().flat_map(|view| view.partitions).flat_map(|part| part.records) {
                let header = |name: &str| {
                    let headers = letter.headers.iter();
                    let value =
                        headers.filter(|header| &*header.key == name).find_map(|header| header.value.clone());
                    value.and_then(|value| String::from_utf8(value.to_vec()).ok()).unwrap_or_default()
                };
                if header(header::GROUP) == plan.name {
                    let partition = header(header::PARTITION).parse().unwrap();
                    let tp = TopicPartition::new(topic.name, partition);
                    found.insert((tp, header(header::OFFSET).parse().unwrap()));
                }
            }
        }
        let ledger = world.ledger.lock().unwrap();
        let failed = ledger.handled.get(plan.name).map(|handled| handled.failed.clone()).unwrap_or_default();
        drop(ledger);
        for (tp, offsets) in failed.into_iter().filter(|(tp, _)| !scenario.is_lossy(&tp.topic)) {
            for offset in offsets {
                if !found.contains(&(tp.clone(), offset)) {
                    world.wrong(format!("{}: no dead letter of {tp} at {offset}", plan.name));
                }
            }
        }
    }
}
