//! Both sides' answers beside each other, and what of their differences is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::differences::{Case, LISTED};
use super::fields::{Names, PRESENT, pattern};
use super::side::{Exchange, Outcome};

/// One value that is not the same on both sides.
#[derive(Debug)]
struct Deviation<'a> {
    exchange: &'a Exchange,
    path: String,
    kafka: String,
    embedded: String,
}

/// What the comparison came to.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) requests: usize,
    pub(crate) equal: usize,
    /// Answers that differ in nothing but what is listed.
    pub(crate) listed: usize,
    /// What must not be, one line each; none if all is well.
    pub(crate) wrong: String,
}

/// Compares the answers to the same script.
pub(crate) fn compare(kafka: &[Exchange], embedded: &[Exchange]) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut kafkas_names, mut embedded_names) = (Names::default(), Names::default());
    let mut seen = Vec::new();
    for (ours, theirs) in embedded.iter().zip(kafka) {
        assert_eq!(ours.label, theirs.label, "the script went another way");
        verdict.requests += 1;
        let deviations = deviations(verdict.requests, theirs, &mut kafkas_names, ours, &mut embedded_names);
        if deviations.is_empty() {
            verdict.equal += 1;
            continue;
        }
        let unlisted: Vec<_> = deviations
            .iter()
            .filter(|deviation| {
                let cases = all_cases().filter(|case| is_case(case, deviation));
                let before = seen.len();
                seen.extend(cases.map(std::ptr::from_ref));
                seen.len() == before
            })
            .collect();
        if unlisted.is_empty() {
            verdict.listed += 1;
            continue;
        }
        let _written = writeln!(verdict.wrong, "{} by {}", ours.label, ours.request);
        for Deviation { path, kafka, embedded, .. } in unlisted {
            let _written = writeln!(verdict.wrong, "    {path}: Kafka {kafka}, embedded {embedded}");
        }
    }
    assert_eq!(kafka.len(), embedded.len(), "the script went on");
    for case in all_cases().filter(|case| !seen.contains(&std::ptr::from_ref(*case))) {
        let _written = writeln!(verdict.wrong, "listed, but no longer there: {case:?}");
    }
    verdict
}

fn all_cases() -> impl Iterator<Item = &'static Case> {
    LISTED.iter().flat_map(|difference| difference.cases)
}

fn is_case(case: &Case, deviation: &Deviation<'_>) -> bool {
    case.api == deviation.exchange.api
        && deviation.exchange.label.contains(case.about)
        && case.path == pattern(&deviation.path)
        && fits(case.kafka, &deviation.kafka)
        && fits(case.embedded, &deviation.embedded)
}

/// Whether the value is the listed one; `*` stands for any, at the end for any rest.
fn fits(listed: &str, value: &str) -> bool {
    match listed.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => listed == value,
    }
}

fn deviations<'a>(
    number: usize,
    kafka: &Exchange,
    kafkas_names: &mut Names,
    embedded: &'a Exchange,
    embedded_names: &mut Names,
) -> Vec<Deviation<'a>> {
    let deviation = |path: String, kafka: String, own: String| Deviation {
        exchange: embedded,
        path,
        kafka,
        embedded: own,
    };
    let (Outcome::Answer(theirs), Outcome::Answer(ours)) = (&kafka.outcome, &embedded.outcome) else {
        if kafka.outcome == embedded.outcome {
            return Vec::new();
        }
        return vec![deviation(String::new(), short(&kafka.outcome), short(&embedded.outcome))];
    };
    let (theirs, ours) = (kafkas_names.fields(number, theirs), embedded_names.fields(number, ours));
    let (none, mut found) = ("nothing".to_owned(), Vec::new());
    let paths: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let value = |side: &BTreeMap<String, String>, path: &str| side.get(path).unwrap_or(&none).clone();
    let mut missing: Vec<String> = Vec::new();
    for path in paths {
        let (theirs, ours) = (value(&theirs, path), value(&ours, path));
        if theirs == ours || missing.iter().any(|start| path.starts_with(start)) {
            continue;
        }
        if theirs == PRESENT || ours == PRESENT {
            // Its fields say nothing more.
            missing.push(format!("{path}."));
        }
        found.push(deviation(path.clone(), theirs, ours));
    }
    found
}

fn short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answer(tree) => tree.line(),
        Outcome::Ended => "ends the connection".to_owned(),
        Outcome::Silence => "does not answer".to_owned(),
    }
}
