//! Kafka's own tools for topics, settings, access rules, partitions and transactions, on brokers in the process; the real
//! cluster lends only its jars.
//!
//! Only on real clusters: the jars of Kafka's tools come with one; what they talk to are embedded brokers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::path::Path;
use std::time::Duration;

use kafka_embedded::{AuthorizerConfig, EmbeddedCluster};

use crate::one_jvm::{Printed, tools};

/// A file for a tool, whose path is returned.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_settings_rules_and_replicas() {
    let builder = EmbeddedCluster::builder().brokers(3).topic("placed", 3).topic("filled", 1);
    let authorizer = AuthorizerConfig::new().allow_everyone_if_no_acl_found(true);
    let brokers = builder.authorizer(authorizer).start().await.unwrap();
    let placed = || brokers.topic("placed").unwrap().partitions.remove(0);
    let preferred = placed().leader;
    assert!(brokers.move_leader("placed", 0, placed().replicas[1]));

    let folder = tempfile::tempdir().unwrap();
    let before = r#"{"partitions":[{"topic":"filled","partition":0,"offset":7}],"version":1}"#;
    let before = file(folder.path(), "before.json", before);
    let moves = r#"{"version":1,"partitions":[{"topic":"placed","partition":1,"replicas":[3,1]}]}"#;
    let moves = file(folder.path(), "moves.json", moves);
    let topics = r#"{"version":1,"topics":[{"topic":"placed"}]}"#;
    let topics = file(folder.path(), "topics.json", topics);
    let records = (0..10).map(|number| format!(" key:{number}")).collect::<String>();
    let printed = tools(
        &brokers,
        &format!(
            "run Topics --create --topic tools --partitions 3 --replication-factor 3\n\
             run Topics --alter --topic tools --partitions 5\n\
             run Topics --describe --topic tools\n\
             run Configure --alter --entity-type topics --entity-name tools \
                 --add-config retention.ms=1000000,cleanup.policy=[compact,delete]\n\
             run Configure --describe --entity-type topics --entity-name tools\n\
             run Configure --alter --entity-type topics --entity-name tools --delete-config retention.ms\n\
             run Configure --describe --entity-type topics --entity-name tools --all\n\
             run Configure --alter --entity-type clients --entity-name swift --add-config producer_byte_rate=1000000\n\
             run Configure --describe --entity-type clients\n\
             run Configure --alter --entity-type users --entity-name alice --add-config SCRAM-SHA-256=[password=secret]\n\
             run Configure --describe --entity-type users\n\
             run Configure --alter --entity-type groups --entity-name slow --add-config consumer.session.timeout.ms=50000\n\
             run Configure --describe --entity-type groups\n\
             run Configure --describe --entity-type client-metrics\n\
             run Configure --describe --entity-type brokers --entity-name 2 --all\n\
             run Acls --add --allow-principal User:alice --operation Read --topic tools --resource-pattern-type prefixed\n\
             run Acls --list\n\
             run Topics --list\n\
             run Acls --remove --force --topic tools --resource-pattern-type prefixed\n\
             run Topics --delete --topic tools\n\
             run Topics --list --exclude-internal\n\
             input{records}\n\
             run Produce --topic filled --reader-property parse.key=true \
                 --reader-property key.separator=:\n\
             run DeleteRecords --offset-json-file {before}\n\
             run Offsets --topic filled --time earliest\n\
             run Offsets --topic filled --time latest\n\
             run Elect --election-type preferred --topic placed --partition 0\n\
             run Reassign --reassignment-json-file {moves} --execute\n\
             until completed Reassign --reassignment-json-file {moves} --verify\n\
             run Reassign --topics-to-move-json-file {topics} --broker-list 1,2,3 --generate\n\
             run LogDirs --describe --topic-list filled\n\
             run BrokerApiVersions\n\
             run Quorum describe --status\n\
             run Features describe\n\
             run ClusterTool list-endpoints --bootstrap-server SERVERS\n"
        ),
    )
    .await;

    printed.says("--create", &["Created topic tools."]);
    let described =
        printed.says("Topics --describe --topic tools", &["PartitionCount: 5\tReplicationFactor: 3"]);
    assert_eq!(described.matches("Isr: ").count(), 5, "{described}");
    printed.says(
        "--describe --entity-type topics --entity-name tools",
        &["cleanup.policy=compact,delete sensitive=false", "retention.ms=1000000 sensitive=false"],
    );
    printed.says("--entity-name tools --all", &["retention.ms=604800000 sensitive=false"]);
    printed.says("--describe --entity-type clients", &["'swift' are producer_byte_rate=1000000.0"]);
    printed.says("--describe --entity-type users", &["'alice' are SCRAM-SHA-256=iterations=4096"]);
    printed.says("--describe --entity-type groups", &["group slow", "consumer.session.timeout.ms=50000"]);
    printed.says("--entity-name 2 --all", &["node.id=2 "]);

    printed.says("Acls --list", &["patternType=PREFIXED", "principal=User:alice", "operation=READ"]);
    let listed = printed.says("run Topics --list", &["filled", "placed"]);
    assert!(!listed.contains("tools"), "the rule is for alice alone: {listed}");
    assert!(brokers.topic("tools").is_none(), "without the rule it is seen, and deleted");

    printed.says("DeleteRecords", &["filled-0\tlow_watermark: 7"]);
    assert_eq!(printed.sorted("--time earliest"), ["filled:0:7"]);
    assert_eq!(brokers.topic("filled").unwrap().partitions[0].start_offset, 7);
    assert_eq!(printed.sorted("--time latest"), ["filled:0:10"]);

    printed.says("Elect", &["Successfully completed leader election"]);
    assert_eq!(placed().leader, preferred);
    printed.says("--verify", &["Reassignment of partition placed-1 is completed."]);
    assert_eq!(brokers.topic("placed").unwrap().partitions[1].replicas, [3, 1]);
    printed.says("--generate", &["Proposed partition reassignment configuration"]);
    printed.says("LogDirs", &[r#""partition":"filled-0""#]);
    printed.says("BrokerApiVersions", &["Produce(0): 0 to 13 [usable: 13]"]);
    printed.says("Quorum", &["MaxFollowerLag:         0"]);
    printed.says("Features", &["transaction.version"]);
    assert_eq!(printed.of("ClusterTool").matches("unfenced").count(), 3, "{}", printed.of("ClusterTool"));
}

/// The coordinator ended it, and the log lost its marker, as an unclean election can bring about: it hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_transaction_is_found_described_and_aborted() {
    let brokers = EmbeddedCluster::builder().brokers(3).topic("hanging", 1).start().await.unwrap();
    let partition = || brokers.topic("hanging").unwrap().partitions.remove(0);
    let lose_the_marker = async {
        while partition().end_offset < 21 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(brokers.truncate("hanging", 0, 20), Some(20));
    };
    let commands = "run ProduceQuickly --topic hanging --num-records 20 --record-size 10 --throughput -1 \
             --transactional-id lost --transaction-duration-ms 60000\n\
         until lost Transactions list\n\
         run Transactions describe --transactional-id lost\n\
         until hanging Transactions find-hanging --broker-id 1 --max-transaction-timeout 0\n\
         run Transactions describe-producers --topic hanging --partition 0\n\
         run Transactions abort --topic hanging --partition 0 --start-offset 0\n\
         run Transactions describe-producers --topic hanging --partition 0 --broker-id 1\n\
         input seen\n\
         run Produce --topic hanging\n\
         run Consume --topic hanging --from-beginning --max-messages 1 --timeout-ms 30000 --isolation-level read_committed\n";
    let (printed, ()): (Printed, ()) = tokio::join!(tools(&brokers, commands), lose_the_marker);

    let id = printed.table("Transactions list")[1][2].to_owned();
    let described = printed.table("describe --transactional-id lost");
    assert_eq!(described[1][1..5], ["lost", &id, described[1][3], "CompleteCommit"], "{printed:?}");
    let found = printed.table("find-hanging");
    let hangs = found.iter().find(|line| line.first() == Some(&"hanging")).unwrap();
    assert_eq!((hangs[1], hangs[2], hangs[5]), ("0", id.as_str(), "0"), "{printed:?}");
    let open = |command: &str| {
        let producers = printed.table(command);
        producers.iter().find(|line| line.first() == Some(&id.as_str())).unwrap()[5].to_owned()
    };
    assert_eq!(open("describe-producers --topic hanging --partition 0"), "0");
    assert_eq!(open("--broker-id 1"), "None");
    assert_eq!(printed.sorted("read_committed"), ["seen"], "what was aborted is left out");
    assert_eq!((partition().records.len(), partition().end_offset), (21, 22));
}
