//! Groups of the classic protocol, and committed offsets.

use bytes::Bytes;
use kafka_core::protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_core::protocol::messages::leave_group_request::MemberIdentity;
use kafka_core::protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_core::protocol::messages::{
    ConsumerProtocolSubscription, DeleteGroupsRequest, DescribeGroupsRequest, HeartbeatRequest,
    JoinGroupRequest, LeaveGroupRequest, ListGroupsRequest, ListGroupsResponse, SyncGroupRequest,
};
use kafka_core::protocol::{ApiVersion, Encoder, Int16, Message, WriteVersionedType};

use super::super::side::Side;

/// What a consumer says of the topics that it wants.
pub(super) fn subscription(topics: &[&str]) -> Bytes {
    let subscription = ConsumerProtocolSubscription {
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        ..Default::default()
    };
    let mut encoder = Encoder::new();
    subscription.write_versioned(&mut encoder, ApiVersion(Int16(1))).unwrap();
    Bytes::from([&1i16.to_be_bytes()[..], &encoder.finish().concat()].concat())
}

pub(super) fn join(group: &str, member: &str, protocols: &[&str]) -> JoinGroupRequest {
    let protocol = |name: &&str| JoinGroupRequestProtocol {
        name: (*name).to_owned(),
        metadata: subscription(&["topic"]),
    };
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: protocols.iter().map(protocol).collect(),
        ..Default::default()
    }
}

pub(super) fn sync(
    group: &str,
    generation: i32,
    member: &str,
    assigned: &[(&str, &'static [u8])],
) -> SyncGroupRequest {
    let assignment = |(member, assignment): &(&str, &'static [u8])| SyncGroupRequestAssignment {
        member_id: (*member).to_owned(),
        assignment: Bytes::from_static(assignment),
    };
    SyncGroupRequest {
        group_id: group.to_owned(),
        generation_id: generation,
        member_id: member.to_owned(),
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: assigned.iter().map(assignment).collect(),
        ..Default::default()
    }
}

pub(super) fn heartbeat(group: &str, generation: i32, member: &str) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: group.to_owned(),
        generation_id: generation,
        member_id: member.to_owned(),
        ..Default::default()
    }
}

pub(super) fn leave(group: &str, members: &[(&str, Option<&str>)]) -> LeaveGroupRequest {
    let identity = |(member, instance): &(&str, Option<&str>)| MemberIdentity {
        member_id: (*member).to_owned(),
        group_instance_id: instance.map(str::to_owned),
        ..Default::default()
    };
    LeaveGroupRequest {
        group_id: group.to_owned(),
        members: members.iter().map(identity).collect(),
        ..Default::default()
    }
}

/// A group of one member, and the member's id; its generation is 1.
pub(super) async fn group_of_one(side: &mut Side, name: &str) -> (String, String) {
    let group = side.name(name);
    let joined = side.quietly(0, join(&group, "", &["range"]), |answer| answer.error_code == 0).await;
    let member = joined.member_id;
    let synced = sync(&group, joined.generation_id, &member, &[(&member, b"assigned")]);
    side.quietly(0, synced, |answer| answer.error_code == 0).await;
    (group, member)
}

pub(super) async fn run(side: &mut Side) {
    side.quietly(2, DeleteGroupsRequest { groups_names: vec![String::new()] }, |_| true).await;
    one_member(side).await;
    bad_joins(side).await;
    bad_members(side).await;
    two_members(side).await;
    static_members(side).await;
    told(side).await;
    ended(side).await;
}

/// A member's life in each version.
async fn one_member(side: &mut Side) {
    for version in JoinGroupRequest::VERSIONS {
        let group = side.name(&format!("classic-{version}"));
        let mut member = String::new();
        if version >= 4 {
            // It is told its id first (KIP-394).
            member = side.ask("without an id", version, join(&group, "", &["range"])).await.member_id;
        }
        let joined = side.ask("", version, join(&group, &member, &["range", "sticky"])).await;
        let (generation, member) = (joined.generation_id, joined.member_id);
        let assigned = [(member.as_str(), &b"assigned"[..])];
        side.ask("", version.min(5), sync(&group, generation, &member, &assigned)).await;
        side.ask("again", version.min(5), sync(&group, generation, &member, &[])).await;
        side.ask("", version.min(4), heartbeat(&group, generation, &member)).await;
        let describe = DescribeGroupsRequest { groups: vec![group.clone()], ..Default::default() };
        side.ask("stable", version.min(6), describe.clone()).await;
        let again = side.ask("again", version, join(&group, &member, &["range", "sticky"])).await;
        side.ask("before the sync", version.min(4), heartbeat(&group, again.generation_id, &member)).await;
        side.ask("before the sync", version.min(6), describe.clone()).await;
        side.ask("of the last generation", version.min(5), sync(&group, generation, &member, &assigned))
            .await;
        side.ask("", version.min(5), sync(&group, again.generation_id, &member, &assigned)).await;
        let leaving = LeaveGroupRequest {
            group_id: group.clone(),
            member_id: if version < 3 { member.clone() } else { String::new() },
            members: if version < 3 { vec![] } else { leave(&group, &[(&member, None)]).members },
        };
        side.ask("", version.min(5), leaving.clone()).await;
        side.ask("again", version.min(5), leaving).await;
        side.ask("after leaving", version.min(4), heartbeat(&group, again.generation_id, &member)).await;
        side.ask("empty", version.min(6), describe).await;
    }
}

async fn bad_joins(side: &mut Side) {
    for version in [0, 3, 5, 9] {
        let group = side.name(&format!("bad-joins-{version}"));
        let good = join(&group, "", &["range"]);
        for (label, request) in [
            ("no group", join("", "", &["range"])),
            ("no protocols", join(&group, "", &[])),
            ("no protocol type", JoinGroupRequest { protocol_type: String::new(), ..good.clone() }),
            ("a session that is too short", JoinGroupRequest { session_timeout_ms: 1, ..good.clone() }),
            (
                "a session that is too long",
                JoinGroupRequest { session_timeout_ms: 2_000_000, ..good.clone() },
            ),
            ("a negative session", JoinGroupRequest { session_timeout_ms: -1, ..good.clone() }),
            ("an unknown member", join(&group, "unknown", &["range"])),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let (group, member) = group_of_one(side, "other-protocols").await;
    for version in [3, 9] {
        for (label, request) in [
            (
                "another protocol type",
                JoinGroupRequest { protocol_type: "connect".to_owned(), ..join(&group, "", &["range"]) },
            ),
            ("another protocol", join(&group, "", &["sticky"])),
            (
                "another protocol type of the member",
                JoinGroupRequest { protocol_type: "connect".to_owned(), ..join(&group, &member, &["range"]) },
            ),
            ("an unknown member", join(&group, "unknown", &["range"])),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let odd = side.name("other-type");
    let request = JoinGroupRequest { protocol_type: "connect".to_owned(), ..join(&odd, "", &["default"]) };
    side.ask("a group of another type", 3, request).await;
    let describe = DescribeGroupsRequest { groups: vec![odd], ..Default::default() };
    side.ask("of another type", 6, describe).await;
}

async fn bad_members(side: &mut Side) {
    let (group, member) = group_of_one(side, "bad-members").await;
    let unknown = side.name("unknown");
    for version in HeartbeatRequest::VERSIONS {
        for (label, request) in [
            ("an unknown group", heartbeat(&unknown, 1, &member)),
            ("no group", heartbeat("", 1, &member)),
            ("an unknown member", heartbeat(&group, 1, "unknown")),
            ("no member", heartbeat(&group, 1, "")),
            ("an earlier generation", heartbeat(&group, 0, &member)),
            ("a later generation", heartbeat(&group, 2, &member)),
            ("a negative generation", heartbeat(&group, -1, &member)),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let instance =
        HeartbeatRequest { group_instance_id: Some("unknown".to_owned()), ..heartbeat(&group, 1, &member) };
    side.ask("an unknown instance", 4, instance).await;
    for version in SyncGroupRequest::VERSIONS {
        for (label, request) in [
            ("an unknown group", sync(&unknown, 1, &member, &[])),
            ("no group", sync("", 1, &member, &[])),
            ("an unknown member", sync(&group, 1, "unknown", &[])),
            ("a later generation", sync(&group, 2, &member, &[])),
        ] {
            side.ask(label, version, request).await;
        }
    }
    for (label, request) in [
        (
            "another type",
            SyncGroupRequest { protocol_type: Some("connect".to_owned()), ..sync(&group, 1, &member, &[]) },
        ),
        (
            "another protocol",
            SyncGroupRequest { protocol_name: Some("sticky".to_owned()), ..sync(&group, 1, &member, &[]) },
        ),
        ("no type", SyncGroupRequest { protocol_type: None, ..sync(&group, 1, &member, &[]) }),
        ("no protocol", SyncGroupRequest { protocol_name: None, ..sync(&group, 1, &member, &[]) }),
        (
            "neither",
            SyncGroupRequest { protocol_type: None, protocol_name: None, ..sync(&group, 1, &member, &[]) },
        ),
    ] {
        side.ask(label, 5, request).await;
    }
    for version in [3, 4, 5] {
        for (label, request) in [
            ("an unknown group", leave(&unknown, &[(&member, None)])),
            ("no group", leave("", &[(&member, None)])),
            ("an unknown member", leave(&group, &[("unknown", None)])),
            ("an unknown instance", leave(&group, &[("", Some("unknown"))])),
            ("nobody", leave(&group, &[])),
            ("two unknown members", leave(&group, &[("x", None), ("y", Some("z"))])),
        ] {
            side.ask(label, version, request).await;
        }
    }
    for (label, group, member) in [
        ("an unknown group", &unknown, "x"),
        ("an unknown member", &group, "unknown"),
        ("nobody", &group, ""),
    ] {
        let request =
            LeaveGroupRequest { group_id: group.clone(), member_id: member.to_owned(), ..Default::default() };
        side.ask(label, 2, request).await;
    }
}

async fn two_members(side: &mut Side) {
    let (group, first) = group_of_one(side, "two").await;
    let second = side.ask("the second", 9, join(&group, "", &["range", "roundrobin"])).await.member_id;
    let waiting = side.start("the second", 9, join(&group, &second, &["range", "roundrobin"])).await;
    side.ask("while another joins", 4, heartbeat(&group, 1, &first)).await;
    side.ask("while another joins", 5, sync(&group, 1, &first, &[])).await;
    let describe = DescribeGroupsRequest { groups: vec![group.clone()], ..Default::default() };
    side.ask("while another joins", 6, describe.clone()).await;
    let leader = side.ask("the first again", 9, join(&group, &first, &["range"])).await;
    side.finish(waiting).await;
    let generation = leader.generation_id;
    let early = side.start("the follower first", 5, sync(&group, generation, &second, &[])).await;
    side.ask("while one waits for its assignment", 4, heartbeat(&group, generation, &second)).await;
    let assigned = [(first.as_str(), &b"one"[..]), (&second, b"two")];
    side.ask("the leader", 5, sync(&group, generation, &first, &assigned)).await;
    side.finish(early).await;
    side.ask("with two members", 6, describe.clone()).await;
    side.ask("the follower again", 9, join(&group, &second, &["range", "roundrobin"])).await;
    side.ask("one leaves", 5, leave(&group, &[(&first, None)])).await;
    side.ask("the other is told", 4, heartbeat(&group, generation, &second)).await;
    let alone = side.ask("alone", 9, join(&group, &second, &["range", "roundrobin"])).await;
    side.ask("alone", 5, sync(&group, alone.generation_id, &second, &[])).await;
    side.ask("alone", 6, describe).await;
    side.ask("both leave", 5, leave(&group, &[(&first, None), (&second, None)])).await;
}

async fn static_members(side: &mut Side) {
    let group = side.name("static");
    let with = |instance: &str, request: JoinGroupRequest| JoinGroupRequest {
        group_instance_id: Some(instance.to_owned()),
        ..request
    };
    let joined = side.ask("an instance", 9, with("one", join(&group, "", &["range"]))).await;
    let member = joined.member_id;
    let sync_one = |generation: i32, member: &str| SyncGroupRequest {
        group_instance_id: Some("one".to_owned()),
        ..sync(&group, generation, member, &[(member, b"assigned")])
    };
    side.ask("an instance", 5, sync_one(joined.generation_id, &member)).await;
    let describe = DescribeGroupsRequest { groups: vec![group.clone()], ..Default::default() };
    side.ask("with an instance", 6, describe.clone()).await;
    let again = side.ask("the instance again", 9, with("one", join(&group, "", &["range"]))).await;
    let new = again.member_id;
    side.ask("the instance before", 9, with("one", join(&group, &member, &["range"]))).await;
    let beat = |member: &str, instance: &str| HeartbeatRequest {
        group_instance_id: Some(instance.to_owned()),
        ..heartbeat(&group, again.generation_id, member)
    };
    side.ask("the instance before", 4, beat(&member, "one")).await;
    side.ask("the instance", 4, beat(&new, "one")).await;
    side.ask("another instance", 4, beat(&new, "two")).await;
    side.ask("the instance before", 5, sync_one(again.generation_id, &member)).await;
    side.ask("the instance", 5, sync_one(again.generation_id, &new)).await;
    side.ask("in an old version", 5, with("one", join(&group, "", &["range"]))).await;
    side.ask("of an instance before", 5, leave(&group, &[(&member, Some("one"))])).await;
    side.ask("of an instance alone", 5, leave(&group, &[("", Some("one"))])).await;
    side.ask("of an instance that left", 5, leave(&group, &[("", Some("one"))])).await;
    side.ask("without the instance", 6, describe).await;
    for instance in ["", ".", "a b", "é"] {
        let label = format!("an instance called {instance:?}");
        let group = side.name(&label);
        side.ask(&label, 9, with(instance, join(&group, "", &["range"]))).await;
    }
}

/// What groups are told to be.
async fn told(side: &mut Side) {
    let (group, _) = group_of_one(side, "told").await;
    let unknown = side.name("unknown");
    for version in DescribeGroupsRequest::VERSIONS {
        let include = version >= 3;
        for (label, groups) in [
            ("one", vec![group.clone()]),
            ("an unknown one", vec![unknown.clone()]),
            ("none", vec![]),
            ("no name", vec![String::new()]),
            ("the same twice", vec![group.clone(), group.clone()]),
        ] {
            let request = DescribeGroupsRequest { groups, include_authorized_operations: include };
            side.ask(label, version, request).await;
        }
    }
    for version in ListGroupsRequest::VERSIONS {
        list(side, "all", version, &[], &[]).await;
    }
    for (label, states, types) in [
        ("stable", &["Stable"][..], &[][..]),
        ("empty", &["Empty"], &[]),
        ("in small letters", &["stable"], &[]),
        ("of an unknown state", &["Sleepy"], &[]),
        ("of no state", &[""], &[]),
        ("of two states", &["Stable", "Empty"], &[]),
        ("classic", &[], &["classic"]),
        ("classic in large letters", &[], &["CLASSIC"]),
        ("of the new protocol", &[], &["consumer"]),
        ("of an unknown type", &[], &["other"]),
        ("stable and classic", &["Stable"], &["classic"]),
    ] {
        list(side, label, 5, states, types).await;
    }
}

/// Lists the groups of this run.
pub(super) async fn list(side: &mut Side, label: &str, version: i16, states: &[&str], types: &[&str]) {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let request = ListGroupsRequest { states_filter: texts(states), types_filter: texts(types) };
    let ours = side.name("");
    let part = |answer: &mut ListGroupsResponse| {
        answer.groups.retain(|group| group.group_id.starts_with(&ours));
        answer.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    };
    side.ask_for(label, version, request, part).await;
}

async fn ended(side: &mut Side) {
    let unknown = side.name("unknown");
    for version in DeleteGroupsRequest::VERSIONS {
        let (group, member) = group_of_one(side, &format!("ended-{version}")).await;
        let delete = |names: &[&str]| DeleteGroupsRequest {
            groups_names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        side.ask("with a member", version, delete(&[&group])).await;
        side.quietly(5, leave(&group, &[(&member, None)]), |_| true).await;
        side.ask("empty", version, delete(&[&group])).await;
        side.ask("again", version, delete(&[&group])).await;
        side.ask("an unknown one", version, delete(&[&unknown])).await;
        side.ask("no name", version, delete(&[""])).await;
        side.ask("none", version, delete(&[])).await;
        side.ask("the same twice", version, delete(&[&unknown, &unknown])).await;
    }
}
