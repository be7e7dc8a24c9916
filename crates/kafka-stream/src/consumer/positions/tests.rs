use std::time::Duration;

use kafka_core::TopicPartition;
use tokio::time::Instant;

use super::*;
use crate::consumer::ConsumerErrorKind;
use crate::consumer::fetch::testing::{chunk, decoding};
use crate::consumer::fetch::{Chunk, Damage, NO_TOPIC_ID};

const LIMITS: FetchLimits = FetchLimits { partition_bytes: 1000, total_bytes: 4000 };

fn tp(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn leader(broker: i32, epoch: i32) -> Leader {
    Leader { broker, epoch, topic_id: NO_TOPIC_ID }
}

fn reading(partitions: &[i32]) -> Positions {
    let mut positions = Positions::default();
    let wanted = partitions.iter().map(|&p| tp(p)).collect();
    positions.assign(&wanted, &Phase::Reset(OffsetSpec::Earliest));
    positions.update_leaders(|_| Some(leader(1, 5)));
    for (tp, stamp, _) in positions.to_reset(Instant::now()) {
        positions.resolved(&tp, stamp, 0, None);
    }
    positions
}

fn need(positions: &Positions, broker: i32) -> Vec<(i32, i64, u64)> {
    let mut need: Vec<_> = positions
        .fetch_need(broker, Instant::now(), LIMITS)
        .partitions
        .into_iter()
        .map(|wanted| (wanted.tp.partition, wanted.fetch.fetch_offset, wanted.stamp))
        .collect();
    need.sort_unstable();
    need
}

fn fetched(chunk: Chunk) -> Fetched {
    Fetched {
        chunk: Some(chunk),
        high_watermark: 100,
        last_stable_offset: 90,
        log_start_offset: 0,
        preferred_replica: None,
    }
}

fn stamp(positions: &Positions, partition: i32) -> u64 {
    positions.get(&tp(partition)).unwrap().stamp
}

/// Brings `offsets` of a partition as one chunk.
fn bring(positions: &mut Positions, partition: i32, offsets: std::ops::Range<i64>) {
    let stamp = stamp(positions, partition);
    positions.on_fetched(&tp(partition), stamp, fetched(chunk(offsets)));
}

/// Takes up to `max` records as `poll` does; the partition and offsets handed out.
fn take(positions: &mut Positions, max: usize) -> Option<(i32, Vec<i64>)> {
    let mut in_hand = positions.take_chunk()?;
    let mut slices = Vec::new();
    let taken = in_hand.chunk.take(max, in_hand.position, &mut decoding(), &mut slices).unwrap();
    let partition = in_hand.tp.partition;
    let offsets = slices
        .iter()
        .flat_map(|slice| slice.records.views().take(slice.len).map(|view| view.unwrap().offset()))
        .collect();
    positions.put_back(in_hand, taken.position, taken.epoch, LIMITS).map(|_| (partition, offsets))
}

#[test]
fn nothing_is_fetched_before_the_position_is_known() {
    let mut positions = Positions::default();
    positions.assign(&[tp(0)].into(), &Phase::Committed);
    positions.update_leaders(|_| Some(leader(1, 5)));
    assert!(need(&positions, 1).is_empty());
    let (asked, stamp) = positions.without_committed(Instant::now()).pop().unwrap();
    positions.uncommitted(&asked, stamp, OffsetSpec::Latest);
    assert!(need(&positions, 1).is_empty());
    let (asked, stamp, spec) = positions.to_reset(Instant::now()).pop().unwrap();
    assert_eq!(spec, OffsetSpec::Latest);
    positions.resolved(&asked, stamp, 42, None);
    assert_eq!(need(&positions, 1)[0].1, 42);
    assert!(need(&positions, 2).is_empty());
}

#[test]
fn the_next_fetch_goes_on_behind_what_is_buffered() {
    let mut positions = reading(&[0]);
    bring(&mut positions, 0, 0..3);
    assert_eq!(need(&positions, 1)[0].1, 3);
    assert_eq!(positions.get(&tp(0)).unwrap().position, 0);
    bring(&mut positions, 0, 3..5);
    assert_eq!(take(&mut positions, 2), Some((0, vec![0, 1])));
    assert_eq!(take(&mut positions, 10), Some((0, vec![2])));
    assert_eq!(take(&mut positions, 10), Some((0, vec![3, 4])));
    assert_eq!(positions.get(&tp(0)).unwrap().position, 5);
    assert_eq!(positions.buffered_bytes(), 0);
    assert!(!positions.has_ready());
}

#[test]
fn partitions_take_turns() {
    let mut positions = reading(&[0, 1]);
    bring(&mut positions, 0, 0..4);
    bring(&mut positions, 1, 0..4);
    let turns: Vec<_> = std::iter::from_fn(|| take(&mut positions, 2)).map(|(p, _)| p).collect();
    assert_eq!(turns, [0, 1, 0, 1]);
}

#[test]
fn an_answer_from_before_a_seek_is_dropped() {
    let mut positions = reading(&[0]);
    let old = stamp(&positions, 0);
    positions.seek(&tp(0), 50, None);
    positions.on_fetched(&tp(0), old, fetched(chunk(0..3)));
    assert!(!positions.has_ready());
    assert_eq!(need(&positions, 1)[0].1, 50);
}

#[test]
fn a_seek_drops_what_is_buffered_and_what_poll_has_in_hand() {
    let mut positions = reading(&[0]);
    bring(&mut positions, 0, 0..3);
    let in_hand = positions.take_chunk().unwrap();
    bring(&mut positions, 0, 3..6);
    positions.seek(&tp(0), 1, None);
    assert!(positions.put_back(in_hand, 3, None, LIMITS).is_none());
    assert_eq!(positions.buffered_bytes(), 0);
    assert_eq!(positions.get(&tp(0)).unwrap().position, 1);
    assert!(take(&mut positions, 10).is_none());
}

#[test]
fn an_answer_that_comes_twice_is_taken_once() {
    let mut positions = reading(&[0]);
    bring(&mut positions, 0, 0..3);
    bring(&mut positions, 0, 0..3);
    assert_eq!(take(&mut positions, 10), Some((0, vec![0, 1, 2])));
    assert!(take(&mut positions, 10).is_none());
}

#[test]
fn a_revoked_partition_leaves_nothing_behind_and_starts_anew_when_it_returns() {
    let mut positions = reading(&[0, 1]);
    bring(&mut positions, 0, 0..3);
    let old = stamp(&positions, 0);
    positions.revoke(&[tp(0)]);
    assert_eq!(positions.buffered_bytes(), 0);
    assert!(!positions.has_ready());
    positions.add(&tp(0), Phase::Committed);
    positions.on_fetched(&tp(0), old, fetched(chunk(0..3)));
    assert!(!positions.has_ready());
    positions.resolved(&tp(0), old, 7, None);
    assert_eq!(positions.get(&tp(0)).unwrap().phase, Phase::Committed);
    assert_eq!(need(&positions, 1).len(), 1);
}

#[test]
fn a_new_assignment_keeps_the_position_of_partitions_that_stay() {
    let mut positions = reading(&[0, 1]);
    positions.seek(&tp(1), 30, None);
    positions.assign(&[tp(1), tp(2)].into(), &Phase::Reset(OffsetSpec::Earliest));
    assert!(!positions.contains(&tp(0)));
    assert_eq!(positions.get(&tp(1)).unwrap().position, 30);
    assert_eq!(positions.to_reset(Instant::now()).len(), 1);
}

#[test]
fn a_paused_partition_keeps_its_buffer_and_is_not_fetched() {
    let mut positions = reading(&[0, 1]);
    bring(&mut positions, 0, 0..3);
    positions.pause(&tp(0));
    assert!(!positions.has_ready());
    assert!(take(&mut positions, 10).is_none());
    assert_eq!(need(&positions, 1).iter().map(|n| n.0).collect::<Vec<_>>(), [1]);
    positions.resume(&tp(0));
    assert_eq!(take(&mut positions, 10), Some((0, vec![0, 1, 2])));
}

#[test]
fn enough_buffered_holds_the_fetch_back() {
    let mut positions = reading(&[0, 1]);
    while positions.get(&tp(0)).unwrap().buffered < 1000 {
        let at = positions.get(&tp(0)).unwrap().fetch_offset;
        bring(&mut positions, 0, at..at + 10);
    }
    let need = positions.fetch_need(1, Instant::now(), LIMITS);
    assert_eq!((need.partitions.len(), need.full), (1, 1));
    assert!(need.room < 3000);
    let need = positions.fetch_need(1, Instant::now(), FetchLimits { total_bytes: 1000, ..LIMITS });
    assert_eq!((need.partitions.len(), need.full, need.room), (0, 2, 0));
}

#[test]
fn each_broker_is_asked_for_its_share_at_most() {
    let mut positions = reading(&[0, 1, 2]);
    let room = |positions: &Positions| positions.fetch_need(1, Instant::now(), LIMITS).room;
    assert_eq!(room(&positions), LIMITS.total_bytes);
    positions.update_leaders(|tp| Some(leader(tp.partition + 1, 6)));
    assert_eq!(room(&positions), LIMITS.total_bytes / 3);
}

#[test]
fn a_partition_that_is_assigned_without_a_place_to_start_says_so() {
    let (now, mut positions) = (Instant::now(), Positions::default());
    let halt = Halt::new(ConsumerErrorKind::NoOffset, "no place to start".to_owned());
    positions.assign(&[tp(0)].into(), &Phase::Halted(halt));
    assert_eq!(positions.halted_to_say(now).map(|(tp, _)| tp), Some(tp(0)));
    assert!(positions.halted_to_say(now).is_none());
    assert!(positions.halted_to_say(now + Halt::SAY_AGAIN).is_some(), "it is halted still");
    positions.seek(&tp(0), 0, None);
    assert!(positions.halted_to_say(now + 2 * Halt::SAY_AGAIN).is_none());
}

#[test]
fn out_of_range_resets_by_policy_or_stops_with_an_error_said_again_until_seek() {
    let now = Instant::now();
    let mut positions = reading(&[0]);
    let at = stamp(&positions, 0);
    positions.on_out_of_range(&tp(0), at, Some(OffsetSpec::Latest), now);
    assert_eq!(positions.to_reset(now)[0].2, OffsetSpec::Latest);

    let mut positions = reading(&[0]);
    let at = stamp(&positions, 0);
    positions.on_out_of_range(&tp(0), at, None, now);
    assert!(need(&positions, 1).is_empty());
    let (_, halt) = positions.halted_to_say(now).unwrap();
    assert_eq!((halt.kind, halt.offset), (ConsumerErrorKind::OffsetOutOfRange, Some(0)));
    assert!(positions.halted_to_say(now).is_none());
    assert!(positions.halted_to_say(now + Halt::SAY_AGAIN).is_some());
    positions.seek(&tp(0), 9, None);
    assert!(positions.halted_to_say(now + Duration::from_secs(60)).is_none());
    assert_eq!(need(&positions, 1)[0].1, 9);
}

#[test]
fn out_of_range_behind_buffered_records_waits_until_they_are_handed_out() {
    let now = Instant::now();
    let mut positions = reading(&[0]);
    bring(&mut positions, 0, 0..3);
    let at = stamp(&positions, 0);
    positions.on_out_of_range(&tp(0), at, None, now + Duration::from_secs(1));
    assert!(positions.halted_to_say(now).is_none());
    assert_eq!(take(&mut positions, 10), Some((0, vec![0, 1, 2])));
}

#[test]
fn a_truncated_log_goes_back_to_where_it_parts_or_stops() {
    let mut positions = reading(&[0]);
    bring(&mut positions, 0, 0..10);
    take(&mut positions, 10);
    let at = stamp(&positions, 0);
    positions.on_diverged(&tp(0), at, 4, 6, Some(OffsetSpec::Latest));
    let assigned = positions.get(&tp(0)).unwrap();
    assert_eq!((assigned.position, assigned.fetch_epoch), (6, Some(4)));

    let at = stamp(&positions, 0);
    positions.on_diverged(&tp(0), at, 3, 2, None);
    let (_, halt) = positions.halted_to_say(Instant::now()).unwrap();
    assert_eq!(
        (halt.kind, halt.offset, halt.next_offset),
        (ConsumerErrorKind::LogTruncated, Some(6), Some(2))
    );
}

#[test]
fn a_damaged_batch_is_fetched_again_once_and_then_stops_the_partition() {
    let now = Instant::now();
    let mut positions = reading(&[0]);
    let damage = Damage {
        error: kafka_core::Error::new(kafka_core::ErrorKind::CorruptRecords, "checksum"),
        offset: 0,
        next_offset: Some(5),
    };
    let at = stamp(&positions, 0);
    positions.on_damage(&tp(0), at, &damage, now);
    assert_eq!(need(&positions, 1)[0].1, 0);
    let at = stamp(&positions, 0);
    positions.on_damage(&tp(0), at, &damage, now);
    let (_, halt) = positions.halted_to_say(now).unwrap();
    assert_eq!(
        (halt.kind, halt.offset, halt.next_offset),
        (ConsumerErrorKind::CorruptRecords, Some(0), Some(5))
    );
    assert!(halt.message.contains("seek to 5"), "{}", halt.message);
}

#[test]
fn a_follower_is_read_until_its_time_is_up_or_it_fails() {
    let mut positions = reading(&[0]);
    let now = Instant::now();
    let at = stamp(&positions, 0);
    let until = now + Duration::from_secs(60);
    let answer = Fetched { preferred_replica: Some(Replica { broker: 7, until }), ..fetched(chunk(0..1)) };
    positions.on_fetched(&tp(0), at, answer);
    assert!(need(&positions, 1).is_empty());
    assert_eq!(need(&positions, 7).len(), 1);
    assert!(positions.fetch_need(1, until, LIMITS).partitions.len() == 1);
    positions.on_out_of_range(&tp(0), at, None, now);
    assert_eq!(need(&positions, 1).len(), 1);
}

#[test]
fn leaders_move_forward_in_epoch_only_and_another_topic_id_is_noticed() {
    let mut positions = reading(&[0]);
    positions.update_leaders(|_| Some(leader(2, 4)));
    assert_eq!(need(&positions, 1).len(), 1);
    positions.update_leader(&tp(0), 3, 6);
    assert_eq!(need(&positions, 3).len(), 1);
    assert!(positions.update_leaders(|_| None).is_empty());
    assert!(need(&positions, 3).is_empty());

    let with_id = |byte| move |_: &TopicPartition| Some(Leader { topic_id: [byte; 16], ..leader(1, 7) });
    assert!(positions.update_leaders(with_id(1)).is_empty());
    assert_eq!(positions.update_leaders(with_id(2)), [tp(0)]);
}

#[test]
fn a_partition_that_the_group_assigned_by_its_topics_id_is_never_of_another_topic_of_the_name() {
    let now = Instant::now();
    let leader_with = |byte| move |_: &TopicPartition| Some(Leader { topic_id: [byte; 16], ..leader(1, 0) });
    let mut positions = Positions::default();
    positions.add_by_group(&tp(0), Some([2; 16]));
    // The metadata is of the topic before.
    assert!(positions.update_leaders(leader_with(1)).is_empty());
    assert!(positions.without_committed(now).is_empty(), "what is committed for that one means nothing");
    assert!(positions.update_leaders(leader_with(2)).is_empty());
    assert_eq!(positions.without_committed(now).len(), 1);
    positions.seek(&tp(0), 5, None);
    assert_eq!(need(&positions, 1).len(), 1);
    // And now of the one that comes after: the group takes the partition back, until when it stands still.
    assert!(positions.update_leaders(leader_with(3)).is_empty());
    assert!(need(&positions, 1).is_empty());
    assert_eq!(positions.get(&tp(0)).unwrap().position, 5);
    assert!(positions.update_leaders(leader_with(2)).is_empty());
    assert_eq!(need(&positions, 1).len(), 1);
}

#[test]
fn a_failed_partition_waits_before_it_is_asked_again() {
    let now = Instant::now();
    let mut positions = reading(&[0]);
    let at = stamp(&positions, 0);
    let later = now + Duration::from_secs(1);
    positions.retry_after(&tp(0), at, later);
    let need = positions.fetch_need(1, now, LIMITS);
    assert_eq!((need.partitions.len(), need.full, need.retry_at), (0, 0, Some(later)));
    assert_eq!(positions.fetch_need(1, later, LIMITS).partitions.len(), 1);
    assert_eq!(positions.failures(&tp(0)), 1);
}
