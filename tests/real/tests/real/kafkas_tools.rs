//! Kafka's own tools that write, read and look into records, unchanged, on brokers in the process; the real cluster lends only
//! its jars.
//!
//! Only on real clusters: the jars of Kafka's tools come with one; what they talk to are embedded brokers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::records::Compression;
use kafka_embedded::EmbeddedCluster;
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use kafka_tests::{Cluster, Tool};

use crate::one_jvm::tools;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_by_every_tool_and_with_every_compression() {
    let brokers = EmbeddedCluster::builder().brokers(3).topic("lines", 3).topic("many", 2).start();
    let brokers = brokers.await.unwrap();
    let mut commands = String::new();
    let mut expected = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let lines: Vec<String> = (0..20).map(|number| format!("{codec}-{number}")).collect();
        commands +=
            &format!("input {}\nrun Produce --topic lines --compression-codec {codec}\n", lines.join(" "));
        expected.extend(lines);
    }
    commands += "run Consume --topic lines --from-beginning --max-messages 100 --timeout-ms 60000 --group tools\n\
         run Offsets --topic lines\n\
         run Groups --describe --group tools\n\
         run Groups --group tools --reset-offsets --to-earliest --topic lines --execute\n\
         run Groups --describe --group tools --offsets\n\
         run Groups --delete --group tools\n\
         run Topics --create --topic verified --partitions 6 --replication-factor 3 --config min.insync.replicas=2\n\
         run ProduceVerified --topic verified --max-messages 2000\n\
         run ProduceQuickly --topic many --num-records 20000 --record-size 100 --throughput -1 \
             --command-property compression.type=lz4\n\
         run ProduceQuickly --topic many --num-records 20000 --record-size 100 --throughput -1 \
             --transactional-id quick --transaction-duration-ms 30\n\
         run ConsumeQuickly --topic many --num-records 40000 --group quick\n";
    let printed = tools(&brokers, &commands).await;

    expected.sort_unstable();
    assert_eq!(
        printed.sorted(
            "run Consume --topic lines --from-beginning --max-messages 100 --timeout-ms 60000 --group tools"
        ),
        expected
    );
    let ends = printed.table("Offsets --topic lines");
    let ends = ends.iter().map(|line| line[0].rsplit(':').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(ends.sum::<u64>(), 100);
    let lag = |command: &str| {
        let table = printed.table(command);
        let partitions = table.iter().filter(|line| line.first() == Some(&"tools"));
        partitions.map(|line| line[5].parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(lag("--describe --group tools"), [0, 0, 0]);
    assert_eq!(lag("--group tools --offsets").iter().sum::<u64>(), 100, "set back to the start");
    printed.says("--delete --group tools", &["was successful"]);
    assert!(brokers.group("tools").is_none());

    // It never tries again, so each request must succeed.
    let verified = printed.says("ProduceVerified", &["producer_send_success"]);
    assert!(!verified.contains("producer_send_error"), "{verified}");
    let end_offset = |topic: &str| {
        let partitions = brokers.topic(topic).unwrap().partitions;
        partitions.iter().map(|partition| partition.end_offset).sum::<i64>()
    };
    assert_eq!(end_offset("verified"), 2000, "written once each");
    printed.says("compression.type=lz4", &["20000 records sent"]);
    printed.says("--transactional-id quick --transaction-duration-ms 30", &["20000 records sent"]);
    let read = printed.table("ConsumeQuickly");
    assert_eq!(read[1][6], "40000,", "{read:?}");
    let stored = brokers.topic("many").unwrap().partitions;
    assert_eq!(stored.iter().map(|partition| partition.records.len()).sum::<usize>(), 40_000);
    assert!(end_offset("many") > 40_000, "transactions leave markers");
}

/// One start of Java for what brokers keep on disk: plain segments of every compression, and compacted ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dump_log_segments_reads_what_is_on_disk() {
    let jars = Cluster::real_single();
    let folder = tempfile::tempdir().unwrap();
    let brokers = EmbeddedCluster::builder().data_dir(folder.path()).start().await.unwrap();
    let client = || {
        let servers = brokers.bootstrap_servers().into_iter();
        Client::new(ClientConfig::new(servers.map(|server| server.parse().unwrap()))).unwrap()
    };
    let admin = kafka_admin::Admin::new(client());
    let compacted = [("cleanup.policy", "compact"), ("segment.ms", "1")];
    for (name, configs) in [("plain", &[][..]), ("compacted", &compacted)] {
        let topic = configs
            .iter()
            .fold(kafka_admin::NewTopic::new(name), |topic, (name, value)| topic.config(*name, *value));
        admin.create_topics(&[topic]).await.unwrap();
    }
    for compression in Compression::ALL {
        let mut config = ProducerConfig::default();
        config.compression_type = compression;
        let producer = Producer::new(client(), config).unwrap();
        for number in 0..3 {
            let value = format!("{compression}-{number}").repeat(20);
            for topic in ["plain", "compacted"] {
                let key = if number == 1 { compression.name() } else { "key" };
                let record = ProducerRecord::to(topic).key(key).value(&value);
                producer.send(record).await.unwrap().await.unwrap();
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    }
    brokers.advance(Duration::from_secs(20));
    let left = brokers.topic("compacted").unwrap().partitions[0].records.len();
    assert!(left < 15, "{left} records are left");
    drop(brokers);

    let mut files = Vec::new();
    for topic in ["plain-0", "compacted-0"] {
        for entry in std::fs::read_dir(folder.path().join(topic)).unwrap() {
            let path = entry.unwrap().path().display().to_string();
            files.extend(path.ends_with(".log").then_some(path));
        }
    }
    let arguments = ["--files", &files.join(","), "--deep-iteration", "--print-data-log"];
    let printed = jars.tool(Tool::DumpLog, &arguments, "").await.success();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(
        printed.matches("isvalid: true").count(),
        printed.matches("baseOffset: ").count(),
        "{printed}"
    );
    assert!(!printed.contains("isvalid: false") && !printed.contains("Found"), "{printed}");
    assert_eq!(printed.matches("| offset: ").count(), 15 + left, "{printed}");
    for compression in Compression::ALL {
        assert!(printed.contains(&format!("{compression}-2{compression}-2")), "{compression}: {printed}");
    }
}
