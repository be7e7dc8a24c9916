//! What was written, as somebody else than our consumer sees it: Kafka's own tools on a real cluster, a look into the log on
//! brokers in this process.

use std::time::{Duration, Instant};

use kafka_core::records::Record;
use kafka_embedded::EmbeddedCluster;

use crate::{Cluster, Tool};

/// Only what hangs takes so long.
const WAIT: Duration = Duration::from_secs(30);

/// A record as it was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// The partition that it is in.
    pub partition: i32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Names and values; a value may be null.
    pub headers: Vec<(String, Option<String>)>,
    /// The key.
    pub key: Option<String>,
    /// The value.
    pub value: Option<String>,
}

/// The first `count` records of a topic, those of one partition in their order. No text may be `null`, nor contain tabs,
/// lines, commas or colons where it is part of a header.
///
/// # Panics
/// When there are fewer, or what was read is not what a producer of text writes.
pub async fn read_back(cluster: &Cluster, topic: &str, count: usize) -> Vec<ReadBack> {
    if let Some(brokers) = cluster.in_process() {
        // What nobody acknowledges may still be on its way.
        let deadline = Instant::now() + WAIT;
        let records = loop {
            let records = look_inside(brokers, topic);
            if records.len() >= count {
                break records;
            }
            assert!(Instant::now() < deadline, "{topic} has {} records of {count}", records.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        return records.into_iter().take(count).collect();
    }
    let count = count.to_string();
    let mut arguments =
        vec!["--topic", topic, "--from-beginning", "--max-messages", &count, "--timeout-ms", "30000"];
    for property in [
        "print.timestamp=true",
        "print.partition=true",
        "print.headers=true",
        "print.key=true",
        "headers.separator=,",
    ] {
        arguments.extend(["--property", property]);
    }
    let printed = cluster.tool(Tool::ConsoleConsumer, &arguments, "").await.success();
    let printed = String::from_utf8(printed).expect("text");
    // Newer tools say on standard output that they will call their options differently one day.
    let lines = printed.lines().filter(|line| !line.starts_with("Option --property"));
    lines.map(|line| of_line(line).unwrap_or_else(|| panic!("not a record: {line}"))).collect()
}

fn look_inside(brokers: &EmbeddedCluster, topic: &str) -> Vec<ReadBack> {
    let view = brokers.topic(topic).expect("the topic");
    let records = (0..).zip(view.partitions).flat_map(|(partition, found)| {
        found.records.into_iter().map(move |record| of_record(partition, &record))
    });
    records.collect()
}

/// How many records a topic holds.
///
/// # Panics
/// When nobody can tell.
pub async fn count_records(cluster: &Cluster, topic: &str) -> u64 {
    if let Some(brokers) = cluster.in_process() {
        let partitions = brokers.topic(topic).expect("the topic").partitions;
        return partitions.iter().map(|one| u64::try_from(one.end_offset).expect("an offset")).sum();
    }
    let printed = cluster.tool(Tool::GetOffsets, &["--topic", topic], "").await.success();
    let lines = String::from_utf8(printed).expect("text");
    let offset = |line: &str| line.rsplit(':').next().and_then(|text| text.parse::<u64>().ok());
    lines.lines().map(|line| offset(line).expect("an offset")).sum()
}

/// `CreateTime:7<tab>Partition:0<tab>a:b,c:null<tab>key<tab>value`
fn of_line(line: &str) -> Option<ReadBack> {
    let mut columns = line.splitn(5, '\t');
    let mut next = || columns.next();
    let text = |column: &str| (column != "null").then(|| column.to_owned());
    let header = |text_of: &str| {
        let (name, value) = text_of.split_once(':')?;
        Some((name.to_owned(), text(value)))
    };
    Some(ReadBack {
        timestamp: next()?.strip_prefix("CreateTime:")?.parse().ok()?,
        partition: next()?.strip_prefix("Partition:")?.parse().ok()?,
        headers: match next()? {
            "NO_HEADERS" => Vec::new(),
            headers => headers.split(',').map(header).collect::<Option<_>>()?,
        },
        key: text(next()?),
        value: text(next()?),
    })
}

fn of_record(partition: i32, record: &Record) -> ReadBack {
    let text = |bytes: &bytes::Bytes| String::from_utf8(bytes.to_vec()).expect("text");
    ReadBack {
        partition,
        timestamp: record.timestamp,
        headers: record
            .headers
            .iter()
            .map(|header| (header.key.to_string(), header.value.as_ref().map(text)))
            .collect(),
        key: record.key.as_ref().map(text),
        value: record.value.as_ref().map(text),
    }
}
