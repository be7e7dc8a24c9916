//! What a record costs on its way besides its batch: choosing the partition by its key, and knowing whether a handler is done
//! with it. `cargo bench -p kafka-stream`.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use kafka_stream::producer::partitioner::murmur2;
use tracker::OffsetTracker;

// No part of the API: the source itself is taken in.
#[allow(dead_code, reason = "not all of it is called here")]
#[path = "../src/handler/tracker.rs"]
mod tracker;

/// How many records are in the hands of handlers at once.
const OUTSTANDING: [i64; 3] = [10, 500, 10_000];

fn main() {
    divan::main();
}

#[divan::bench(args = [4, 8, 16, 36, 100])]
fn murmur2_of_a_key(bencher: Bencher<'_, '_>, length: usize) {
    let key: Vec<u8> = (0..length).map(|i| (i * 31) as u8).collect();
    bencher.counter(BytesCount::new(length)).bench_local(|| murmur2(black_box(&key)));
}

#[divan::bench(args = OUTSTANDING)]
fn finished_in_order(bencher: Bencher<'_, '_>, outstanding: i64) {
    track(bencher, outstanding, |tracker, first, round| {
        (first..first + outstanding).for_each(|offset| tracker.finish(offset, round));
    });
}

#[divan::bench(args = OUTSTANDING)]
fn finished_in_reverse(bencher: Bencher<'_, '_>, outstanding: i64) {
    track(bencher, outstanding, |tracker, first, round| {
        (first..first + outstanding).rev().for_each(|offset| tracker.finish(offset, round));
    });
}

/// Hands out so many records, and finishes them.
fn track(bencher: Bencher<'_, '_>, outstanding: i64, finish: impl Fn(&mut OffsetTracker, i64, u32)) {
    let (mut tracker, mut first) = (OffsetTracker::default(), 0);
    bencher.counter(ItemsCount::new(outstanding.unsigned_abs())).bench_local(|| {
        let round = (first..first + outstanding).fold(0, |_, offset| tracker.hand_out(offset, Some(1)));
        finish(&mut tracker, first, round);
        first += outstanding;
    });
}
