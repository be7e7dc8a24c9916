//! Groups in which Java's console consumer is a member too: both sides assign, share and take over.
//!
//! Only on real clusters: Java's own consumer is a member of the group.

use kafka_stream::consumer::AssignmentStrategy::{self, CooperativeSticky, Range};
use kafka_stream::consumer::GroupProtocol;
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, RunningTool, Tool, create_topic, unique, write};

const PARTITIONS: i32 = 6;

fn start_java(cluster: &Cluster, topic: &str, group: &str, assignor: &str) -> RunningTool {
    let strategy = format!("partition.assignment.strategy=org.apache.kafka.clients.consumer.{assignor}");
    let arguments = ["--topic", topic, "--group", group, "--from-beginning"];
    let printing = ["--property", "print.partition=true", "--property", "print.offset=true"];
    let settings = ["--consumer-property", &strategy, "--consumer-property", "heartbeat.interval.ms=500"];
    let arguments: Vec<&str> = [&arguments[..], &printing, &settings].concat();
    cluster.start_tool(Tool::ConsoleConsumer, &arguments)
}

/// The partition and offset of each record, in lines such as `Partition:3<tab>Offset:17<tab>...`; others are logs.
fn records(lines: &[String]) -> Vec<(i32, i64)> {
    let record = |line: &String| {
        let (partition, rest) = line.strip_prefix("Partition:")?.split_once('\t')?;
        let (offset, _) = rest.strip_prefix("Offset:")?.split_once('\t')?;
        Some((partition.parse().ok()?, offset.parse().ok()?))
    };
    lines.iter().filter_map(record).collect()
}

fn note(lines: &[String], seen: &Seen) {
    records(lines).into_iter().for_each(|(partition, offset)| seen.add(partition, offset));
}

async fn ours_and_java_share_a_group(strategy: AssignmentStrategy, assignor: &str) {
    let cluster = Cluster::real_single();
    let topic = create_topic(&cluster, "groups-java", PARTITIONS).await;
    let group = unique("groups-java");
    let seen = Seen::default();
    let write = |count| write(cluster.client(), &topic, PARTITIONS, count);
    let ours = Member::start(cluster.client(), config(&group, &[strategy]), &topic, &seen);
    settled(&[&ours], 6).await;
    write(600).await;
    until("reading alone", || seen.count() == 600).await;

    // Java joins: half of the partitions go there.
    let java = start_java(&cluster, &topic, &group, assignor);
    until("sharing with Java", || ours.owned().len() == 3).await;
    write(600).await;
    until("reading by both", || seen.count() + records(&java.lines()).len() == 1200).await;
    assert_eq!(records(&java.lines()).len(), 300);

    // Java leaves: we take over.
    let lines = java.stop().await;
    note(&lines, &seen);
    settled(&[&ours], 6).await;
    write(600).await;
    until("reading what Java read before", || seen.count() == 1800).await;

    // Java comes again, and takes over when we leave.
    let java = start_java(&cluster, &topic, &group, assignor);
    until("sharing with Java again", || ours.owned().len() == 3).await;
    ours.close().await;
    write(600).await;
    until("reading by Java alone", || records(&java.lines()).len() == 600).await;
    note(&java.stop().await, &seen);
    assert_eq!(seen.count(), 2400);
    seen.assert_each_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn java_and_ours_share_partitions_by_range_and_take_over_from_each_other() {
    ours_and_java_share_a_group(Range, "RangeAssignor").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn java_and_ours_share_partitions_by_cooperative_sticky_and_take_over_from_each_other() {
    ours_and_java_share_a_group(CooperativeSticky, "CooperativeStickyAssignor").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn java_and_ours_share_a_group_of_the_new_protocol_and_take_over_from_each_other() {
    let cluster = Cluster::real_single();
    let topic = create_topic(&cluster, "kip848-java", 6).await;
    let group = unique("kip848-java");
    let seen = Seen::default();
    let mut modern = config(&group, &[Range]);
    modern.group_protocol = GroupProtocol::Consumer;
    let ours = Member::start(cluster.client(), modern, &topic, &seen);
    settled(&[&ours], 6).await;
    let arguments = ["--topic", &topic, "--group", &group, "--from-beginning"];
    let printing = ["--property", "print.partition=true", "--property", "print.offset=true"];
    let settings = ["--consumer-property", "group.protocol=consumer"];
    let arguments: Vec<&str> = [&arguments[..], &printing, &settings].concat();
    let java = cluster.start_tool(Tool::ConsoleConsumer, &arguments);
    until("sharing with Java", || ours.owned().len() == 3).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading by both", || seen.count() + records(&java.lines()).len() == 600).await;
    assert_eq!(seen.count(), 300);
    note(&java.stop().await, &seen);
    settled(&[&ours], 6).await;
    write(cluster.client(), &topic, 6, 600).await;
    until("reading what Java read before", || seen.count() == 1200).await;
    seen.assert_each_once();
    ours.close().await;
}
