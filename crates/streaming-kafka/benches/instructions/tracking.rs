//! What a handler's consumption knows of each record: that it was handed out, and that it is finished.

use crate::warm_up_and_count;
use tracker::OffsetTracker;

// No part of the API: the source itself is taken in.
#[allow(dead_code, reason = "not all of it is called here")]
#[path = "../../../kafka-stream/src/handler/tracker.rs"]
mod tracker;

const ROUNDS: i64 = 10;
/// How many are handed out at once.
const OUTSTANDING: i64 = 500;

pub(crate) fn track(reversed: bool) -> usize {
    let mut tracker = OffsetTracker::default();
    let mut first = 0;
    warm_up_and_count(|| {
        for _ in 0..ROUNDS {
            let offsets = first..first + OUTSTANDING;
            let mut round = 0;
            for offset in offsets.clone() {
                round = tracker.hand_out(offset, Some(1));
            }
            if reversed {
                offsets.rev().for_each(|offset| tracker.finish(offset, round));
            } else {
                offsets.for_each(|offset| tracker.finish(offset, round));
            }
            first += OUTSTANDING;
            assert_eq!(tracker.to_commit(), Some(first));
        }
    });
    usize::try_from(ROUNDS * OUTSTANDING).unwrap()
}
