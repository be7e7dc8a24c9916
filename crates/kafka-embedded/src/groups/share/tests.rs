use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::Uuid;

use super::{Acquired, ShareRecords, ShareSessions, ShareSettings, Turn, Verdict, Wish};
use crate::settings::Settings;

const SOME: Wish = Wish { records: 3, exact: true };

fn settings() -> ShareSettings {
    ShareSettings::of(&Settings::default(), None)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn run(first: i64, last: i64, deliveries: i16) -> Acquired {
    Acquired { first, last, deliveries }
}

#[test]
fn each_record_goes_to_one_member_until_it_is_given_back() {
    let (mut records, settings) = (ShareRecords::from(10), settings());
    let batches = [10..=13, 14..=19];
    assert_eq!(records.acquire("m", &batches, SOME, &settings, seconds(0)), [run(10, 12, 1)]);
    assert_eq!(records.acquire("n", &batches, SOME, &settings, seconds(0)), [run(13, 15, 1)]);
    let verdicts = [(10..=12, vec![Verdict::Accept, Verdict::Release, Verdict::Accept])];
    assert_eq!(
        records.acknowledge("n", &verdicts, &settings, seconds(1)),
        Err(ErrorCode::INVALID_RECORD_STATE)
    );
    assert_eq!(records.acknowledge("m", &verdicts, &settings, seconds(1)), Ok(()));
    assert_eq!((records.start(), records.lag(20)), (11, 8));
    assert_eq!(records.first_available(20, &settings), Some(11));
    assert_eq!(records.acquire("n", &batches, SOME, &settings, seconds(1)), [run(11, 11, 2), run(16, 17, 1)]);
}

#[test]
fn a_batch_is_taken_whole_where_that_is_not_forbidden() {
    let (mut records, settings) = (ShareRecords::from(0), settings());
    let wish = Wish { records: 3, exact: false };
    assert_eq!(records.acquire("m", &[0..=9, 10..=19], wish, &settings, seconds(0)), [run(0, 9, 1)]);
}

#[test]
fn a_lock_runs_out_unless_it_is_renewed_and_what_fails_too_often_is_given_up() {
    let (mut records, settings) = (ShareRecords::from(0), settings());
    let mut now = seconds(0);
    for deliveries in 1..=5 {
        assert_eq!(records.acquire("m", &[0..=0], SOME, &settings, now), [run(0, 0, deliveries)]);
        now += seconds(20);
        let renewed = records.acknowledge("m", &[(0..=0, vec![Verdict::Renew])], &settings, now);
        assert_eq!((renewed, records.next_deadline()), (Ok(()), Some(now + seconds(30))));
        now += seconds(30);
        records.due(&settings, now);
    }
    assert_eq!((records.start(), records.first_available(1, &settings)), (1, None));
}

#[test]
fn a_closed_session_gives_back_without_counting_a_try() {
    let (mut records, settings) = (ShareRecords::from(0), settings());
    records.acquire("m", &[0..=4], SOME, &settings, seconds(0));
    records.release("m");
    assert_eq!(records.acquire("n", &[0..=4], SOME, &settings, seconds(0)), [run(0, 2, 1)]);
}

#[test]
fn offsets_without_records_and_deleted_ones_are_finished() {
    let (mut records, settings) = (ShareRecords::from(0), settings());
    let wish = Wish { records: 100, exact: false };
    assert_eq!(
        records.acquire("m", &[5..=6, 9..=9], wish, &settings, seconds(0)),
        [run(5, 6, 1), run(9, 9, 1)]
    );
    assert_eq!(records.start(), 5);
    assert_eq!(records.acknowledge("m", &[(5..=6, vec![Verdict::Accept])], &settings, seconds(0)), Ok(()));
    assert_eq!(records.start(), 9);
    records.log_starts_at(20);
    assert_eq!((records.start(), records.first_available(20, &settings)), (20, None));
}

#[test]
fn no_more_is_given_out_than_may_be_in_flight() {
    let (mut records, mut settings) = (ShareRecords::from(0), settings());
    settings.record_locks = 2;
    assert_eq!(records.acquire("m", &[0..=9], SOME, &settings, seconds(0)), [run(0, 1, 1)]);
    assert_eq!(records.first_available(10, &settings), None);
}

#[test]
fn a_session_is_opened_continued_in_order_and_closed() {
    let mut sessions = ShareSessions::default();
    let (a, b) = ((Uuid([1; 16]), 0), (Uuid([1; 16]), 1));
    let who = ("g", "m");
    assert_eq!(sessions.fetch(who, 1, &[], &[], 9), Err(ErrorCode::SHARE_SESSION_NOT_FOUND));
    assert_eq!(sessions.fetch(who, 0, &[a], &[], 9), Ok(Turn::Open(vec![a])));
    assert_eq!(sessions.fetch(who, 1, &[b], &[a], 9), Ok(Turn::Open(vec![b])));
    assert_eq!(sessions.fetch(who, 1, &[], &[], 9), Err(ErrorCode::INVALID_SHARE_SESSION_EPOCH));
    assert_eq!(sessions.acknowledge(who, 2), Ok(Turn::Open(vec![b])));
    assert_eq!(sessions.acknowledge(who, 0), Err(ErrorCode::INVALID_SHARE_SESSION_EPOCH));
    assert_eq!(sessions.fetch(who, -1, &[], &[], 9), Ok(Turn::Closed));
    assert_eq!(sessions.acknowledge(who, 3), Err(ErrorCode::SHARE_SESSION_NOT_FOUND));
    assert_eq!(sessions.fetch(("g", "n"), 0, &[a], &[], 0), Err(ErrorCode::SHARE_SESSION_LIMIT_REACHED));
}
