//! Kafka's own tools and groups of both protocols, on brokers in the process; the real cluster lends only its jars.
//!
//! Only on real clusters: the jars of Kafka's tools come with one; what they talk to are embedded brokers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use kafka_embedded::EmbeddedCluster;

use crate::one_jvm::tools;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_each_protocol() {
    let brokers = EmbeddedCluster::builder()
        .brokers(3)
        .topic("lines", 4)
        // One fetch has all of its records, so that none comes twice before all came once.
        .topic("shared", 1)
        .consumer_heartbeat_interval(Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    let printed = tools(
        &brokers,
        "input a b c d\n\
         run Produce --topic lines\n\
         run Consume --topic lines --from-beginning --max-messages 4 --timeout-ms 60000 --group modern \
             --command-property group.protocol=consumer\n\
         begin Verify --topic lines --group-id verified --group-protocol consumer --reset-policy earliest \
             --max-messages 8\n\
         until #PARTITIONS Groups --describe --group verified --members --verbose\n\
         until Stable Groups --describe --group verified --state\n\
         begin Verify --topic lines --group-id classic --group-protocol classic --reset-policy earliest \
             --max-messages 8\n\
         until lines Groups --describe --group classic --offsets\n\
         run Groups --list --state --type\n\
         input e f g h\n\
         run Produce --topic lines\n\
         end\n\
         run Groups --describe --all-groups --state\n\
         run Groups --group modern --reset-offsets --to-earliest --topic lines --execute\n\
         run Groups --describe --group modern\n\
         run Groups --group modern --delete-offsets --topic lines:1\n\
         run Groups --group modern --delete\n\
         run Groups --list\n\
         input a b c d e f g h\n\
         run Produce --topic shared\n\
         run Configure --alter --entity-type groups --entity-name shared --add-config share.auto.offset.reset=earliest\n\
         run ConsumeShared --topic shared --group shared --max-messages 8 --timeout-ms 60000 --release\n\
         run ConsumeShared --topic shared --group shared --max-messages 8 --timeout-ms 60000\n\
         until 0 ShareGroups --describe --group shared\n\
         run ShareGroups --describe --group shared --state\n\
         run ShareGroups --reset-offsets --group shared --to-earliest --topic shared --execute\n\
         run ShareGroups --describe --group shared --offsets\n\
         run ShareGroups --delete-offsets --group shared --topic shared\n\
         run ShareGroups --delete --group shared\n",
    )
    .await;
    let said = |command: &str| printed.of(command);
    assert_eq!(said("--group modern --command-property").split_whitespace().collect::<String>(), "abcd");
    for protocol in ["consumer", "classic"] {
        let verified = said(&format!("--group-protocol {protocol}"));
        assert!(verified.contains(r#""name":"partitions_assigned""#), "{verified}");
        assert!(verified.contains(r#""name":"offsets_committed""#), "{verified}");
        assert_eq!(verified.matches(r#""success":false"#).count(), 0, "{verified}");
    }
    assert!(said("verified --members --verbose").contains("lines:0,1,2,3"));
    let listed = printed.table("--list --state --type");
    for group in [
        ["modern", "Consumer", "Empty"],
        ["verified", "Consumer", "Stable"],
        ["classic", "Classic", "Stable"],
    ] {
        assert!(listed.iter().any(|line| *line == group), "{listed:?}");
    }
    assert!(said("reset-offsets").contains("NEW-OFFSET"));
    let described = printed.table("--describe --group modern");
    let reset = described.iter().filter(|line| line.first() == Some(&"modern"));
    let lags: Vec<u64> = reset.map(|line| line[5].parse().unwrap()).collect();
    assert_eq!((lags.len(), lags.iter().sum::<u64>()), (4, 8), "{described:?}");
    assert!(said("--delete-offsets").contains("Successful"));
    assert!(said("modern --delete").contains("successful"));
    assert!(!printed.sorted("run Groups --list").contains(&"modern"));
    assert!(brokers.group("modern").is_none());
    assert_eq!(printed.sorted("60000 --release").concat(), "abcdefgh");
    assert_eq!(printed.sorted("--timeout-ms 60000").concat(), "abcdefgh", "what was released comes again");
    let lag = |command: &str| {
        let lines = printed.table(command);
        let of_group = lines.iter().filter(|line| line.first() == Some(&"shared"));
        of_group.filter_map(|line| line[4].parse::<u64>().ok()).sum::<u64>()
    };
    assert_eq!(lag("until 0"), 0);
    assert_eq!(lag("shared --offsets"), 8, "set back to the earliest");
    assert!(said("ShareGroups --delete-offsets").contains("Successful"));
    assert!(said("ShareGroups --delete ").contains("was successful"));
    for group in ["verified", "classic"] {
        assert_eq!(brokers.group(group).unwrap().offsets.values().sum::<i64>(), 8, "{group}");
    }
}
