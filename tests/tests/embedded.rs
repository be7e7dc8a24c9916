//! Kafka's own tools, unchanged, on brokers in the process: what they take for a Kafka is one.
//!
//! The real cluster lends only its jars.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use kafka_embedded::EmbeddedCluster;
use kafka_tests::{Cluster, Tool};

struct Fixture {
    jars: Cluster,
    brokers: EmbeddedCluster,
}

impl Fixture {
    async fn start(brokers: u16) -> Self {
        Self {
            jars: Cluster::single(),
            brokers: EmbeddedCluster::builder().brokers(brokers).start().await.unwrap(),
        }
    }

    /// Runs a tool against the brokers in the process; what it prints.
    async fn run(&self, tool: Tool, arguments: &str, stdin: &str) -> String {
        let servers = self.brokers.bootstrap_servers().join(",");
        let mut all = vec!["--bootstrap-server", &servers];
        all.extend(arguments.split_whitespace());
        let printed = self.jars.java(self.jars.class(tool), &all, stdin).await.success();
        String::from_utf8(printed).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topic_and_config_commands() {
    let fixture = Fixture::start(3).await;
    let created =
        fixture.run(Tool::Topics, "--create --topic tools --partitions 3 --replication-factor 3", "").await;
    assert!(created.contains("Created topic tools."), "{created}");
    fixture.run(Tool::Topics, "--alter --topic tools --partitions 5", "").await;
    let described = fixture.run(Tool::Topics, "--describe --topic tools", "").await;
    assert!(described.contains("PartitionCount: 5\tReplicationFactor: 3"), "{described}");
    assert_eq!(described.matches("Isr: ").count(), 5, "{described}");

    let alter = "--alter --entity-type topics --entity-name tools --add-config retention.ms=1000000";
    fixture.run(Tool::Configs, alter, "").await;
    let described =
        fixture.run(Tool::Configs, "--describe --entity-type topics --entity-name tools", "").await;
    assert!(described.contains("retention.ms=1000000"), "{described}");
    assert_eq!(fixture.brokers.topic("tools").unwrap().configs["retention.ms"], "1000000");

    fixture.run(Tool::Topics, "--delete --topic tools", "").await;
    assert!(!fixture.run(Tool::Topics, "--list", "").await.contains("tools"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn console_producer_and_consumer_with_every_compression_and_a_group() {
    let fixture = Fixture::start(1).await;
    fixture.run(Tool::Topics, "--create --topic lines --partitions 3", "").await;
    let mut expected = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let lines: Vec<String> = (0..20).map(|number| format!("{codec}-{number}")).collect();
        fixture
            .run(
                Tool::ConsoleProducer,
                &format!("--topic lines --compression-codec {codec}"),
                &(lines.join("\n") + "\n"),
            )
            .await;
        expected.extend(lines);
    }
    let ends = fixture.run(Tool::GetOffsets, "--topic lines", "").await;
    let ends: u64 = ends.lines().map(|line| line.rsplit(':').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(ends, 100);

    let read = "--topic lines --from-beginning --max-messages 100 --timeout-ms 60000 --group tools";
    let printed = fixture.run(Tool::ConsoleConsumer, read, "").await;
    let mut lines: Vec<&str> =
        printed.lines().filter(|line| expected.iter().any(|one| one == line)).collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);

    let described = fixture.run(Tool::ConsumerGroups, "--describe --group tools", "").await;
    assert_eq!(described.lines().filter(|line| line.starts_with("tools")).count(), 3, "{described}");
    let reset = fixture
        .run(Tool::ConsumerGroups, "--group tools --reset-offsets --to-earliest --topic lines --execute", "")
        .await;
    assert!(reset.contains("NEW-OFFSET"), "{reset}");
    assert_eq!(fixture.brokers.group("tools").unwrap().offsets.values().sum::<i64>(), 0);
    let deleted = fixture.run(Tool::ConsumerGroups, "--delete --group tools", "").await;
    assert!(deleted.contains("was successful"), "{deleted}");
    assert!(fixture.brokers.group("tools").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_verifiable_producer_on_three_brokers() {
    let fixture = Fixture::start(3).await;
    let create =
        "--create --topic verified --partitions 6 --replication-factor 3 --config min.insync.replicas=2";
    fixture.run(Tool::Topics, create, "").await;
    // It never tries again, so each request must succeed.
    let printed = fixture.run(Tool::VerifiableProducer, "--topic verified --max-messages 2000", "").await;
    assert!(printed.contains(r#""sent":2000,"acked":2000"#), "{printed}");
    let partitions = fixture.brokers.topic("verified").unwrap().partitions;
    assert_eq!(partitions.iter().map(|one| one.end_offset).sum::<i64>(), 2000, "written once each");
}
