//! Share groups (KIP-932).

use std::time::Duration;

use kafka_core::protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kafka_core::protocol::messages::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic;
use kafka_core::protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kafka_core::protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_core::protocol::messages::share_fetch_request::{FetchPartition, FetchTopic};
use kafka_core::protocol::messages::{
    AlterShareGroupOffsetsRequest, DeleteGroupsRequest, DeleteShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequest, IncrementalAlterConfigsRequest, ShareAcknowledgeRequest,
    ShareFetchRequest, ShareGroupDescribeRequest, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
    share_acknowledge_request,
};
use kafka_core::protocol::{Message, Uuid};

use super::super::records::batch;
use super::super::side::Side;
use super::groups::{group_of_one, list};
use super::produce::{Target, target, write};

const MEMBER: &str = "AAAAAAAAAAAAAAAAAAAAAg";

fn joins(group: &str, member: &str, topics: &[&str]) -> ShareGroupHeartbeatRequest {
    ShareGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        subscribed_topic_names: Some(topics.iter().map(|topic| (*topic).to_owned()).collect()),
        ..Default::default()
    }
}

fn beats(group: &str, member: &str, member_epoch: i32) -> ShareGroupHeartbeatRequest {
    ShareGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        member_epoch,
        ..Default::default()
    }
}

fn ordered(answer: &mut ShareGroupHeartbeatResponse) {
    for topic in answer.assignment.iter_mut().flat_map(|assignment| &mut assignment.topic_partitions) {
        topic.partitions.sort_unstable();
    }
}

fn fetch(group: &str, session_epoch: i32, topics: &[(Uuid, &[i32])]) -> ShareFetchRequest {
    ShareFetchRequest {
        group_id: Some(group.to_owned()),
        member_id: Some(MEMBER.to_owned()),
        share_session_epoch: session_epoch,
        max_wait_ms: 100,
        max_bytes: 1 << 20,
        max_records: 3,
        batch_size: 3,
        topics: topics
            .iter()
            .map(|(topic_id, partitions)| FetchTopic {
                topic_id: *topic_id,
                partitions: partitions
                    .iter()
                    .map(|index| FetchPartition { partition_index: *index, ..Default::default() })
                    .collect(),
            })
            .collect(),
        ..Default::default()
    }
}

fn acknowledge(
    group: &str,
    session_epoch: i32,
    topic_id: Uuid,
    index: i32,
    batches: &[(i64, i64, &[i8])],
) -> ShareAcknowledgeRequest {
    let batches =
        batches.iter().map(|(first, last, types)| share_acknowledge_request::AcknowledgementBatch {
            first_offset: *first,
            last_offset: *last,
            acknowledge_types: types.to_vec(),
        });
    ShareAcknowledgeRequest {
        group_id: Some(group.to_owned()),
        member_id: Some(MEMBER.to_owned()),
        share_session_epoch: session_epoch,
        topics: vec![share_acknowledge_request::AcknowledgeTopic {
            topic_id,
            partitions: vec![share_acknowledge_request::AcknowledgePartition {
                partition_index: index,
                acknowledgement_batches: batches.collect(),
            }],
        }],
        ..Default::default()
    }
}

pub(super) async fn run(side: &mut Side) {
    heartbeats(side).await;
    let topic = target(side, "shared", 2).await;
    // So that coordinators know it too: else a group has one epoch more.
    tokio::time::sleep(Duration::from_millis(300)).await;
    write(side, &topic.name, 0, batch(10)).await;
    records(side, &topic).await;
    told(side, &topic).await;
    offsets(side, &topic).await;
}

async fn heartbeats(side: &mut Side) {
    let topic = target(side, "share-heartbeats", 2).await;
    let group = side.name("share-heartbeats");
    let unknown = side.name("unknown-share");
    let (classic, _) = group_of_one(side, "share-of-classic").await;
    for (label, request) in [
        ("no group", joins("", MEMBER, &[&topic.name])),
        ("no member", joins(&group, "", &[&topic.name])),
        (
            "no topics",
            ShareGroupHeartbeatRequest { subscribed_topic_names: None, ..joins(&group, MEMBER, &[]) },
        ),
        ("an empty list of topics", joins(&group, MEMBER, &[])),
        ("an epoch below all", beats(&group, MEMBER, -9)),
        (
            "a rack without a name",
            ShareGroupHeartbeatRequest {
                rack_id: Some(String::new()),
                ..joins(&group, MEMBER, &[&topic.name])
            },
        ),
        ("an unknown group", beats(&unknown, MEMBER, 1)),
        ("an unknown group, leaving", beats(&unknown, MEMBER, -1)),
        ("a classic group", joins(&classic, MEMBER, &[&topic.name])),
    ] {
        side.ask_for(label, 1, request, ordered).await;
    }
    let group = member(side, "share-life", &topic).await;
    let joined = side.ask_for("joins once more", 1, joins(&group, MEMBER, &[&topic.name]), ordered).await;
    let epoch = joined.member_epoch;
    for (label, request) in [
        ("nothing new", beats(&group, MEMBER, epoch)),
        ("an epoch to come", beats(&group, MEMBER, epoch + 9)),
        ("an unknown member", beats(&group, "unknown", epoch)),
        ("joins again", joins(&group, MEMBER, &[&topic.name])),
        ("leaves", beats(&group, MEMBER, -1)),
        ("leaves again", beats(&group, MEMBER, -1)),
    ] {
        side.ask_for(label, 1, request, ordered).await;
    }
}

/// A member of a group that reads from the start; waits until it has the partitions.
async fn member(side: &mut Side, name: &str, topic: &Target) -> String {
    let group = side.name(name);
    let start = AlterableConfig {
        name: "share.auto.offset.reset".to_owned(),
        config_operation: 0,
        value: Some("earliest".to_owned()),
    };
    let resource =
        AlterConfigsResource { resource_type: 32, resource_name: group.clone(), configs: vec![start] };
    let earliest = IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() };
    side.quietly(1, earliest, |answer| answer.responses.iter().all(|result| result.error_code == 0)).await;
    let mut epoch = 0;
    for _ in 0..100 {
        let request =
            if epoch == 0 { joins(&group, MEMBER, &[&topic.name]) } else { beats(&group, MEMBER, epoch) };
        let answer = side.quietly(1, request, |answer| answer.error_code == 0).await;
        epoch = answer.member_epoch;
        let assigned = answer.assignment.iter().flat_map(|assignment| &assignment.topic_partitions);
        if assigned.map(|topic| topic.partitions.len()).sum::<usize>() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    group
}

async fn records(side: &mut Side, topic: &Target) {
    let group = member(side, "share-records", topic).await;
    let unknown = side.name("unknown-share");
    for (label, request) in [
        ("no group", ShareFetchRequest { group_id: None, ..fetch(&group, 0, &[(topic.id, &[0])]) }),
        ("a group without a name", fetch("", 0, &[(topic.id, &[0])])),
        ("no member", ShareFetchRequest { member_id: None, ..fetch(&group, 0, &[(topic.id, &[0])]) }),
        ("an unknown group", fetch(&unknown, 0, &[(topic.id, &[0])])),
        ("a session that is not there", fetch(&group, 3, &[(topic.id, &[0])])),
        ("the end of a session that is not there", fetch(&group, -1, &[])),
    ] {
        side.ask(label, 1, request.clone()).await;
        side.ask(label, 2, request).await;
    }
    // The first time, the group's place is looked up.
    let opens = side
        .until("opens a session", 1, fetch(&group, 0, &[(topic.id, &[0])]), |answer| {
            answer.responses.iter().flat_map(|topic| &topic.partitions).any(|part| !part.records.is_empty())
        })
        .await;
    assert_eq!(opens.error_code, 0);
    let types: &[i8] = &[1];
    for (label, epoch, batches) in [
        ("one", 1, &[(0, 0, types)][..]),
        ("the same again", 2, &[(0, 0, types)]),
        ("what was not handed out", 3, &[(7, 7, types)]),
        ("an epoch that was", 1, &[(1, 1, types)]),
        ("backwards", 4, &[(2, 1, types)]),
        ("overlapping", 5, &[(1, 2, types), (2, 2, types)]),
        ("an unknown type", 6, &[(1, 1, &[9])]),
        ("no type", 7, &[(1, 1, &[])]),
        ("too many types", 8, &[(1, 1, &[1, 1])]),
        ("two types", 9, &[(1, 2, &[1, 2])]),
        ("a negative offset", 10, &[(-1, -1, types)]),
        ("nothing", 11, &[]),
    ] {
        side.ask(label, 1, acknowledge(&group, epoch, topic.id, 0, batches)).await;
    }
    side.ask("an unknown partition", 1, acknowledge(&group, 12, topic.id, 9, &[(0, 0, types)])).await;
    side.ask("an unknown topic", 1, acknowledge(&group, 13, Uuid([9; 16]), 0, &[(0, 0, types)])).await;
    side.ask("no session", 2, acknowledge(&group, 0, topic.id, 0, &[(0, 0, types)])).await;
    side.ask("an unknown group", 2, acknowledge(&unknown, 1, topic.id, 0, &[(0, 0, types)])).await;
}

async fn told(side: &mut Side, topic: &Target) {
    let group = member(side, "share-told", topic).await;
    let unknown = side.name("unknown-share");
    let (classic, _) = group_of_one(side, "share-told-classic").await;
    let describe = |names: &[&str]| ShareGroupDescribeRequest {
        group_ids: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    for (label, names) in [
        ("one", &[group.as_str()][..]),
        ("an unknown one", &[&unknown]),
        ("a classic one", &[&classic]),
        ("no name", &[""]),
        ("none", &[]),
        ("the same twice", &[&unknown, &unknown]),
    ] {
        side.ask(label, 1, describe(names)).await;
    }
    let operations = ShareGroupDescribeRequest { include_authorized_operations: true, ..describe(&[&group]) };
    side.ask("with operations", 1, operations).await;
    list(side, "share groups", 5, &[], &["share"]).await;
    side.ask("with a member", 2, DeleteGroupsRequest { groups_names: vec![group] }).await;
}

async fn offsets(side: &mut Side, topic: &Target) {
    let group = member(side, "share-offsets", topic).await;
    let unknown = side.name("unknown-share");
    let describe = |group: &str, topics: Option<&[(&str, &[i32])]>| DescribeShareGroupOffsetsRequest {
        groups: vec![DescribeShareGroupOffsetsRequestGroup {
            group_id: group.to_owned(),
            topics: topics.map(|topics| {
                topics
                    .iter()
                    .map(|(name, partitions)| DescribeShareGroupOffsetsRequestTopic {
                        topic_name: (*name).to_owned(),
                        partitions: partitions.to_vec(),
                    })
                    .collect()
            }),
        }],
    };
    for version in DescribeShareGroupOffsetsRequest::VERSIONS {
        for (label, request) in [
            ("of an unknown group", describe(&unknown, Some(&[(&topic.name, &[0])]))),
            ("of an unknown topic", describe(&group, Some(&[(&unknown, &[0])]))),
            ("of no group", describe("", Some(&[(&topic.name, &[0])]))),
            ("of no topic", describe(&group, Some(&[]))),
            ("of none", DescribeShareGroupOffsetsRequest::default()),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let alter = |group: &str, name: &str, index: i32, offset: i64| AlterShareGroupOffsetsRequest {
        group_id: group.to_owned(),
        topics: vec![AlterShareGroupOffsetsRequestTopic {
            topic_name: name.to_owned(),
            partitions: vec![AlterShareGroupOffsetsRequestPartition {
                partition_index: index,
                start_offset: offset,
            }],
        }],
    };
    let delete = |group: &str, name: &str| DeleteShareGroupOffsetsRequest {
        group_id: group.to_owned(),
        topics: vec![DeleteShareGroupOffsetsRequestTopic { topic_name: name.to_owned() }],
    };
    side.ask("with a member", 0, alter(&group, &topic.name, 0, 3)).await;
    side.ask("with a member", 0, delete(&group, &topic.name)).await;
    side.ask("of an unknown group", 0, alter(&unknown, &topic.name, 0, 3)).await;
    side.ask("of an unknown group", 0, delete(&unknown, &topic.name)).await;
    side.ask("of no group", 0, alter("", &topic.name, 0, 3)).await;
    side.ask("of no group", 0, delete("", &topic.name)).await;
    side.quietly(1, beats(&group, MEMBER, -1), |_| true).await;
    side.ask("of an unknown topic", 0, alter(&group, &unknown, 0, 3)).await;
    side.ask("of an unknown partition", 0, alter(&group, &topic.name, 9, 3)).await;
    side.ask("empty", 0, alter(&group, &topic.name, 0, 3)).await;
    let set = |answer: &kafka_core::protocol::messages::DescribeShareGroupOffsetsResponse| {
        answer
            .groups
            .iter()
            .flat_map(|group| &group.topics)
            .flat_map(|topic| &topic.partitions)
            .any(|part| part.start_offset == 3)
    };
    side.until("what was set", 0, describe(&group, Some(&[(&topic.name, &[0])])), set).await;
    side.ask("of all", 0, describe(&group, None)).await;
    side.ask("of an unknown topic", 0, delete(&group, &unknown)).await;
    side.ask("empty", 0, delete(&group, &topic.name)).await;
    side.ask("again", 0, delete(&group, &topic.name)).await;
    side.ask("empty", 2, DeleteGroupsRequest { groups_names: vec![group] }).await;
}
