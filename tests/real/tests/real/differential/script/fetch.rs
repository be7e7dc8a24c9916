//! Records: read, looked up by time, and by epoch.

use std::time::Duration;

use kafka_core::protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_core::protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_core::protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_core::protocol::messages::{FetchRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest};
use kafka_core::protocol::{Message, Uuid};
use kafka_core::records::Compression;

use super::super::records::{TIME, batch, compressed, sized};
use super::super::side::Side;
use super::produce::{Target, target, write};
use super::topics::create_with;

/// A request that reads one partition from this offset.
pub(super) fn fetch(target: &Target, partition: i32, fetch_offset: i64) -> FetchRequest {
    let part = FetchPartition { partition, fetch_offset, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = FetchTopic { topic: target.name.clone(), topic_id: target.id, partitions: vec![part] };
    FetchRequest { max_wait_ms: 100, topics: vec![topic], max_bytes: 1 << 20, ..Default::default() }
}

fn part(request: FetchRequest, change: impl Fn(&mut FetchPartition)) -> FetchRequest {
    let mut request = request;
    request.topics.iter_mut().flat_map(|topic| &mut topic.partitions).for_each(change);
    request
}

pub(super) async fn run(side: &mut Side) {
    let read = target(side, "read", 2).await;
    for records in [batch(3), compressed(Compression::Gzip), batch(4)] {
        write(side, &read.name, 0, records).await;
    }
    fetched(side, &read).await;
    limited(side, &read).await;
    sessions(side, &read).await;
    listed(side, &read).await;
    epochs(side, &read).await;
}

async fn fetched(side: &mut Side, read: &Target) {
    let unknown = Target { name: side.name("unknown"), id: Uuid([9; 16]) };
    let nobody = Target { name: String::new(), id: Uuid::ZERO };
    for version in FetchRequest::VERSIONS {
        side.ask("all", version, fetch(read, 0, 0)).await;
        side.ask("from within a batch", version, fetch(read, 0, 4)).await;
        side.ask("from the end", version, fetch(read, 0, 10)).await;
        side.ask("from behind the end", version, fetch(read, 0, 11)).await;
        side.ask("from a negative offset", version, fetch(read, 0, -1)).await;
        side.ask("an empty partition", version, fetch(read, 1, 0)).await;
        side.ask("an unknown partition", version, fetch(read, 9, 0)).await;
        side.ask("an unknown topic", version, fetch(&unknown, 0, 0)).await;
    }
    for version in [4, 12, 13, 18] {
        side.ask("no topic", version, fetch(&nobody, 0, 0)).await;
        side.ask("a negative partition", version, fetch(read, -1, 0)).await;
        side.ask("nothing", version, FetchRequest { max_wait_ms: 10, ..FetchRequest::default() }).await;
        for level in [1, 2, -1] {
            let request = FetchRequest { isolation_level: level, ..fetch(read, 0, 0) };
            side.ask(&format!("isolation {level}"), version, request).await;
        }
        let mut twice = fetch(read, 0, 0);
        twice.topics.push(fetch(read, 1, 0).topics.remove(0));
        side.ask("a topic twice", version, twice).await;
        let mut twice = fetch(read, 0, 0);
        let again = twice.topics[0].partitions[0].clone();
        twice.topics[0].partitions.push(again);
        side.ask("a partition twice", version, twice).await;
        let mut mixed = fetch(read, 0, 0);
        mixed.topics.push(fetch(&unknown, 0, 0).topics.remove(0));
        side.ask("a topic that is there and one that is not", version, mixed).await;
        let mut none = fetch(read, 0, 0);
        none.topics[0].partitions.clear();
        side.ask("no partition", version, none).await;
    }
    for version in [9, 12, 18] {
        for epoch in [0, 1, -2] {
            let request = part(fetch(read, 0, 0), |part| part.current_leader_epoch = epoch);
            side.ask(&format!("the leader of epoch {epoch}"), version, request).await;
        }
    }
    for epoch in [0, 1, 5, -2] {
        let request = part(fetch(read, 0, 10), |part| part.last_fetched_epoch = epoch);
        side.ask(&format!("after epoch {epoch}"), 12, request).await;
    }
    let rack = FetchRequest { rack_id: "rack-9".to_owned(), ..fetch(read, 0, 0) };
    side.ask("from a rack", 18, rack).await;
    let other = FetchRequest { cluster_id: Some("other".to_owned()), ..fetch(read, 0, 0) };
    side.ask("from another cluster", 18, other).await;
}

async fn limited(side: &mut Side, read: &Target) {
    for (label, max_bytes, partition_max_bytes, min_bytes) in [
        ("no bytes", 0, 1 << 20, 0),
        ("no bytes of a partition", 1 << 20, 0, 0),
        ("one byte", 1, 1 << 20, 1),
        ("one byte of a partition", 1 << 20, 1, 1),
        ("a batch and a part of the next", 1 << 20, 300, 1),
        ("less than no bytes", -1, 1 << 20, 1),
        ("less than no bytes of a partition", 1 << 20, -1, 1),
        ("more than there are", 1 << 20, 1 << 20, 1_000_000),
        ("at least less than none", 1 << 20, 1 << 20, -1),
        ("as many as there are numbers", i32::MAX, i32::MAX, 1),
    ] {
        for version in [4, 12, 18] {
            let request = part(fetch(read, 0, 0), |part| part.partition_max_bytes = partition_max_bytes);
            let request = FetchRequest { max_bytes, min_bytes, max_wait_ms: 30, ..request };
            side.ask(label, version, request).await;
        }
    }
    let impatient = FetchRequest { max_wait_ms: -1, min_bytes: 1_000_000, ..fetch(read, 0, 0) };
    side.ask("less than no time", 12, impatient).await;
    // Two partitions, of which the first fills the answer.
    let large = target(side, "large", 2).await;
    for partition in [0, 1] {
        write(side, &large.name, partition, sized(3_000, TIME)).await;
        write(side, &large.name, partition, sized(3_000, TIME)).await;
    }
    for max_bytes in [1_000, 3_500, 7_000, 10_000, 100_000] {
        let mut request = FetchRequest { max_bytes, ..fetch(&large, 0, 0) };
        request.topics[0].partitions.push(fetch(&large, 1, 0).topics[0].partitions[0].clone());
        side.ask(&format!("two partitions, {max_bytes} bytes"), 12, request).await;
    }
}

async fn sessions(side: &mut Side, read: &Target) {
    for version in [7, 12, 13, 18] {
        let first = FetchRequest { session_epoch: 0, ..fetch(read, 0, 8) };
        let id = side.ask("a session's first", version, first).await.session_id;
        let on = |epoch: i32, request: FetchRequest| FetchRequest {
            session_id: id,
            session_epoch: epoch,
            max_wait_ms: 10,
            ..request
        };
        let empty = FetchRequest { max_bytes: 1 << 20, ..FetchRequest::default() };
        side.ask("a session's next", version, on(1, empty.clone())).await;
        side.ask("the same epoch again", version, on(1, empty.clone())).await;
        side.ask("an epoch too far", version, on(9, empty.clone())).await;
        side.ask("a partition more", version, on(2, fetch(read, 1, 0))).await;
        side.ask("a partition that is not there", version, on(3, fetch(read, 9, 0))).await;
        side.ask_for("it is still not there", version, on(4, empty.clone()), |answer| {
            for topic in &mut answer.responses {
                topic.partitions.sort_by_key(|part| part.partition_index);
            }
        })
        .await;
        let forget = |partitions: &[i32]| FetchRequest {
            forgotten_topics_data: vec![ForgottenTopic {
                topic: read.name.clone(),
                topic_id: read.id,
                partitions: partitions.to_vec(),
            }],
            ..empty.clone()
        };
        side.ask("a partition forgotten", version, on(5, forget(&[9]))).await;
        side.ask("an unknown one forgotten", version, on(6, forget(&[7, 0]))).await;
        side.ask("a partition again", version, on(7, fetch(read, 0, 3))).await;
        side.ask("another offset", version, on(8, fetch(read, 0, 8))).await;
        side.ask("its end", version, on(-1, fetch(read, 0, 10))).await;
        side.ask("a session that is over", version, on(9, empty.clone())).await;
        let strange = FetchRequest { session_id: 12_345, session_epoch: 1, ..fetch(read, 0, 0) };
        side.ask("an unknown session", version, strange).await;
        let strange = FetchRequest { session_id: 12_345, session_epoch: 0, ..fetch(read, 0, 8) };
        side.ask("a new one in place of an unknown one", version, strange).await;
        let none = FetchRequest { session_epoch: 0, ..empty.clone() };
        side.ask("a session of nothing", version, none).await;
        let odd = FetchRequest { session_epoch: 5, ..fetch(read, 0, 8) };
        side.ask("an epoch without a session", version, odd).await;
    }
}

async fn listed(side: &mut Side, read: &Target) {
    let list = |name: &str, index: i32, timestamp: i64| ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: name.to_owned(),
            partitions: vec![ListOffsetsPartition {
                partition_index: index,
                timestamp,
                ..Default::default()
            }],
        }],
        timeout_ms: 1_000,
        ..Default::default()
    };
    let unknown = side.name("unknown");
    for version in ListOffsetsRequest::VERSIONS {
        for (label, timestamp) in [
            ("the end", -1),
            ("the start", -2),
            ("the latest time", -3),
            ("the local start", -4),
            ("the tiered end", -5),
            ("what is not tiered", -6),
            ("an unknown word", -9),
            ("the smallest number", i64::MIN),
            ("1970", 0),
            ("a time", TIME + 1),
            ("the last time", TIME + 3),
            ("a time that is not there", TIME + 1_000),
            ("the end of times", i64::MAX),
        ] {
            side.ask(label, version, list(&read.name, 0, timestamp)).await;
        }
        side.ask("an empty partition", version, list(&read.name, 1, -1)).await;
        side.ask("an empty partition at a time", version, list(&read.name, 1, TIME)).await;
        side.ask("the latest time of an empty partition", version, list(&read.name, 1, -3)).await;
        side.ask("an unknown partition", version, list(&read.name, 9, -1)).await;
        side.ask("an unknown topic", version, list(&unknown, 0, -1)).await;
    }
    for version in [2, 6, 11] {
        for level in [0, 1, 2, -1] {
            let request = ListOffsetsRequest { isolation_level: level, ..list(&read.name, 0, -1) };
            side.ask(&format!("isolation {level}"), version, request).await;
        }
        for replica_id in [-2, -3, 0, 1, 99] {
            let request = ListOffsetsRequest { replica_id, ..list(&read.name, 0, -1) };
            side.ask(&format!("by replica {replica_id}"), version, request).await;
        }
    }
    for version in [4, 11] {
        for epoch in [0, 1, -2] {
            let mut request = list(&read.name, 0, -1);
            request.topics[0].partitions[0].current_leader_epoch = epoch;
            side.ask(&format!("the leader of epoch {epoch}"), version, request).await;
        }
        let mut twice = list(&read.name, 0, -1);
        twice.topics[0].partitions.push(list(&read.name, 0, -2).topics[0].partitions[0].clone());
        side.ask("a partition twice", version, twice).await;
        let mut twice = list(&read.name, 0, -1);
        twice.topics.push(list(&read.name, 1, -2).topics.remove(0));
        side.ask_for("a topic twice", version, twice, |answer| {
            for topic in &mut answer.topics {
                topic.partitions.sort_by_key(|part| part.partition_index);
            }
        })
        .await;
        side.ask("no topic", version, ListOffsetsRequest { topics: vec![], ..list("", 0, 0) }).await;
        side.ask("no name", version, list("", 0, -1)).await;
        let mut none = list(&read.name, 0, -1);
        none.topics[0].partitions.clear();
        side.ask("no partition", version, none).await;
    }
    let appended = side.name("listed-appended");
    create_with(side, &appended, 1, &[("message.timestamp.type", "LogAppendTime")]).await;
    write(side, &appended, 0, batch(3)).await;
    // So that the next ones have a later time.
    tokio::time::sleep(Duration::from_millis(5)).await;
    write(side, &appended, 0, batch(3)).await;
    for timestamp in [-1, -2, -3, 0, TIME] {
        side.ask(&format!("of the log's own times, {timestamp}"), 8, list(&appended, 0, timestamp)).await;
    }
}

async fn epochs(side: &mut Side, read: &Target) {
    let end_of = |name: &str, partition: i32, current: i32, leader_epoch: i32| OffsetForLeaderEpochRequest {
        topics: vec![OffsetForLeaderTopic {
            topic: name.to_owned(),
            partitions: vec![OffsetForLeaderPartition {
                partition,
                current_leader_epoch: current,
                leader_epoch,
            }],
        }],
        ..Default::default()
    };
    let unknown = side.name("unknown");
    for version in OffsetForLeaderEpochRequest::VERSIONS {
        for (label, request) in [
            ("of the epoch that is", end_of(&read.name, 0, -1, 0)),
            ("of a later one", end_of(&read.name, 0, -1, 7)),
            ("of none", end_of(&read.name, 0, -1, -1)),
            ("of a negative one", end_of(&read.name, 0, -1, -5)),
            ("by the epoch that is", end_of(&read.name, 0, 0, 0)),
            ("by a later one", end_of(&read.name, 0, 7, 0)),
            ("of an empty partition", end_of(&read.name, 1, -1, 0)),
            ("of an unknown partition", end_of(&read.name, 9, -1, 0)),
            ("of an unknown topic", end_of(&unknown, 0, -1, 0)),
            ("of no topic", OffsetForLeaderEpochRequest::default()),
        ] {
            side.ask(label, version, request).await;
        }
    }
}
