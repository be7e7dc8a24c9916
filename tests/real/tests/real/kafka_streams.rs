//! Kafka Streams, unchanged, on brokers in the process; the real cluster lends only its jars.
//!
//! Only on real clusters: the jars of Kafka Streams come with one; what it talks to are embedded brokers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::BTreeMap;

use kafka_embedded::EmbeddedCluster;
use kafka_tests::Cluster;

const LINES: [&str; 4] =
    ["all streams lead to kafka", "hello kafka streams", "join kafka summit", "all of kafka"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_counted_with_each_guarantee_and_over_a_restart_that_lost_its_state() {
    const GUARANTEES: [&str; 2] = ["at_least_once", "exactly_once_v2"];
    let mut brokers = EmbeddedCluster::builder().brokers(3);
    for guarantee in GUARANTEES {
        brokers = brokers.topic(format!("text-{guarantee}"), 2).topic(format!("counts-{guarantee}"), 1);
    }
    let brokers = brokers.start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display().to_string();
    let servers = brokers.bootstrap_servers().join(",");
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/java/WordCount.java");
    let arguments = [&[servers.as_str(), &folder], LINES.as_slice()].concat();
    let printed = Cluster::real_single().java(program, &arguments, "").await.success();
    let printed = String::from_utf8(printed).unwrap();

    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    LINES.iter().flat_map(|line| line.split(' ')).for_each(|word| *expected.entry(word).or_default() += 1);
    for guarantee in GUARANTEES {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for line in printed.lines() {
            let [of, word, count] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            if of == guarantee {
                let last = counts.insert(word, count.parse().unwrap()).unwrap_or_default();
                assert_eq!(counts[word], last + 1, "{guarantee}: {word} in {printed}");
            }
        }
        assert_eq!(counts, expected, "{guarantee}: {printed}");

        let changelog = brokers.topic(&format!("count-{guarantee}-words-changelog")).unwrap();
        assert_eq!((changelog.partitions.len(), changelog.partitions[0].replicas.len()), (2, 3));
        assert_eq!(changelog.configs["cleanup.policy"], "compact");
        let repartition = brokers.topic(&format!("count-{guarantee}-words-repartition")).unwrap();
        assert_eq!((repartition.partitions.len(), &*repartition.configs["cleanup.policy"]), (2, "delete"));
    }
}
