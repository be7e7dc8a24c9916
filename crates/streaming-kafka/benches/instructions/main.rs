//! What a record costs on its way, to be counted in machine instructions: `cargo xtask test --only instructions`.
//!
//! Without a name, it lists its workloads and the most that each may take per record. With one, it does that work once to warm
//! up and once more to be counted, and prints for how many records. Counting is done from outside, by callgrind, which
//! collects while [`counted_work`] runs.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run should say so and end")]

mod batches;
mod producing;
mod tracking;

use kafka_core::records::Compression;

struct Workload {
    name: &'static str,
    /// Instructions per record, about 5 % above what was counted: the least step that is worth a look.
    bound: u32,
    /// Returns the number of records that the counted work was done for.
    run: fn() -> usize,
}

const WORKLOADS: [Workload; 13] = [
    Workload { name: "append-100", bound: 293, run: || batches::append(100) },
    Workload { name: "finish-100", bound: 42, run: || batches::finish(Compression::None, 100) },
    Workload { name: "finish-1k-lz4", bound: 9982, run: || batches::finish(Compression::Lz4, 1024) },
    Workload { name: "finish-1k-zstd", bound: 20579, run: || batches::finish(Compression::Zstd, 1024) },
    Workload { name: "finish-1k-gzip", bound: 31302, run: || batches::finish(Compression::Gzip, 1024) },
    Workload { name: "read-100", bound: 241, run: || batches::read(Compression::None, 100) },
    Workload { name: "read-1k-lz4", bound: 2647, run: || batches::read(Compression::Lz4, 1024) },
    Workload { name: "read-1k-zstd", bound: 9061, run: || batches::read(Compression::Zstd, 1024) },
    Workload { name: "read-1k-gzip", bound: 10532, run: || batches::read(Compression::Gzip, 1024) },
    Workload { name: "send-100", bound: 1205, run: || producing::send(false) },
    Workload { name: "send-100-keyed", bound: 1425, run: || producing::send(true) },
    Workload { name: "track-in-order", bound: 213, run: || tracking::track(false) },
    Workload { name: "track-reversed", bound: 224, run: || tracking::track(true) },
];

fn main() {
    // `cargo bench` passes flags of its own.
    match std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        None => WORKLOADS.iter().for_each(|workload| println!("{} {}", workload.name, workload.bound)),
        Some(name) => {
            let workload = WORKLOADS.iter().find(|workload| workload.name == name).unwrap();
            println!("{}", (workload.run)());
        }
    }
}

/// The second time is the one that counts: buffers and tables are there then.
fn warm_up_and_count(mut work: impl FnMut()) {
    work();
    counted_work(&mut work);
}

/// Callgrind finds this by its name.
#[inline(never)]
fn counted_work(work: &mut dyn FnMut()) {
    work();
}
