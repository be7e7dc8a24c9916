//! Some rounds of each target; `cargo xtask fuzz` runs millions of executions of the same.
#![allow(clippy::panic, reason = "helpers of tests may fail the test")]

use kafka_tests_fuzz::{Figures, Target, round};

fn rounds(target: Target, count: u64) {
    let mut figures = Figures::default();
    for seed in 0..count {
        figures = figures.and(round(target, seed).unwrap_or_else(|failure| panic!("{failure}")));
    }
    let (executions, accepted) = (figures.executions, figures.accepted);
    assert_eq!(executions, count * target.executions() as u64);
    // Mutations that are all noticed at the first byte, or never, would show nothing.
    assert!((executions / 50..executions * 49 / 50).contains(&accepted), "{figures:?}");
}

#[test]
fn damaged_responses_are_errors() {
    rounds(Target::Responses, 4);
}

#[test]
fn damaged_frames_are_errors() {
    rounds(Target::Frames, 2);
}

#[test]
fn damaged_records_are_errors() {
    rounds(Target::Records, 2);
}

#[test]
fn damaged_requests_end_their_connection_and_nothing_else() {
    rounds(Target::Requests, 3);
}

#[test]
fn clients_that_send_anything_hurt_no_other() {
    round(Target::Sockets, 0).unwrap_or_else(|failure| panic!("{failure}"));
}
