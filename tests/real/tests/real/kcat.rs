//! Debian's `kcat`, which is librdkafka, unchanged, on brokers in the process.
//!
//! Only on real clusters: `cargo test` is to need nothing that is not Rust; what it talks to are embedded brokers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::process::Command;

use kafka_embedded::EmbeddedCluster;
use kafka_tests::run_program;

/// The program with these arguments; it must be installed.
pub(crate) fn kcat(servers: &[String], arguments: &str) -> Command {
    let installed = Command::new("kcat").arg("-V").output();
    assert!(installed.is_ok(), "`kcat` does not start: install it (Debian, Ubuntu: apt install kcat)");
    // It reads on for ever where a record is missing.
    let mut command = Command::new("timeout");
    command.args(["90", "kcat", "-q", "-b", &servers.join(",")]).args(arguments.split_whitespace());
    command
}

/// Runs it; what it prints.
pub(crate) async fn run(servers: &[String], arguments: &str, stdin: &str) -> String {
    String::from_utf8(run_program(kcat(servers, arguments), stdin).await.success()).unwrap()
}

/// The lines of it, sorted.
fn sorted(lines: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kcat_lists_writes_and_reads_alone_and_in_groups_with_every_compression() {
    let brokers = EmbeddedCluster::builder().brokers(3).topic("lines", 3).start().await.unwrap();
    let servers = brokers.bootstrap_servers();
    let listed: serde_json::Value = serde_json::from_str(&run(&servers, "-L -J", "").await).unwrap();
    assert_eq!(listed["brokers"].as_array().unwrap().len(), 3, "{listed}");
    assert_eq!(listed["topics"][0]["topic"], "lines");
    assert_eq!(listed["topics"][0]["partitions"][2]["isrs"].as_array().unwrap().len(), 3, "{listed}");

    let mut written = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let lines: Vec<String> = (0..40).map(|number| format!("{codec}={number}")).collect();
        let write = format!("-P -t lines -K= -H from={codec} -z {codec} -X acks=all");
        run(&servers, &write, &(lines.join("\n") + "\n")).await;
        written.extend(lines.into_iter().map(|line| format!("{line} from={codec}")));
    }
    written.sort_unstable();
    let read = run(&servers, "-C -t lines -e -f %k=%s\\x20%h\\n", "").await;
    assert_eq!(sorted(&read), written);
    let ends = run(&servers, "-Q -t lines:0:-1 -t lines:1:-1 -t lines:2:-1", "").await;
    let ends = ends.lines().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(ends.sum::<u64>(), 200);

    for strategy in ["range", "roundrobin", "cooperative-sticky"] {
        let read = format!(
            "-G {strategy} -X partition.assignment.strategy={strategy} -X auto.offset.reset=earliest \
             -c 200 -f %k=%s\\x20%h\\n lines"
        );
        assert_eq!(sorted(&run(&servers, &read, "").await), written, "{strategy}");
        let group = brokers.group(strategy).unwrap();
        assert_eq!((group.state, group.offsets.values().sum::<i64>()), ("Empty", 200), "{strategy}");
    }

    let in_transaction = "-P -t lines -X transactional.id=kcat -X enable.idempotence=true -z lz4";
    run(&servers, in_transaction, "committed\n").await;
    let read = "-C -t lines -o -2 -e -X isolation.level=read_committed";
    assert!(run(&servers, read, "").await.lines().any(|line| line == "committed"));
    let partitions = brokers.topic("lines").unwrap().partitions;
    let (ends, records) = partitions.iter().fold((0, 0), |(ends, records), partition| {
        (ends + partition.end_offset, records + partition.records.len())
    });
    assert_eq!((ends, records), (202, 201), "a marker");
}
