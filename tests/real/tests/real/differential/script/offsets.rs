//! Committed offsets: written, read and deleted.

use kafka_core::protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_core::protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_core::protocol::messages::{
    DeleteGroupsRequest, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetFetchRequest,
    OffsetFetchResponse,
};
use kafka_core::protocol::{Message, Uuid};

use super::super::side::Side;
use super::groups::group_of_one;
use super::produce::{Target, target};

/// A commit of one offset by who is no member.
pub(super) fn commit(group: &str, target: &Target, partition: i32, offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetCommitRequestTopic {
            name: target.name.clone(),
            topic_id: target.id,
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: partition,
                committed_offset: offset,
                ..Default::default()
            }],
        }],
        ..Default::default()
    }
}

/// Asks for these partitions' offsets, or for all; older versions know one group.
pub(super) fn fetch(version: i16, group: &str, topics: Option<&[(&Target, &[i32])]>) -> OffsetFetchRequest {
    if version < 8 {
        let topics = topics.map(|topics| {
            topics
                .iter()
                .map(|(target, indexes)| OffsetFetchRequestTopic {
                    name: target.name.clone(),
                    partition_indexes: indexes.to_vec(),
                })
                .collect()
        });
        return OffsetFetchRequest { group_id: group.to_owned(), topics, ..Default::default() };
    }
    let topics = topics.map(|topics| {
        topics
            .iter()
            .map(|(target, indexes)| OffsetFetchRequestTopics {
                name: target.name.clone(),
                topic_id: target.id,
                partition_indexes: indexes.to_vec(),
            })
            .collect()
    });
    let group = OffsetFetchRequestGroup { group_id: group.to_owned(), topics, ..Default::default() };
    OffsetFetchRequest { groups: vec![group], ..Default::default() }
}

pub(super) async fn run(side: &mut Side) {
    let topic = target(side, "committed", 3).await;
    forget_nameless(side).await;
    committed(side, &topic).await;
    by_members(side, &topic).await;
    fetched(side, &topic).await;
    deleted(side, &topic).await;
    forget_nameless(side).await;
}

/// The group without a name is shared with earlier runs.
async fn forget_nameless(side: &mut Side) {
    side.quietly(2, DeleteGroupsRequest { groups_names: vec![String::new()] }, |_| true).await;
}

/// By their partitions: their order is a hash map's.
fn sorted(answer: &mut OffsetFetchResponse) {
    for topic in &mut answer.topics {
        topic.partitions.sort_by_key(|part| part.partition_index);
    }
    for topic in answer.groups.iter_mut().flat_map(|group| &mut group.topics) {
        topic.partitions.sort_by_key(|part| part.partition_index);
    }
}

async fn committed(side: &mut Side, topic: &Target) {
    let unknown = Target { name: side.name("unknown"), id: Uuid([9; 16]) };
    let nobody = Target { name: String::new(), id: Uuid::ZERO };
    let group = side.name("commits");
    for version in OffsetCommitRequest::VERSIONS {
        let long = "x".repeat(5_000);
        let note = |text: Option<&str>| {
            let mut request = commit(&group, topic, 1, 7);
            request.topics[0].partitions[0].committed_metadata = text.map(str::to_owned);
            request
        };
        for (label, request) in [
            ("an offset", commit(&group, topic, 0, 5)),
            ("an unknown partition", commit(&group, topic, 9, 5)),
            ("a negative partition", commit(&group, topic, -1, 5)),
            ("an unknown topic", commit(&group, &unknown, 0, 5)),
            ("no topic's name", commit(&group, &nobody, 0, 5)),
            ("a negative offset", commit(&group, topic, 0, -5)),
            ("the largest offset", commit(&group, topic, 2, i64::MAX)),
            ("no group", commit("", topic, 0, 5)),
            ("a note", note(Some("note"))),
            ("a note that is too long", note(Some(&long))),
            ("no note", note(None)),
            ("nothing", OffsetCommitRequest { topics: vec![], ..commit(&group, topic, 0, 5) }),
            (
                "a member of no group",
                OffsetCommitRequest {
                    member_id: "member".to_owned(),
                    generation_id_or_member_epoch: 1,
                    ..commit(&group, topic, 0, 5)
                },
            ),
            (
                "a generation of no group",
                OffsetCommitRequest { generation_id_or_member_epoch: 3, ..commit(&group, topic, 0, 5) },
            ),
        ] {
            side.ask(label, version, request).await;
        }
        side.ask("what was committed", version, fetch(version, &group, Some(&[(topic, &[0, 1, 2])]))).await;
    }
    let mut mixed = commit(&group, topic, 0, 6);
    mixed.topics.push(commit(&group, &unknown, 0, 5).topics.remove(0));
    let by_code = |answer: &mut OffsetCommitResponse| {
        answer.topics.sort_by_key(|topic| topic.partitions[0].error_code);
    };
    side.ask_for("a topic that is there and one that is not", 9, mixed.clone(), by_code).await;
    side.ask_for("a topic that is there and one that is not", 10, mixed, by_code).await;
    let mut twice = commit(&group, topic, 0, 6);
    twice.topics.push(commit(&group, topic, 0, 8).topics.remove(0));
    side.ask("the same partition twice", 9, twice).await;
    let mut epoch = commit(&group, topic, 1, 6);
    epoch.topics[0].partitions[0].committed_leader_epoch = 4;
    side.ask("with an epoch", 6, epoch).await;
    side.ask("with an epoch", 6, fetch(6, &group, Some(&[(topic, &[0, 1, 2])]))).await;
    let kept = OffsetCommitRequest { retention_time_ms: 1, ..commit(&group, topic, 2, 6) };
    side.ask("for a short time", 4, kept).await;
}

async fn by_members(side: &mut Side, topic: &Target) {
    let (group, member) = group_of_one(side, "commits-of-members").await;
    let by = |member: &str, generation: i32| OffsetCommitRequest {
        member_id: member.to_owned(),
        generation_id_or_member_epoch: generation,
        ..commit(&group, topic, 0, 5)
    };
    for version in [2, 7, 9, 10] {
        for (label, request) in [
            ("the member", by(&member, 1)),
            ("an earlier generation", by(&member, 0)),
            ("a later generation", by(&member, 2)),
            ("an unknown member", by("unknown", 1)),
            ("nobody", by("", -1)),
            ("nobody of the generation", by("", 1)),
            ("the member of no generation", by(&member, -1)),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let instance = OffsetCommitRequest { group_instance_id: Some("one".to_owned()), ..by(&member, 1) };
    side.ask("an unknown instance", 9, instance).await;
}

async fn fetched(side: &mut Side, topic: &Target) {
    let group = side.name("commits");
    let unknown = side.name("unknown");
    let stranger = Target { name: unknown.clone(), id: Uuid([9; 16]) };
    let nobody = Target { name: String::new(), id: Uuid::ZERO };
    for version in OffsetFetchRequest::VERSIONS {
        side.ask("of an unknown group", version, fetch(version, &unknown, Some(&[(topic, &[0])]))).await;
        side.ask("of no group", version, fetch(version, "", Some(&[(topic, &[0])]))).await;
        side.ask("of an unknown partition", version, fetch(version, &group, Some(&[(topic, &[9, -1])])))
            .await;
        side.ask("of an unknown topic", version, fetch(version, &group, Some(&[(&stranger, &[0])]))).await;
        side.ask("of no topic's name", version, fetch(version, &group, Some(&[(&nobody, &[0])]))).await;
        side.ask("of no partition", version, fetch(version, &group, Some(&[(topic, &[])]))).await;
        side.ask("of no topic", version, fetch(version, &group, Some(&[]))).await;
        if version >= 2 {
            side.ask_for("of all", version, fetch(version, &group, None), sorted).await;
            side.ask("of all of an unknown group", version, fetch(version, &unknown, None)).await;
        }
        if version >= 7 {
            let stable =
                OffsetFetchRequest { require_stable: true, ..fetch(version, &group, Some(&[(topic, &[0])])) };
            side.ask("of stable ones", version, stable).await;
        }
        if version >= 8 {
            let mut two = fetch(version, &group, Some(&[(topic, &[0])]));
            two.groups.push(fetch(version, &unknown, None).groups.remove(0));
            side.ask("of two groups", version, two).await;
            side.ask("of no groups", version, OffsetFetchRequest::default()).await;
        }
        if version >= 9 {
            for (label, member, epoch) in [
                ("a stranger", Some("stranger"), 1),
                ("an epoch", None, 3),
                ("a member without an epoch", Some("x"), -1),
            ] {
                let mut request = fetch(version, &group, Some(&[(topic, &[0])]));
                request.groups[0].member_id = member.map(str::to_owned);
                request.groups[0].member_epoch = epoch;
                side.ask(&format!("by {label}"), version, request).await;
            }
        }
    }
}

async fn deleted(side: &mut Side, topic: &Target) {
    let group = side.name("commits");
    let unknown = side.name("unknown");
    let (used, _) = group_of_one(side, "commits-in-use").await;
    side.quietly(9, commit(&used, topic, 0, 5), |_| true).await;
    let delete = |group: &str, name: &str, partitions: &[i32]| OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetDeleteRequestTopic {
            name: name.to_owned(),
            partitions: partitions
                .iter()
                .map(|index| OffsetDeleteRequestPartition { partition_index: *index })
                .collect(),
        }],
    };
    for (label, request) in [
        ("one", delete(&group, &topic.name, &[0])),
        ("again", delete(&group, &topic.name, &[0])),
        ("of an unknown partition", delete(&group, &topic.name, &[9])),
        ("of an unknown topic", delete(&group, &unknown, &[0])),
        ("of an unknown group", delete(&unknown, &topic.name, &[0])),
        ("of no group", delete("", &topic.name, &[0])),
        ("of a topic in use", delete(&used, &topic.name, &[0])),
        ("of another type of topic in use", delete(&used, "topic", &[0])),
        ("of no partition", delete(&group, &topic.name, &[])),
        ("of no topic", OffsetDeleteRequest { topics: vec![], ..delete(&group, "", &[]) }),
    ] {
        side.ask(label, 0, request).await;
    }
    side.ask_for("what is left", 9, fetch(9, &group, None), sorted).await;
}
