use std::time::Duration;

use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_core::protocol::messages::leave_group_request::MemberIdentity;
use kafka_core::protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_core::protocol::messages::{
    JoinGroupRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::{ClassicGroup, State};
use crate::core::{Call, Reply, Ticket};
use crate::groups::{Commit, Effects, TopicMap};
use crate::settings::Settings;

/// A group, its clock, and what it answered.
struct Bench {
    group: ClassicGroup,
    now: Duration,
    settings: Settings,
    random: fastrand::Rng,
    tickets: u64,
    joined: Vec<(Ticket, JoinGroupResponse)>,
    synced: Vec<(Ticket, SyncGroupResponse)>,
}

impl Bench {
    fn new() -> Self {
        Self {
            group: ClassicGroup::new(),
            now: Duration::ZERO,
            settings: Settings::default(),
            random: fastrand::Rng::with_seed(1),
            tickets: 0,
            joined: Vec::new(),
            synced: Vec::new(),
        }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut ClassicGroup, &mut Effects<'_>) -> T) -> T {
        let topics = TopicMap::default();
        let mut effects = Effects::new(self.now, &self.settings, &topics, &mut self.random);
        let result = act(&mut self.group, &mut effects);
        let (joined, synced) = (effects.joined, effects.synced);
        self.joined.extend(joined);
        self.synced.extend(synced);
        result
    }

    fn call(&mut self, version: i16) -> Call {
        self.tickets += 1;
        let client_id = Some("client".to_owned());
        let host = "127.0.0.1".to_owned();
        Call { ticket: Ticket(self.tickets), broker: 1, version, client_id, host, ..Call::default() }
    }

    /// Joins and gives the answer if there is one by then, also by another's request.
    fn join(&mut self, request: &JoinGroupRequest) -> (Ticket, Option<JoinGroupResponse>) {
        let call = self.call(9);
        let reply = self.act(|group, effects| group.join(request, &call, effects));
        let answer = match reply {
            Reply::Now(response) => Some(response),
            _ => self.joined(call.ticket),
        };
        (call.ticket, answer)
    }

    fn joined(&mut self, ticket: Ticket) -> Option<JoinGroupResponse> {
        let at = self.joined.iter().position(|(of, _)| *of == ticket)?;
        Some(self.joined.remove(at).1)
    }

    /// Joins for the first time, with the id that the group gives.
    fn join_with_new_id(&mut self) -> (String, Ticket, Option<JoinGroupResponse>) {
        let first = self.join(&request("")).1.unwrap();
        assert_eq!(ErrorCode(first.error_code), ErrorCode::MEMBER_ID_REQUIRED);
        let (ticket, answer) = self.join(&request(&first.member_id));
        (first.member_id, ticket, answer)
    }

    fn sync(
        &mut self,
        member: &str,
        assignments: &[(&str, &'static [u8])],
    ) -> (Ticket, Option<SyncGroupResponse>) {
        let request = SyncGroupRequest {
            generation_id: self.group.generation,
            member_id: member.to_owned(),
            assignments: assignments
                .iter()
                .map(|(member, assignment)| SyncGroupRequestAssignment {
                    member_id: (*member).to_owned(),
                    assignment: Bytes::from_static(assignment),
                })
                .collect(),
            ..Default::default()
        };
        let call = self.call(3);
        let reply = self.act(|group, effects| group.sync(&request, &call, effects));
        let answer = match reply {
            Reply::Now(response) => Some(response),
            _ => self.synced(call.ticket),
        };
        (call.ticket, answer)
    }

    fn synced(&mut self, ticket: Ticket) -> Option<SyncGroupResponse> {
        let at = self.synced.iter().position(|(of, _)| *of == ticket)?;
        Some(self.synced.remove(at).1)
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.act(|group, effects| group.due(effects));
    }

    fn commit(&self, member: &str, generation: i32) -> Result<(), ErrorCode> {
        let partitions = &[];
        let commit =
            Commit { member, instance: None, generation, transactional: false, version: 9, partitions };
        self.group.check_commit(&commit)
    }

    fn heartbeat(&mut self, member: &str) -> Result<(), ErrorCode> {
        let generation = self.group.generation;
        self.act(|group, effects| group.heartbeat(member, None, generation, effects))
    }
}

fn request(member: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: "g".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: Bytes::from_static(b"m"),
        }],
        ..Default::default()
    }
}

fn static_request(member: &str) -> JoinGroupRequest {
    JoinGroupRequest { group_instance_id: Some("instance".to_owned()), ..request(member) }
}

#[test]
fn two_members_share_what_the_leader_assigns() {
    let mut bench = Bench::new();
    let (a, _, joined) = bench.join_with_new_id();
    let joined = joined.unwrap();
    assert_eq!((joined.generation_id, joined.leader.as_str(), joined.members.len()), (1, a.as_str(), 1));
    assert_eq!(bench.sync(&a, &[(&a, b"all")]).1.unwrap().assignment, &b"all"[..]);
    assert_eq!(bench.group.state, State::Stable);

    let (b, b_ticket, joined) = bench.join_with_new_id();
    assert!(joined.is_none(), "the first member is to join again before");
    assert_eq!(bench.heartbeat(&a), Err(ErrorCode::REBALANCE_IN_PROGRESS));
    let of_a = bench.join(&request(&a)).1.unwrap();
    let of_b = bench.joined(b_ticket).unwrap();
    assert_eq!((of_a.generation_id, of_a.members.len()), (2, 2));
    assert_eq!((of_b.generation_id, of_b.members.len(), of_b.leader.as_str()), (2, 0, a.as_str()));

    let (b_sync, answer) = bench.sync(&b, &[]);
    assert!(answer.is_none(), "the leader has not assigned yet");
    assert_eq!(bench.sync(&a, &[(&a, b"1"), (&b, b"2")]).1.unwrap().assignment, &b"1"[..]);
    assert_eq!(bench.synced(b_sync).unwrap().assignment, &b"2"[..]);
}

#[test]
fn a_silent_member_is_removed_and_the_others_rebalance() {
    let mut bench = Bench::new();
    let (a, ..) = bench.join_with_new_id();
    bench.sync(&a, &[]);
    let (b, b_ticket, _) = bench.join_with_new_id();
    bench.join(&request(&a));
    assert!(bench.joined(b_ticket).is_some());
    bench.sync(&b, &[]);
    bench.sync(&a, &[]);
    bench.wait(Duration::from_secs(6));
    assert_eq!(bench.heartbeat(&a), Ok(()));
    bench.wait(Duration::from_secs(6));
    assert_eq!(bench.group.members.len(), 1);
    assert_eq!(bench.heartbeat(&a), Err(ErrorCode::REBALANCE_IN_PROGRESS));
    assert_eq!(bench.heartbeat(&b), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(bench.join(&request(&a)).1.unwrap().generation_id, 3);
}

#[test]
fn a_rebalance_ends_without_those_who_do_not_join_again() {
    let mut bench = Bench::new();
    let (a, ..) = bench.join_with_new_id();
    bench.sync(&a, &[]);
    let (_, b_ticket, _) = bench.join_with_new_id();
    for _ in 0..6 {
        // It lives, but it does not join.
        let _ = bench.heartbeat(&a);
        bench.wait(Duration::from_secs(5));
    }
    let joined = bench.joined(b_ticket).unwrap();
    assert_eq!((joined.members.len(), joined.leader == joined.member_id), (1, true));
}

#[test]
fn who_does_not_ask_for_its_assignment_is_removed() {
    let mut bench = Bench::new();
    let (a, ..) = bench.join_with_new_id();
    assert_eq!(bench.group.state, State::CompletingRebalance);
    for _ in 0..7 {
        let _ = bench.heartbeat(&a);
        bench.wait(Duration::from_secs(5));
    }
    assert_eq!((bench.group.state, bench.group.members.len()), (State::Empty, 0));
}

#[test]
fn a_static_member_comes_back_without_a_rebalance_and_fences_its_former_self() {
    let mut bench = Bench::new();
    let first = bench.join(&static_request("")).1.unwrap();
    assert_eq!(ErrorCode(first.error_code), ErrorCode::NONE);
    bench.sync(&first.member_id, &[(&first.member_id, b"all")]);
    let second = bench.join(&static_request("")).1.unwrap();
    assert_eq!((second.generation_id, second.skip_assignment), (1, true));
    assert_ne!(second.member_id, first.member_id);
    assert_eq!(bench.sync(&second.member_id, &[]).1.unwrap().assignment, &b"all"[..]);
    let again = bench.join(&static_request(&first.member_id)).1.unwrap();
    assert_eq!(ErrorCode(again.error_code), ErrorCode::FENCED_INSTANCE_ID);
}

#[test]
fn a_static_member_that_prefers_another_assignor_rebalances_and_one_that_says_other_things_does_not() {
    let mut bench = Bench::new();
    let protocol = |name: &str, metadata: &'static [u8]| JoinGroupRequestProtocol {
        name: name.to_owned(),
        metadata: Bytes::from_static(metadata),
    };
    let request = |protocols| JoinGroupRequest { protocols, ..static_request("") };
    let first = bench.join(&request(vec![protocol("range", b"1"), protocol("other", b"1")])).1.unwrap();
    bench.sync(&first.member_id, &[]);
    let second = bench.join(&request(vec![protocol("range", b"2"), protocol("other", b"2")])).1.unwrap();
    assert_eq!((second.generation_id, second.skip_assignment), (1, true));
    let third = bench.join(&request(vec![protocol("other", b"2"), protocol("range", b"2")])).1.unwrap();
    assert_eq!((third.generation_id, third.skip_assignment), (2, false));
}

#[test]
fn the_last_one_to_leave_empties_the_group() {
    let mut bench = Bench::new();
    let (a, ..) = bench.join_with_new_id();
    bench.sync(&a, &[]);
    let leaving = MemberIdentity { member_id: a.clone(), ..Default::default() };
    assert_eq!(bench.act(|group, effects| group.leave(&leaving, effects)), Ok(a.clone()));
    assert_eq!((bench.group.state, bench.group.generation), (State::Empty, 2));
    assert_eq!(bench.act(|group, effects| group.leave(&leaving, effects)), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(bench.commit("", -1), Ok(()));
    assert_eq!(bench.group.next_deadline(), None);
}

#[test]
fn only_members_of_the_generation_commit() {
    let mut bench = Bench::new();
    let (a, ..) = bench.join_with_new_id();
    assert_eq!(bench.commit(&a, 1), Err(ErrorCode::REBALANCE_IN_PROGRESS));
    bench.sync(&a, &[]);
    assert_eq!(bench.commit(&a, 1), Ok(()));
    assert_eq!(bench.commit(&a, 0), Err(ErrorCode::ILLEGAL_GENERATION));
    assert_eq!(bench.commit("other", 1), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(bench.commit("", -1), Err(ErrorCode::UNKNOWN_MEMBER_ID));
}

#[test]
fn an_assignor_that_not_all_have_is_not_chosen() {
    let mut bench = Bench::new();
    let protocol = |name: &str| JoinGroupRequestProtocol { name: name.to_owned(), metadata: Bytes::new() };
    let both = JoinGroupRequest { protocols: vec![protocol("new"), protocol("old")], ..static_request("") };
    let first = bench.join(&both).1.unwrap();
    assert_eq!(first.protocol_name.as_deref(), Some("new"));
    bench.sync(&first.member_id, &[]);
    let mut old = JoinGroupRequest { protocols: vec![protocol("old")], ..static_request("") };
    old.group_instance_id = Some("another".to_owned());
    let (ticket, _) = bench.join(&old);
    let rejoined = bench.join(&JoinGroupRequest { member_id: first.member_id, ..both }).1.unwrap();
    assert_eq!(rejoined.protocol_name.as_deref(), Some("old"));
    assert!(bench.joined(ticket).is_some());
    let stranger = JoinGroupRequest { protocols: vec![protocol("else")], ..request("") };
    let refused = bench.join(&stranger).1.unwrap();
    assert_eq!(ErrorCode(refused.error_code), ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
}
