//! Groups whose coordinator assigns (KIP-848).

use std::time::Duration;

use kafka_core::protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_core::protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    DeleteGroupsRequest, DescribeGroupsRequest, OffsetCommitRequest,
};
use kafka_core::protocol::{Message, Uuid};

use super::super::side::Side;
use super::groups::{self, group_of_one, heartbeat, list};
use super::offsets;
use super::produce::{Target, target};

/// The heartbeat by which a member joins.
fn joins(group: &str, member: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        rebalance_timeout_ms: 5_000,
        subscribed_topic_names: Some(topics.iter().map(|topic| (*topic).to_owned()).collect()),
        topic_partitions: Some(vec![]),
        ..Default::default()
    }
}

/// The heartbeat by which a member says that nothing is new.
fn beats(group: &str, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        member_epoch: epoch,
        ..Default::default()
    }
}

/// The heartbeat by which a member says what it has.
fn owns(
    group: &str,
    member: &str,
    epoch: i32,
    topic_id: Uuid,
    partitions: &[i32],
) -> ConsumerGroupHeartbeatRequest {
    let owned = TopicPartitions { topic_id, partitions: partitions.to_vec() };
    ConsumerGroupHeartbeatRequest { topic_partitions: Some(vec![owned]), ..beats(group, member, epoch) }
}

/// Joins, and waits until the member has its partitions: Kafka may assign them up to a second later. Then an answer that has them is
/// kept.
async fn join(
    side: &mut Side,
    label: &str,
    version: i16,
    first: ConsumerGroupHeartbeatRequest,
) -> (String, i32) {
    let joined = side.quietly(version, first.clone(), |answer| answer.error_code == 0).await;
    let member = joined.member_id.clone().unwrap_or_default();
    let mut request = ConsumerGroupHeartbeatRequest {
        member_id: member.clone(),
        member_epoch: joined.member_epoch,
        ..first
    };
    for _ in 0..200 {
        let answer = side.quietly(version, request.clone(), |_| true).await;
        request.member_epoch = answer.member_epoch;
        if answer.assignment.iter().any(|assignment| !assignment.topic_partitions.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = side.ask_for(label, version, request, ordered).await;
    (member, answer.member_epoch)
}

/// A topic that coordinators know too: else a group has one epoch more.
async fn settled(side: &mut Side, name: &str, partitions: i32) -> Target {
    let topic = target(side, name, partitions).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    topic
}

/// An assignment's partitions in a set's order.
fn ordered(answer: &mut ConsumerGroupHeartbeatResponse) {
    for topic in answer.assignment.iter_mut().flat_map(|assignment| &mut assignment.topic_partitions) {
        topic.partitions.sort_unstable();
    }
}

pub(super) async fn run(side: &mut Side) {
    one_member(side).await;
    bad_heartbeats(side).await;
    told(side).await;
    instances(side).await;
    across_protocols(side).await;
}

async fn one_member(side: &mut Side) {
    let topic = settled(side, "assigned", 3).await;
    for version in ConsumerGroupHeartbeatRequest::VERSIONS {
        let group = side.name(&format!("kip848-{version}"));
        let named = if version == 0 { String::new() } else { "member-one-of-its-kind".to_owned() };
        let (member, epoch) = join(side, "joins", version, joins(&group, &named, &[&topic.name])).await;
        side.ask_for("nothing new", version, beats(&group, &member, epoch), ordered).await;
        side.ask_for("has it all", version, owns(&group, &member, epoch, topic.id, &[0, 1, 2]), ordered)
            .await;
        side.ask_for(
            "has more than all",
            version,
            owns(&group, &member, epoch, topic.id, &[0, 1, 2, 3]),
            ordered,
        )
        .await;
        side.ask_for("an epoch that was", version, beats(&group, &member, epoch - 1), ordered).await;
        side.ask_for("an epoch to come", version, beats(&group, &member, epoch + 1), ordered).await;
        side.ask_for("a negative epoch", version, beats(&group, &member, -5), ordered).await;
        side.ask_for("an unknown member", version, beats(&group, "unknown", epoch), ordered).await;
        let describe = ConsumerGroupDescribeRequest { group_ids: vec![group.clone()], ..Default::default() };
        side.ask("with a member", version, describe.clone()).await;
        let by = |member: &str, epoch: i32| OffsetCommitRequest {
            member_id: member.to_owned(),
            generation_id_or_member_epoch: epoch,
            ..offsets::commit(&group, &topic, 0, 5)
        };
        for (label, request) in [
            ("by a member", by(&member, epoch)),
            ("by a member of another epoch", by(&member, epoch + 7)),
            ("by an unknown member", by("unknown", epoch)),
            ("by nobody", by("", -1)),
        ] {
            for version in [8, 9, 10] {
                side.ask(label, version, request.clone()).await;
            }
        }
        for (label, member, epoch) in [
            ("the member", &member[..], epoch),
            ("another epoch", &member, 99),
            ("an unknown member", "unknown", 1),
        ] {
            let mut request = offsets::fetch(9, &group, Some(&[(&topic, &[0])]));
            request.groups[0].member_id = Some(member.to_owned());
            request.groups[0].member_epoch = epoch;
            side.ask(&format!("by {label}"), 9, request).await;
        }
        side.ask_for("leaves", version, beats(&group, &member, -1), ordered).await;
        side.ask_for("leaves again", version, beats(&group, &member, -1), ordered).await;
        side.ask("without members", version, describe).await;
        let delete = DeleteGroupsRequest { groups_names: vec![group.clone()] };
        side.ask("of the new protocol", 2, delete).await;
    }
}

async fn bad_heartbeats(side: &mut Side) {
    let topic = settled(side, "bad-heartbeats", 1).await;
    let group = side.name("bad-heartbeats");
    let unknown = side.name("unknown");
    let good = joins(&group, "member", &[&topic.name]);
    let with = |change: fn(&mut ConsumerGroupHeartbeatRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    for version in ConsumerGroupHeartbeatRequest::VERSIONS {
        for (label, request) in [
            ("no group", with(|request| request.group_id = String::new())),
            ("a group called space", with(|request| request.group_id = " ".to_owned())),
            ("no timeout", with(|request| request.rebalance_timeout_ms = -1)),
            ("a negative timeout", with(|request| request.rebalance_timeout_ms = -5)),
            ("no topics", with(|request| request.subscribed_topic_names = None)),
            ("no partitions", with(|request| request.topic_partitions = None)),
            (
                "partitions while joining",
                with(|request| {
                    request.topic_partitions =
                        Some(vec![TopicPartitions { topic_id: Uuid([9; 16]), partitions: vec![0] }]);
                }),
            ),
            ("an unknown assignor", with(|request| request.server_assignor = Some("other".to_owned()))),
            ("an assignor without a name", with(|request| request.server_assignor = Some(String::new()))),
            ("an instance without a name", with(|request| request.instance_id = Some(String::new()))),
            ("a rack without a name", with(|request| request.rack_id = Some(String::new()))),
            ("an epoch below all", with(|request| request.member_epoch = -9)),
            ("an instance leaves that has no name", with(|request| request.member_epoch = -2)),
            ("an unknown group", beats(&unknown, "member", 1)),
            ("an unknown group, leaving", beats(&unknown, "member", -1)),
            ("no member", beats(&unknown, "", 1)),
        ] {
            side.ask_for(label, version, request, ordered).await;
        }
    }
    side.ask_for("no member, joining", 1, with(|request| request.member_id = String::new()), ordered).await;
    let mut pattern = good.clone();
    pattern.subscribed_topic_names = None;
    for (label, text) in [("a broken pattern", "("), ("an empty pattern", "")] {
        pattern.subscribed_topic_regex = Some(text.to_owned());
        side.ask_for(label, 1, pattern.clone(), ordered).await;
    }
}

async fn told(side: &mut Side) {
    let unknown = side.name("unknown");
    let (classic, _) = group_of_one(side, "described-as-new").await;
    let describe = |names: &[&str]| ConsumerGroupDescribeRequest {
        group_ids: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    for version in ConsumerGroupDescribeRequest::VERSIONS {
        for (label, names) in [
            ("an unknown one", &[unknown.as_str()][..]),
            ("a classic one", &[&classic]),
            ("no name", &[""]),
            ("none", &[]),
            ("the same twice", &[&unknown, &unknown]),
        ] {
            side.ask(label, version, describe(names)).await;
        }
        let operations = ConsumerGroupDescribeRequest {
            include_authorized_operations: true,
            ..describe(&[&side.name(&format!("kip848-told-{version}"))])
        };
        let topic = settled(side, &format!("told-{version}"), 2).await;
        let group = side.name(&format!("kip848-told-{version}"));
        join(side, "to be told", 1, joins(&group, "member-one", &[&topic.name])).await;
        side.ask("with operations", version, operations).await;
    }
    let group = side.name("kip848-told-1");
    let old = DescribeGroupsRequest { groups: vec![group], ..Default::default() };
    side.ask("of the new protocol", 5, old.clone()).await;
    side.ask("of the new protocol", 6, old).await;
    list(side, "with new ones", 5, &[], &[]).await;
    list(side, "new ones alone", 5, &[], &["consumer"]).await;
}

async fn instances(side: &mut Side) {
    let topic = settled(side, "instances", 2).await;
    let group = side.name("kip848-instances");
    let with = |member: &str, instance: &str| ConsumerGroupHeartbeatRequest {
        instance_id: Some(instance.to_owned()),
        ..joins(&group, member, &[&topic.name])
    };
    let beat = |member: &str, epoch: i32| ConsumerGroupHeartbeatRequest {
        instance_id: Some("one".to_owned()),
        ..beats(&group, member, epoch)
    };
    let (_, epoch) = join(side, "an instance", 1, with("first", "one")).await;
    side.ask_for("another with its name", 1, with("second", "one"), ordered).await;
    side.ask_for("an instance goes for a while", 1, beat("first", -2), ordered).await;
    let (_, back) = join(side, "another takes its place", 1, with("second", "one")).await;
    side.ask_for("the one before", 1, beat("first", epoch), ordered).await;
    side.ask_for("the one that took its place", 1, beat("second", back), ordered).await;
    let describe = ConsumerGroupDescribeRequest { group_ids: vec![group.clone()], ..Default::default() };
    side.ask("with an instance", 1, describe).await;
    side.ask_for("leaves", 1, beat("second", -1), ordered).await;
}

async fn across_protocols(side: &mut Side) {
    let topic = settled(side, "across", 1).await;
    let group = side.name("kip848-across");
    side.quietly(1, joins(&group, "member-one", &[&topic.name]), |_| true).await;
    side.ask("of a group of the new protocol", 4, heartbeat(&group, 1, "member-one")).await;
    side.ask("of a group of the new protocol, unknown", 4, heartbeat(&group, 1, "other")).await;
    let odd = kafka_core::protocol::messages::JoinGroupRequest {
        protocol_type: "connect".to_owned(),
        ..groups::join(&group, "", &["range"])
    };
    side.ask("of a group of the new protocol, by another type", 3, odd).await;
    let leave = super::groups::leave(&group, &[("member-one", None), ("unknown", None)]);
    side.ask("of a group of the new protocol", 5, leave).await;
    let delete = DeleteGroupsRequest { groups_names: vec![group] };
    side.ask("of the new protocol", 2, delete).await;
}
